//! The host as a component of WASI 0.3 sees it: what `wasi:http` brings, and what it takes.

mod client;

use std::time::Duration;

pub use wasip3;
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::http::types::{ErrorCode, Fields, Method, Request as RawRequest, Response as RawResponse, Trailers};
use wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};
use wasip3::{wit_future, wit_stream};

use super::{Body, Router, Streaming};
use crate::{Error, Request, Response, log};

pub(super) use client::{send, within};

/// The most bytes that are read at once.
const PART_MAX: usize = 64 * 1024;

type Ended = Result<Option<Trailers>, ErrorCode>;

/// A body that comes from outside.
pub(super) struct Incoming {
    parts: StreamReader<u8>,
    /// Says whether it came whole; taken at the end.
    ended: Option<FutureReader<Ended>>,
}

/// Answers a request of the host, and goes on to write the body of the response.
///
/// # Errors
/// When the response has a header or a status that HTTP does not know.
pub async fn serve(router: &Router, raw: RawRequest) -> Result<RawResponse, ErrorCode> {
    let method = name(raw.get_method());
    let target = raw.get_path_with_query().unwrap_or_else(|| "/".to_owned());
    let request = Request::of(method, target, raw.get_headers().copy_all(), Vec::new());
    let (_, taken) = wit_future::new(|| Ok(()));
    let (parts, ended) = RawRequest::consume_body(raw, taken);
    let mut incoming = Incoming { parts, ended: Some(ended) };
    let body = Body::stream(async move |mut out| {
        while let Some(part) = incoming.next().await.map_err(incomplete)? {
            out.send(part).await;
        }
        Ok(())
    });
    respond(router.serve(request, body).await)
}

pub(super) async fn sleep(duration: Duration) {
    wait_for(nanos(duration)).await;
}

fn incomplete(why: String) -> Error {
    Error::bad_request("Incomplete body").detail(why)
}

fn respond(streaming: Streaming) -> Result<RawResponse, ErrorCode> {
    let (Response { status, mut headers, .. }, body) = streaming.into_parts();
    // HTTP forbids the length of no body with these.
    let has_body = status != 204 && status != 304;
    if let Some(length) = body.length()
        && has_body
        && headers.iter().all(|(name, _)| name != "content-length")
    {
        headers.push(("content-length".to_owned(), length.to_string().into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|error| wrong(&format!("its headers: {error:?}")))?;
    let (ended, trailers) = wit_future::new(|| Ok(None));
    let contents = has_body.then(|| {
        let (out, contents) = wit_stream::new();
        wasip3::spawn(write(body, out, ended));
        contents
    });
    let (response, _sent) = RawResponse::new(headers, contents, trailers);
    response.set_status_code(status).map_err(|()| wrong(&format!("its status {status}")))?;
    Ok(response)
}

/// Writes a body for as long as somebody reads it.
async fn write(mut body: Body, mut out: StreamWriter<u8>, ended: FutureWriter<Ended>) {
    loop {
        let part = match body.next().await {
            Ok(Some(part)) => part,
            Ok(None) => return,
            Err(error) => {
                log::error!("a response breaks off: {error}");
                // The end of the stream is no success when this is there first.
                let broken = ended.write(Err(ErrorCode::InternalError(None)));
                drop(out);
                let _ = broken.await;
                return;
            }
        };
        if !out.write_all(part).await.is_empty() {
            return;
        }
    }
}

fn wrong(what: &str) -> ErrorCode {
    log::error!("a response cannot be sent: {what}");
    ErrorCode::InternalError(None)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn name(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

// === impl Incoming ===

impl Incoming {
    /// The next part; none at the end.
    ///
    /// # Errors
    /// When it broke off.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        while self.ended.is_some() {
            let (result, part) = self.parts.read(Vec::with_capacity(PART_MAX)).await;
            if !part.is_empty() {
                return Ok(Some(part));
            }
            if !matches!(result, StreamResult::Complete(_))
                && let Some(ended) = self.ended.take()
            {
                ended.await.map_err(|code| format!("it broke off: {code:?}"))?;
            }
        }
        Ok(None)
    }
}
