//! Heads of requests and responses as guests write them: checked before the host takes them for its own.
//!
//! What speaks of one connection, or says how a body is framed, is for the host to know. Guests are not shown it,
//! apart from the length, and what they write of it counts for nothing.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request,
    uri::{Authority, PathAndQuery},
};

use super::wit::http_types as wit;
use crate::settings::{HEAD_BYTES_MAX, HEADERS_MAX};

/// The fewest and most statuses a guest may answer; 1xx are the connection's own.
const STATUSES: RangeInclusive<u16> = 200..=599;

/// Headers that say how a body is framed.
const FRAMING: [HeaderName; 3] = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER];

/// Headers that speak of one connection only (RFC 9110, section 7.6.1).
const CONNECTION: [HeaderName; 5] = [
    header::CONNECTION,
    header::TE,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What a guest wrote of a request.
pub(super) struct Said {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
}

/// Whether a body stays what it was.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Same,
    New(&'a [u8]),
}

/// Headers as guests get them.
pub(super) fn lowered(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let shown = headers.iter().filter(|(name, _)| {
        !CONNECTION.contains(name) && **name != header::TRANSFER_ENCODING && **name != header::TRAILER
    });
    shown.map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// The path and query as guests get them.
pub(super) fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", PathAndQuery::as_str)
}

/// A whole response. The length of its body is the host's to tell.
pub(super) fn response(said: wit::Response) -> Result<Response<Bytes>, String> {
    let status = status(said.status)?;
    let mut headers = headers(said.headers).map_err(|what| format!("it answered with {what}"))?;
    headers.remove(header::CONTENT_LENGTH);
    let mut response = Response::new(Bytes::from(said.body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// A whole response that is handed on instead of another one.
pub(super) fn final_response(said: wit::Response) -> Result<Response<Bytes>, String> {
    let mut response = response(said)?;
    let headers = std::mem::take(response.headers_mut());
    *response.headers_mut() = framed_as(&HeaderMap::new(), headers, Content::New(&[]));
    Ok(response)
}

/// A status that a guest may answer with.
pub(super) fn status(said: u16) -> Result<StatusCode, String> {
    let checked = StatusCode::from_u16(said).ok().filter(|_| STATUSES.contains(&said));
    checked.ok_or_else(|| format!("it answered with status {said}, which is not in 200 to 599"))
}

/// The headers of a response that is handed on with the same body.
pub(super) fn response_headers(original: &HeaderMap, said: Vec<(String, Vec<u8>)>) -> Result<HeaderMap, String> {
    let said = headers(said).map_err(|what| format!("it handed a response on with {what}"))?;
    Ok(framed_as(original, said, Content::Same))
}

/// The head of a request that is handed on instead of this one: the same but for what can be said of it.
pub(super) fn request(original: &request::Parts, said: Said, content: Content<'_>) -> Result<request::Parts, String> {
    let bad = |what: String| format!("it handed a request on with {what}");
    let method = Method::from_bytes(said.method.as_bytes()).ok().filter(|method| *method != Method::CONNECT);
    let method = method.ok_or_else(|| bad(format!("the method '{}'", said.method.escape_debug())))?;
    let path = match said.path == target(&original.uri) {
        true => None,
        false => Some(path(&said.path).ok_or_else(|| bad(format!("the path '{}'", said.path.escape_debug())))?),
    };
    let mut headers = framed_as(&original.headers, headers(said.headers).map_err(bad)?, content);
    if let Content::New(body) = content
        && (!body.is_empty() || FRAMING[..2].iter().any(|name| original.headers.contains_key(name)))
    {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    let host = host(&original.headers, &mut headers).map_err(bad)?;
    let mut parts = original.clone();
    if path.is_some() || host.is_some() {
        let mut uri = std::mem::take(&mut parts.uri).into_parts();
        uri.path_and_query = path.or(uri.path_and_query);
        // In HTTP/2 the authority stands in the target, and the header beside it, if any, says the same.
        uri.authority = uri.authority.map(|old| host.unwrap_or(old));
        parts.uri = Uri::from_parts(uri).map_err(|error| bad(format!("a target that is none: {error}")))?;
    }
    (parts.method, parts.headers) = (method, headers);
    Ok(parts)
}

/// A whole request that is handed on instead of this one.
pub(super) fn whole_request(original: &request::Parts, said: wit::RequestResult) -> Result<Request<Bytes>, String> {
    let wit::RequestResult { method, path, headers, body } = said;
    let parts = request(original, Said { method, path, headers }, Content::New(&body))?;
    Ok(Request::from_parts(parts, body.into()))
}

/// A path and query in the form that clients send, where there is no fragment and nothing unescaped.
pub(super) fn path(said: &str) -> Option<PathAndQuery> {
    let is_plain = said.starts_with('/') && said.is_ascii() && !said.contains('#');
    PathAndQuery::try_from(said).ok().filter(|path| is_plain && path.as_str() == said)
}

/// Sees to it that there is one host as before, and answers the new one when it is another.
fn host(original: &HeaderMap, headers: &mut HeaderMap) -> Result<Option<Authority>, String> {
    let before = original.get(header::HOST);
    let mut all = headers.get_all(header::HOST).iter();
    let (said, more) = (all.next(), all.next());
    if more.is_some() {
        return Err("several hosts".to_owned());
    }
    match (said, before) {
        (None, Some(before)) => {
            headers.insert(header::HOST, before.clone());
            Ok(None)
        }
        (Some(said), before) if Some(said) != before => {
            let authority = Authority::try_from(said.as_bytes()).ok().filter(|host| !host.as_str().contains('@'));
            authority.map(Some).ok_or_else(|| "a host that is none".to_owned())
        }
        _ => Ok(None),
    }
}

/// What a guest wrote, with the connection's and the body's headers as they were. A new body has none of its own yet.
fn framed_as(original: &HeaderMap, mut said: HeaderMap, content: Content<'_>) -> HeaderMap {
    let kept = match content {
        Content::Same => &FRAMING[..],
        Content::New(_) => &[],
    };
    for name in CONNECTION.iter().chain(&FRAMING) {
        said.remove(name);
    }
    for name in CONNECTION.iter().chain(kept) {
        for value in original.get_all(name) {
            said.append(name, value.clone());
        }
    }
    said
}

/// Headers as a guest wrote them. The limits are on what the host's own map can hold, and on what others would take.
fn headers(said: Vec<(String, Vec<u8>)>) -> Result<HeaderMap, String> {
    let bytes: usize = said.iter().map(|(name, value)| name.len() + value.len()).sum();
    if said.len() > HEADERS_MAX || bytes > HEAD_BYTES_MAX {
        return Err(format!("{} headers of {bytes} bytes, over {HEADERS_MAX} or {HEAD_BYTES_MAX}", said.len()));
    }
    let mut headers = HeaderMap::with_capacity(said.len() + 4);
    for (name, value) in said {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("the header name '{}'", name.escape_debug()))?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value))
            .map_err(|_| format!("an invalid value of the header '{name}'"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
