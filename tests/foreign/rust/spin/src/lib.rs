//! A service with the Spin SDK, WASI 0.3.

use std::time::Duration;

use asked::asked;
use futures::SinkExt;
use spin_sdk::{
    http::{self, BoxBody, EmptyBody, FullBody, Request, Response, body, box_body},
    http_service, time,
    wasip3::spawn,
};

#[http_service]
async fn handle(request: Request) -> http::Result<Response<BoxBody>> {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    match asked(&target) {
        ("trap", _) => panic!("asked to trap"),
        ("trap-late", _) => Ok(Response::new(chunks(1, true))),
        ("echo", _) => Ok(Response::new(box_body(request.into_body()))),
        ("stream", _) => Ok(Response::new(chunks(10, false))),
        ("fetch", url) => {
            let answer = http::send(spin_request(url)?).await?;
            Ok(answer.map(box_body))
        }
        _ => Ok(Response::new(box_body(FullBody::new("hello".into())))),
    }
}

fn spin_request(url: &str) -> http::Result<spin_sdk::http::Request<EmptyBody>> {
    Ok(spin_sdk::http::Request::get(url).body(EmptyBody::new())?)
}

/// So many chunks, 20 ms apart; then the end, or a trap.
fn chunks(count: u32, trap: bool) -> BoxBody {
    let (mut out, body) = body::stream();
    spawn(async move {
        for number in 0..count {
            // Whoever asked may be gone.
            let _ = out.send(format!("chunk {number}\n")).await;
            time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!trap, "asked to trap late");
    });
    box_body(body)
}
