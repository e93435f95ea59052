//! Calls to others, over `wasi:http` 0.2. Everything that waits, waits for the call's deadline as well.

use std::time::Duration;

use crate::Response;
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use crate::bindings::wasi::io::poll::{self, Pollable};
use crate::bindings::wasi::io::streams::StreamError;
use crate::http::{Fault, Outgoing};

/// The most bytes that are read at once.
const CHUNK: u64 = 64 * 1024;

/// The end of the time that a call has.
struct Deadline(Pollable);

/// Sends a request, and reads the whole answer.
pub(crate) fn send(call: &Outgoing) -> Result<Response, Fault> {
    let deadline = Deadline(monotonic_clock::subscribe_duration(nanos(call.timeout)));
    let request = request(call)?;
    let body = request.body().map_err(|()| invalid("its body"))?;
    let answer = outgoing_handler::handle(request, Some(options(call.timeout)?)).map_err(fault)?;
    write(body, &call.body, &deadline)?;
    let answer = head(&answer, &deadline)?;
    let (status, headers) = (answer.status(), answer.headers().entries());
    let body = answer.consume().map_err(|()| broken("its body is not there"))?;
    drop(answer);
    Ok(Response::of(status, headers, read(body, call.body_max, &deadline)?))
}

fn request(call: &Outgoing) -> Result<OutgoingRequest, Fault> {
    let mut headers = call.headers.clone();
    if !call.body.is_empty() {
        headers.push(("content-length".to_owned(), call.body.len().to_string().into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|error| Fault::Invalid(format!("its headers: {error}")))?;
    let request = OutgoingRequest::new(headers);
    request.set_method(&method(&call.method)).map_err(|()| invalid("its method"))?;
    let scheme = if call.is_https { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).map_err(|()| invalid("its scheme"))?;
    request.set_authority(Some(&call.authority)).map_err(|()| invalid("its host"))?;
    request.set_path_with_query(Some(&call.target)).map_err(|()| invalid("its path"))?;
    Ok(request)
}

/// The host is told the deadline, too: it ends the other's work when nobody waits for it any more.
fn options(timeout: Duration) -> Result<RequestOptions, Fault> {
    let options = RequestOptions::new();
    let nanos = Some(nanos(timeout));
    options
        .set_connect_timeout(nanos)
        .and_then(|()| options.set_first_byte_timeout(nanos))
        .and_then(|()| options.set_between_bytes_timeout(nanos))
        .map_err(|()| invalid("its timeout"))?;
    Ok(options)
}

/// Sends the body. The other one may answer before it has read all of it: that is no failure.
fn write(body: OutgoingBody, bytes: &[u8], deadline: &Deadline) -> Result<(), Fault> {
    let stream = body.write().map_err(|()| broken("its body cannot be sent"))?;
    let ready = stream.subscribe();
    let mut left = bytes;
    while !left.is_empty() {
        deadline.wait(&ready)?;
        let Ok(permitted) = stream.check_write() else { return Ok(()) };
        let count = usize::try_from(permitted).unwrap_or(usize::MAX).min(left.len());
        let (chunk, rest) = left.split_at(count);
        if stream.write(chunk).is_err() {
            return Ok(());
        }
        left = rest;
    }
    drop((ready, stream));
    OutgoingBody::finish(body, None).map_err(fault)
}

fn head(answer: &FutureIncomingResponse, deadline: &Deadline) -> Result<IncomingResponse, Fault> {
    let ready = answer.subscribe();
    loop {
        if let Some(answer) = answer.get() {
            return answer.map_err(|()| broken("its answer was taken before"))?.map_err(fault);
        }
        deadline.wait(&ready)?;
    }
}

fn read(body: IncomingBody, max: usize, deadline: &Deadline) -> Result<Vec<u8>, Fault> {
    let stream = body.stream().map_err(|()| broken("its body is not there"))?;
    let ready = stream.subscribe();
    let mut bytes = Vec::new();
    loop {
        deadline.wait(&ready)?;
        match stream.read(CHUNK) {
            Ok(chunk) if bytes.len() + chunk.len() > max => {
                return Err(Fault::Broken(format!("its answer is over {max} bytes")));
            }
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(Fault::Broken(error.to_debug_string())),
        }
    }
}

// === impl Deadline ===

impl Deadline {
    fn wait(&self, ready: &Pollable) -> Result<(), Fault> {
        let woken = poll::poll(&[ready, &self.0]);
        // What came in time counts, also when it came last.
        if woken.contains(&0) { Ok(()) } else { Err(Fault::TimedOut) }
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn fault(code: ErrorCode) -> Fault {
    match code {
        ErrorCode::HttpRequestDenied => Fault::Denied,
        ErrorCode::DnsTimeout
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Fault::TimedOut,
        ErrorCode::DestinationNotFound => unreachable("there is no such service or host"),
        ErrorCode::DestinationUnavailable => unreachable("no instance of it can answer now"),
        ErrorCode::ConnectionRefused => unreachable("it refuses connections"),
        ErrorCode::ConnectionLimitReached => unreachable("too many calls of this service are under way"),
        ErrorCode::LoopDetected => unreachable("the call goes round in a circle"),
        ErrorCode::DestinationIpProhibited | ErrorCode::DestinationIpUnroutable | ErrorCode::DnsError(_) => {
            Fault::Unreachable(format!("{code:?}"))
        }
        ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpRequestBodySize(_) => Fault::Invalid(format!("{code:?}")),
        ErrorCode::ConnectionTerminated => broken("it broke off"),
        other => Fault::Broken(format!("{other:?}")),
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn invalid(what: &str) -> Fault {
    Fault::Invalid(format!("{what} cannot be sent"))
}

fn unreachable(why: &str) -> Fault {
    Fault::Unreachable(why.to_owned())
}

fn broken(why: &str) -> Fault {
    Fault::Broken(why.to_owned())
}
