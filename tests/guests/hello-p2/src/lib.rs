//! A `wasi:http` 0.2 service that knows nothing of its host: `/echo` streams the body back, `/stream` writes ten
//! chunks 20 ms apart, `/fetch?url=` relays another answer, `/trap` panics, `/trap-late` does so 20 ms after the
//! first chunk; every other path says `hello`.

use support::{param, path};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, IncomingResponse, InputStream, OutgoingBody, OutgoingRequest, OutgoingResponse,
    OutputStream, ResponseOutparam, Scheme,
};

wasip2::http::proxy::export!(Hello);

struct Hello;

impl wasip2::exports::http::incoming_handler::Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        match path(&target).rsplit('/').next().unwrap_or_default() {
            "trap" => panic!("asked to trap"),
            "echo" => {
                let body = request.consume().expect("the body is taken once");
                let stream = body.stream().expect("the stream is taken once");
                respond(out, 200, |out| copy(&stream, out));
            }
            "stream" => respond(out, 200, |out| {
                for number in 0..10 {
                    write(out, format!("chunk {number}\n").as_bytes());
                    subscribe_duration(20_000_000).block();
                }
            }),
            "trap-late" => respond(out, 200, |out| {
                write(out, b"first chunk\n");
                subscribe_duration(20_000_000).block();
                panic!("asked to trap late");
            }),
            "fetch" => match fetch(&param(&target, "url").unwrap_or_default()) {
                Ok(answer) => {
                    let body = answer.consume().expect("the body is taken once");
                    let stream = body.stream().expect("the stream is taken once");
                    respond(out, answer.status(), |out| copy(&stream, out));
                }
                Err(error) => respond(out, 502, |out| write(out, error.as_bytes())),
            },
            _ => respond(out, 200, |out| write(out, b"hello")),
        }
    }
}

fn respond(out: ResponseOutparam, status: u16, write_body: impl FnOnce(&OutputStream)) {
    let headers = Fields::new();
    headers.set("content-type", &[b"text/plain".to_vec()]).expect("the headers are mutable");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("the status is valid");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    write_body(&stream);
    drop(stream);
    OutgoingBody::finish(body, None).expect("the body is complete");
}

/// `blocking_write_and_flush` takes at most 4,096 bytes.
fn write(out: &OutputStream, bytes: &[u8]) {
    for chunk in bytes.chunks(4096) {
        out.blocking_write_and_flush(chunk).expect("the client is there");
    }
}

fn copy(from: &InputStream, to: &OutputStream) {
    while let Ok(bytes) = from.blocking_read(64 * 1024) {
        write(to, &bytes);
    }
}

fn fetch(url: &str) -> Result<IncomingResponse, String> {
    let (scheme, rest) = url.split_once("://").ok_or("the url has no scheme")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let request = OutgoingRequest::new(Fields::new());
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request
        .set_scheme(Some(&scheme))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(path)))
        .map_err(|()| "the url is wrong")?;
    let answer = outgoing_handler::handle(request, None).map_err(|error| format!("{error:?}"))?;
    answer.subscribe().block();
    answer
        .get()
        .expect("the pollable was ready")
        .expect("the answer is taken once")
        .map_err(|error| format!("{error:?}"))
}
