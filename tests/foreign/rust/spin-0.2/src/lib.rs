//! A service with the Spin SDK, WASI 0.2.

use std::{thread::sleep, time::Duration};

use asked::asked;
use futures::{SinkExt, StreamExt};
use spin_sdk::{
    http::{Fields, IncomingRequest, IncomingResponse, OutgoingResponse, Request, ResponseOutparam},
    http_component,
};

#[http_component]
async fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let target = request.path_with_query().unwrap_or_default();
    let answer = OutgoingResponse::new(Fields::new());
    let mut body = answer.take_body();
    match asked(&target) {
        ("trap", _) => panic!("asked to trap"),
        ("trap-late", _) => {
            out.set(answer);
            body.send(b"chunk 0\n".to_vec()).await.expect("the client is there");
            sleep(Duration::from_millis(20));
            panic!("asked to trap late");
        }
        ("echo", _) => {
            out.set(answer);
            let mut chunks = request.into_body_stream();
            while let Some(chunk) = chunks.next().await {
                body.send(chunk.expect("the body is whole")).await.expect("the client is there");
            }
        }
        ("stream", _) => {
            out.set(answer);
            for number in 0..10 {
                body.send(format!("chunk {number}\n").into_bytes()).await.expect("the client is there");
                sleep(Duration::from_millis(20));
            }
        }
        ("fetch", url) => {
            let fetched: Result<IncomingResponse, _> = spin_sdk::http::send(Request::get(url)).await;
            let status = fetched.as_ref().map_or(502, IncomingResponse::status);
            answer.set_status_code(status).expect("the status is valid");
            out.set(answer);
            let Ok(fetched) = fetched else { return };
            let mut chunks = fetched.take_body_stream();
            while let Some(chunk) = chunks.next().await {
                body.send(chunk.expect("the body is whole")).await.expect("the client is there");
            }
        }
        _ => {
            out.set(answer);
            body.send(b"hello".to_vec()).await.expect("the client is there");
        }
    }
}
