//! A service with the bare bindings of crate `wasi`, WASI 0.2.

use std::io::{Write, copy};

use asked::asked;
use wasi::{
    clocks::monotonic_clock::subscribe_duration,
    exports::http::incoming_handler::Guest,
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest,
            OutgoingResponse, ResponseOutparam, Scheme,
        },
    },
    io::streams::OutputStream,
};

wasi::http::proxy::export!(Service);

struct Service;

impl Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        match asked(&target) {
            ("trap", _) => panic!("asked to trap"),
            ("trap-late", _) => respond(out, 200, |out| {
                chunk(out, 0);
                panic!("asked to trap late");
            }),
            ("echo", _) => {
                let body = request.consume().expect("the body is taken once");
                respond(out, 200, |out| relay(&body, out));
            }
            ("stream", _) => respond(out, 200, |out| (0..10).for_each(|number| chunk(out, number))),
            ("fetch", url) => match fetch(url) {
                Ok(answer) => {
                    let body = answer.consume().expect("the body is taken once");
                    respond(out, answer.status(), |out| relay(&body, out));
                }
                Err(error) => ResponseOutparam::set(out, Err(error)),
            },
            _ => respond(out, 200, |out| out.write_all(b"hello").expect("the client is there")),
        }
    }
}

fn respond(out: ResponseOutparam, status: u16, write: impl FnOnce(&mut OutputStream)) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("the status is valid");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().expect("the stream is taken once");
    write(&mut stream);
    stream.flush().expect("the client is there");
    drop(stream);
    OutgoingBody::finish(body, None).expect("the body is complete");
}

fn chunk(out: &mut OutputStream, number: u32) {
    writeln!(out, "chunk {number}").expect("the client is there");
    out.flush().expect("the client is there");
    subscribe_duration(20_000_000).block();
}

fn relay(body: &IncomingBody, out: &mut OutputStream) {
    let mut stream = body.stream().expect("the stream is taken once");
    copy(&mut stream, out).expect("both sides are there");
}

fn fetch(url: &str) -> Result<IncomingResponse, ErrorCode> {
    let rest = url.strip_prefix("http://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let request = OutgoingRequest::new(Fields::new());
    request
        .set_scheme(Some(&Scheme::Http))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(path)))
        .map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let answer = outgoing_handler::handle(request, None)?;
    answer.subscribe().block();
    answer.get().expect("it was waited for").expect("the answer is taken once")
}
