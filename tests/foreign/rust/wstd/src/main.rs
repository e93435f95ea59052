//! A service with `wstd`, WASI 0.2.

use asked::asked;
use futures_lite::stream;
use wstd::{
    http::{Body, Client, Error, Request, Response, body::Bytes},
    task::sleep,
    time::Duration,
};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    match asked(&target) {
        ("trap", _) => panic!("asked to trap"),
        ("trap-late", _) => Ok(Response::new(chunks(1, true))),
        ("echo", _) => Ok(Response::new(request.into_body())),
        ("stream", _) => Ok(Response::new(chunks(10, false))),
        ("fetch", url) => Client::new().send(Request::get(url).body(Body::empty())?).await,
        _ => Ok(Response::new("hello".into())),
    }
}

/// So many chunks, 20 ms apart; then the end, or a trap.
fn chunks(count: u32, trap: bool) -> Body {
    Body::from_stream(stream::unfold(0, move |number| async move {
        if number > 0 {
            sleep(Duration::from_millis(20)).await;
        }
        if number == count {
            assert!(!trap, "asked to trap late");
            return None;
        }
        Some((Bytes::from(format!("chunk {number}\n")), number + 1))
    }))
}
