//! Calls to others, over `wasi:http` 0.3.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response as RawResponse, Scheme};
use wasip3::{wit_future, wit_stream};

use super::{Incoming, nanos, sleep};
use crate::Response;
use crate::http::{Fault, Outgoing};

/// Sends a request, and waits for the head of the answer.
pub(in crate::asynchronous) async fn send(mut call: Outgoing) -> Result<(Response, Incoming), Fault> {
    let body = std::mem::take(&mut call.body);
    let contents = if body.is_empty() {
        None
    } else {
        call.headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
        let (mut out, contents) = wit_stream::new();
        wasip3::spawn(async move {
            // The other one may answer before it has read all of it: that is no failure.
            out.write_all(body).await;
        });
        // What is spawned is polled with the next event of this task; without one, nobody would write the body that the
        // answer waits for.
        once_more().await;
        Some(contents)
    };
    let headers =
        Fields::from_list(&call.headers).map_err(|error| Fault::Invalid(format!("its headers: {error:?}")))?;
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(headers, contents, trailers, Some(options(call.timeout)?));
    request.set_method(&method(call.method)).map_err(|()| invalid("its method"))?;
    let scheme = if call.is_https { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).map_err(|()| invalid("its scheme"))?;
    request.set_authority(Some(&call.authority)).map_err(|()| invalid("its host"))?;
    request.set_path_with_query(Some(&call.target)).map_err(|()| invalid("its path"))?;
    let answer = client::send(request).await.map_err(fault)?;
    let head = Response::of(answer.get_status_code(), answer.get_headers().copy_all(), Vec::new());
    let (_, taken) = wit_future::new(|| Ok(()));
    let (parts, ended) = RawResponse::consume_body(answer, taken);
    Ok((head, Incoming { parts, ended: Some(ended) }))
}

/// Gives a call so much time.
pub(in crate::asynchronous) async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let (mut call, mut end) = (pin!(call), pin!(sleep(timeout)));
    poll_fn(|context| {
        // What came in time counts, also when it came last.
        if let Poll::Ready(result) = call.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        end.as_mut().poll(context).map(|()| Err(Fault::TimedOut))
    })
    .await
}

/// The host is told the deadline, too: it ends the other's work when nobody waits for it any more.
fn options(timeout: Duration) -> Result<RequestOptions, Fault> {
    let options = RequestOptions::new();
    let nanos = Some(nanos(timeout));
    options
        .set_connect_timeout(nanos)
        .and_then(|()| options.set_first_byte_timeout(nanos))
        .and_then(|()| options.set_between_bytes_timeout(nanos))
        .map_err(|_| invalid("its timeout"))?;
    Ok(options)
}

async fn once_more() {
    let mut is_first = true;
    poll_fn(|context| {
        if !std::mem::take(&mut is_first) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn method(name: String) -> Method {
    match name.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        _ => Method::Other(name),
    }
}

/// As the synchronous client tells them; the two versions share no types.
fn fault(code: ErrorCode) -> Fault {
    use ErrorCode as Code;
    let unreachable = |why: &str| Fault::Unreachable(why.to_owned());
    match code {
        Code::HttpRequestDenied => Fault::Denied,
        Code::DnsTimeout
        | Code::ConnectionTimeout
        | Code::ConnectionReadTimeout
        | Code::ConnectionWriteTimeout
        | Code::HttpResponseTimeout => Fault::TimedOut,
        Code::DestinationNotFound => unreachable("there is no such service or host"),
        Code::DestinationUnavailable => unreachable("no instance of it can answer now"),
        Code::ConnectionRefused => unreachable("it refuses connections"),
        Code::ConnectionLimitReached => unreachable("too many calls of this service are under way"),
        Code::LoopDetected => unreachable("the call goes round in a circle"),
        Code::DestinationIpProhibited | Code::DestinationIpUnroutable | Code::DnsError(_) => {
            Fault::Unreachable(format!("{code:?}"))
        }
        Code::HttpRequestMethodInvalid
        | Code::HttpRequestUriInvalid
        | Code::HttpRequestUriTooLong
        | Code::HttpRequestHeaderSectionSize(_)
        | Code::HttpRequestHeaderSize(_)
        | Code::HttpRequestBodySize(_) => Fault::Invalid(format!("{code:?}")),
        Code::ConnectionTerminated => Fault::Broken("it broke off".to_owned()),
        other => Fault::Broken(format!("{other:?}")),
    }
}

fn invalid(what: &str) -> Fault {
    Fault::Invalid(format!("{what} cannot be sent"))
}
