//! A service with the bare bindings of crate `wasip3`, WASI 0.3.

use asked::asked;
use wasip3::{
    clocks::monotonic_clock::wait_for,
    exports::http::handler::Guest,
    http::{
        client,
        types::{ErrorCode, Fields, Request, Response, Scheme},
    },
    spawn_local,
    wit_bindgen::StreamReader,
    wit_future, wit_stream,
};

wasip3::http::service::export!(Service);

struct Service;

impl Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        match asked(&target) {
            ("trap", _) => panic!("asked to trap"),
            ("trap-late", _) => Ok(respond(200, chunks(1, true))),
            ("echo", _) => {
                let (_, transmitted) = wit_future::new(|| Ok(()));
                Ok(respond(200, Request::consume_body(request, transmitted).0))
            }
            ("stream", _) => Ok(respond(200, chunks(10, false))),
            ("fetch", url) => {
                let answer = client::send(get(url)?).await?;
                let status = answer.get_status_code();
                let (_, transmitted) = wit_future::new(|| Ok(()));
                Ok(respond(status, Response::consume_body(answer, transmitted).0))
            }
            _ => {
                let (mut out, body) = wit_stream::new();
                spawn_local(async move {
                    out.write_all(b"hello".to_vec()).await;
                });
                Ok(respond(200, body))
            }
        }
    }
}

fn respond(status: u16, body: StreamReader<u8>) -> Response {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _transmitted) = Response::new(Fields::new(), Some(body), trailers);
    response.set_status_code(status).expect("the status is valid");
    response
}

/// So many chunks, 20 ms apart; then the end, or a trap.
fn chunks(count: u32, trap: bool) -> StreamReader<u8> {
    let (mut out, body) = wit_stream::new();
    spawn_local(async move {
        for number in 0..count {
            out.write_all(format!("chunk {number}\n").into_bytes()).await;
            wait_for(20_000_000).await;
        }
        assert!(!trap, "asked to trap late");
    });
    body
}

fn get(url: &str) -> Result<Request, ErrorCode> {
    let rest = url.strip_prefix("http://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _transmitted) = Request::new(Fields::new(), None, trailers, None);
    request
        .set_scheme(Some(&Scheme::Http))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(path)))
        .map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    Ok(request)
}
