//! Standard interfaces only: `wasi:http`, `wasi:messaging`, `wasi:keyvalue`. It has no manifest.
//!
//! `POST /send?topic=T` sends the body, with its content type, and every further parameter as metadata, but `broker`,
//! which names the broker. Each message that comes in is recorded, one with the body `fail` before it is refused;
//! `GET /got` answers them all, oldest first.

use serde_json::{Value, json};
use support::{param, path};
use wasi::keyvalue::{atomics, store};
use wasi::messaging::{
    producer,
    types::{Client, Error, Message},
};
use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:messaging-p2;
        world messaging-p2 {
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:messaging/producer@0.2.0-draft;
            export wasi:messaging/incoming-handler@0.2.0-draft;
        }
    ",
    world: "guests:messaging-p2/messaging-p2",
    generate_all,
});

struct Messaging;
export!(Messaging);
wasip2::http::proxy::export!(Messaging);

/// What the keys of recorded messages begin with.
const RECORDED: &str = "got-";

impl exports::wasi::messaging::incoming_handler::Guest for Messaging {
    fn handle(message: Message) -> Result<(), Error> {
        record(&message).map_err(|error| Error::Other(format!("{error:?}")))?;
        match message.data().as_slice() {
            b"fail" => Err(Error::Other("asked to fail".into())),
            _ => Ok(()),
        }
    }
}

impl wasip2::exports::http::incoming_handler::Guest for Messaging {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (status, text) = match (request.method(), path(&target).rsplit('/').next()) {
            (Method::Post, Some("send")) => match send(&request, &target) {
                Ok(()) => (200, String::new()),
                Err(error) => (500, error),
            },
            (Method::Get, Some("got")) => match recorded() {
                Ok(all) => (200, Value::from(all).to_string()),
                Err(error) => (500, format!("{error:?}")),
            },
            _ => (404, "no such deed".into()),
        };
        respond(out, status, text.as_bytes());
    }
}

fn send(request: &IncomingRequest, target: &str) -> Result<(), String> {
    let topic = param(target, "topic").unwrap_or_default();
    let content_type = request.headers().get("content-type").into_iter().next();
    let message = Message::new(&body(request));
    if let Some(content_type) = content_type {
        message.set_content_type(&String::from_utf8_lossy(&content_type));
    }
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let names = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.0));
    for name in names.filter(|name| !matches!(*name, "topic" | "broker")) {
        message.add_metadata(name, &param(target, name).unwrap_or_default());
    }
    let broker = param(target, "broker").unwrap_or_default();
    let told = |error| match error {
        Error::Timeout => "timeout".into(),
        Error::Connection(text) => format!("connection: {text}"),
        Error::PermissionDenied(text) => format!("permission denied: {text}"),
        Error::Other(text) => format!("other: {text}"),
    };
    let client = Client::connect(&broker).map_err(told)?;
    producer::send(&client, &topic, message).map_err(told)?;
    client.disconnect().map_err(told)
}

fn record(message: &Message) -> Result<(), store::Error> {
    let pairs = message.metadata().unwrap_or_default();
    let metadata: serde_json::Map<_, _> = pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
    let told = json!({
        "topic": message.topic(),
        "contentType": message.content_type(),
        "data": String::from_utf8_lossy(&message.data()),
        "metadata": metadata,
    });
    let bucket = store::open("")?;
    let number = atomics::increment(&bucket, "count", 1)?;
    bucket.set(&format!("{RECORDED}{number:06}"), told.to_string().as_bytes())
}

fn recorded() -> Result<Vec<Value>, store::Error> {
    let bucket = store::open("")?;
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        for key in page.keys.iter().filter(|key| key.starts_with(RECORDED)) {
            let value = bucket.get(key)?.unwrap_or_default();
            all.push(serde_json::from_slice(&value).expect("it was recorded as JSON"));
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

fn body(request: &IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    let mut bytes = Vec::new();
    while let Ok(chunk) = stream.blocking_read(64 * 1024) {
        bytes.extend(chunk);
    }
    bytes
}

fn respond(out: ResponseOutparam, status: u16, text: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("the status is valid");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    for chunk in text.chunks(4096) {
        stream.blocking_write_and_flush(chunk).expect("the client is there");
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("the body is complete");
}
