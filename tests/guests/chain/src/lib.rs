//! A middleware of `wasi:http` 0.3 that does what the request's header `x-chain` asks for. Without it, the request goes
//! on with `x-chain-seen: yes`, and its response with `x-chain-status`. `answer` ends it here, `rewrite` hands on
//! another target (`x-to-method`, `x-to-authority`, `x-to-path`), `again` hands it on until that is no 5xx, `loop` as
//! often as it is let, `late` when it has answered already; `upper` makes the response's letters upper-case as they
//! come, `double` sends each part of the request's body twice; `trap` and `spin` do that.

wit_bindgen::generate!({ path: "../../../wit/p3", world: "wasi:http/middleware", generate_all });

use wasi::http::{
    handler,
    types::{ErrorCode, Fields, Method, Request, Response, Scheme},
};
use wit_bindgen::{StreamReader, StreamResult, spawn_local as spawn};

struct Chain;
export!(Chain);

impl exports::wasi::http::handler::Guest for Chain {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        match header(&request, "x-chain").as_str() {
            "" => {
                let response = handler::handle(with_header(request, "x-chain-seen", "yes")).await?;
                let status = response.get_status_code().to_string();
                Ok(response_with(response, "x-chain-status", &status))
            }
            "answer" => Ok(respond(403, b"no further".to_vec())),
            "rewrite" => {
                let to = |name| Some(header(&request, name)).filter(|value| !value.is_empty());
                let (method, authority, path) = (to("x-to-method"), to("x-to-authority"), to("x-to-path"));
                let request = with_header(request, "x-chain-seen", "yes");
                if let Some(method) = method {
                    request.set_method(&Method::Other(method)).expect("a method");
                }
                if let Some(authority) = authority {
                    request.set_authority(Some(&authority)).expect("an authority");
                }
                if let Some(path) = path {
                    request.set_path_with_query(Some(&path)).expect("a path");
                }
                handler::handle(request).await
            }
            "again" => loop {
                let response = handler::handle(bare(&request)).await?;
                if response.get_status_code() < 500 {
                    return Ok(response);
                }
            },
            "loop" => {
                let mut times = 0;
                while handler::handle(bare(&request)).await.is_ok() {
                    times += 1;
                }
                Ok(respond(200, format!("{times} times").into_bytes()))
            }
            "late" => {
                let (mut out, body) = wit_stream::new();
                spawn(async move {
                    // The response is on its way once its first part has been taken.
                    out.write_all(b"then: ".to_vec()).await;
                    let text = match handler::handle(request).await {
                        Ok(_) => "handed on".to_owned(),
                        Err(error) => format!("{error:?}"),
                    };
                    out.write_all(text.into_bytes()).await;
                });
                Ok(response_of(200, body))
            }
            "upper" => {
                let response = handler::handle(request).await?;
                let status = response.get_status_code();
                let (_, transmitted) = wit_future::new(|| Ok(()));
                let (body, trailers) = Response::consume_body(response, transmitted);
                let body = mapped(body, |part| part.to_ascii_uppercase());
                let (response, _transmitted) = Response::new(Fields::new(), Some(body), trailers);
                response.set_status_code(status).expect("a status");
                Ok(response)
            }
            "double" => {
                let head = bare(&request);
                let (method, path) = (head.get_method(), head.get_path_with_query());
                let (_, transmitted) = wit_future::new(|| Ok(()));
                let (body, trailers) = Request::consume_body(request, transmitted);
                let body = mapped(body, |part| part.repeat(2));
                let (request, _transmitted) = Request::new(Fields::new(), Some(body), trailers, None);
                request.set_method(&method).expect("a method");
                request.set_path_with_query(path.as_deref()).expect("a path");
                handler::handle(request).await
            }
            "trap" => panic!("asked to trap"),
            "spin" => loop {
                std::hint::black_box(0);
            },
            other => Ok(respond(400, format!("unknown: {other}").into_bytes())),
        }
    }
}

fn header(request: &Request, name: &str) -> String {
    let values = request.get_headers().get(name);
    values.first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

/// The same request with one more header.
fn with_header(request: Request, name: &str, value: &str) -> Request {
    let head = bare(&request);
    let headers = request.get_headers().clone();
    headers.append(name, value.as_bytes()).expect("a header");
    let (_, transmitted) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, transmitted);
    let (request, _transmitted) = Request::new(headers, Some(body), trailers, None);
    request.set_method(&head.get_method()).expect("a method");
    request.set_scheme(head.get_scheme().as_ref()).expect("a scheme");
    request.set_authority(head.get_authority().as_deref()).expect("an authority");
    request.set_path_with_query(head.get_path_with_query().as_deref()).expect("a path");
    request
}

/// A request of this head, without a body.
fn bare(request: &Request) -> Request {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (copy, _transmitted) = Request::new(request.get_headers().clone(), None, trailers, None);
    copy.set_method(&request.get_method()).expect("a method");
    copy.set_scheme(Some(&request.get_scheme().unwrap_or(Scheme::Http))).expect("a scheme");
    copy.set_authority(request.get_authority().as_deref()).expect("an authority");
    copy.set_path_with_query(request.get_path_with_query().as_deref()).expect("a path");
    copy
}

/// The same response with one more header.
fn response_with(response: Response, name: &str, value: &str) -> Response {
    let headers = response.get_headers().clone();
    headers.append(name, value.as_bytes()).expect("a header");
    let status = response.get_status_code();
    let (_, transmitted) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, transmitted);
    let (response, _transmitted) = Response::new(headers, Some(body), trailers);
    response.set_status_code(status).expect("a status");
    response
}

fn respond(status: u16, bytes: Vec<u8>) -> Response {
    let (mut out, body) = wit_stream::new();
    spawn(async move {
        out.write_all(bytes).await;
    });
    response_of(status, body)
}

fn response_of(status: u16, body: StreamReader<u8>) -> Response {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _transmitted) = Response::new(Fields::new(), Some(body), trailers);
    response.set_status_code(status).expect("a status");
    response
}

/// What a body becomes, part by part.
fn mapped(mut body: StreamReader<u8>, map: fn(&[u8]) -> Vec<u8>) -> StreamReader<u8> {
    let (mut out, mapped) = wit_stream::new();
    spawn(async move {
        loop {
            let (result, part) = body.read(Vec::with_capacity(64 << 10)).await;
            let left = out.write_all(map(&part)).await;
            if !left.is_empty() || !matches!(result, StreamResult::Complete(_)) {
                return;
            }
        }
    });
    mapped
}
