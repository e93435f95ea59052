//! A `wasi:http` 0.3 service that knows nothing of its host: `/echo` streams the body back, `/stream` writes ten
//! chunks 20 ms apart, `/fetch?url=` relays another answer, `/trap` panics, `/trap-late` does so 20 ms after the
//! first chunk; every other path says `hello`.

use support::{param, path};
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::wit_bindgen::StreamReader;
use wasip3::{spawn, wit_future, wit_stream};

wasip3::http::service::export!(Hello);

struct Hello;

impl wasip3::exports::http::handler::Guest for Hello {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        match path(&target).rsplit('/').next().unwrap_or_default() {
            "trap" => panic!("asked to trap"),
            "echo" => {
                let (_, transmitted) = wit_future::new(|| Ok(()));
                let (body, _trailers) = Request::consume_body(request, transmitted);
                Ok(respond(200, body))
            }
            "stream" => {
                let (mut out, body) = wit_stream::new();
                spawn(async move {
                    for number in 0..10 {
                        out.write_all(format!("chunk {number}\n").into_bytes()).await;
                        wait_for(20_000_000).await;
                    }
                });
                Ok(respond(200, body))
            }
            "trap-late" => {
                let (mut out, body) = wit_stream::new();
                spawn(async move {
                    out.write_all(b"first chunk\n".to_vec()).await;
                    wait_for(20_000_000).await;
                    panic!("asked to trap late");
                });
                Ok(respond(200, body))
            }
            "fetch" => match fetch(&param(&target, "url").unwrap_or_default()).await {
                Ok(answer) => {
                    let status = answer.get_status_code();
                    let (_, transmitted) = wit_future::new(|| Ok(()));
                    let (body, _trailers) = Response::consume_body(answer, transmitted);
                    Ok(respond(status, body))
                }
                Err(error) => Ok(respond_with(502, error.into_bytes())),
            },
            _ => Ok(respond_with(200, b"hello".to_vec())),
        }
    }
}

fn respond_with(status: u16, bytes: Vec<u8>) -> Response {
    let (mut out, body) = wit_stream::new();
    spawn(async move {
        out.write_all(bytes).await;
    });
    respond(status, body)
}

fn respond(status: u16, body: StreamReader<u8>) -> Response {
    let headers = Fields::new();
    headers.set("content-type", &[b"text/plain".to_vec()]).expect("the headers are mutable");
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _transmitted) = Response::new(headers, Some(body), trailers);
    response.set_status_code(status).expect("the status is valid");
    response
}

async fn fetch(url: &str) -> Result<Response, String> {
    let (scheme, rest) = url.split_once("://").ok_or("the url has no scheme")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _transmitted) = Request::new(Fields::new(), None, trailers, None);
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request
        .set_scheme(Some(&scheme))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(path)))
        .map_err(|()| "the url is wrong")?;
    client::send(request).await.map_err(|error| format!("{error:?}"))
}
