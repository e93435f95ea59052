//! The last things that are done with a socket.

use std::{io, time::Duration};

use http::{HeaderMap, Uri};
use switchyard_dispatch::{End, RequestKind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::stream::Stream;
use crate::{
    handle::Shared,
    request::Ids,
    response::{Refusal, X_GATEWAY_REQUEST_ID},
};

/// How long a client may take to notice the end of the connection, in all and between two reads. It has its
/// connection for this much longer, so both are short.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_SILENCE: Duration = Duration::from_secs(2);

/// The longest path in bytes that an answer to a broken head shows.
const PATH_MAX: usize = 2 << 10;

/// Answers a client whose request's head cannot be read to its end, counts the request, and closes. `head` is what
/// came of it, and `latency` how long that took.
pub(super) async fn refuse(mut stream: Stream, shared: &Shared, head: &[u8], refusal: Refusal, latency: Duration) {
    shared.counts.refused(refusal.code());
    let id = Ids::new(&HeaderMap::new(), || false).request_id;
    // Without a path the occurrence still has a name (RFC 9457, section 3.1.5).
    let instance = path_in(head).unwrap_or_else(|| format!("urn:uuid:{id}"));
    let response = refusal.into_response(&instance, &id);
    let body = response.body().as_full().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let rest = format!("{X_GATEWAY_REQUEST_ID}: {id}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    bytes.extend_from_slice(rest.as_bytes());
    bytes.extend_from_slice(body);
    shared.stats.record(response.status().as_u16(), latency);
    let scheme = if shared.tls.is_some() { "https" } else { "http" };
    // Whatever stands at the beginning of a broken head, it is no method yet.
    let kind = RequestKind { method: "_OTHER", scheme, end: End::Status(response.status().as_u16()) };
    shared.dispatcher.unmatched().record(kind, latency);
    let written = async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    match timeout(LINGER, written).await {
        Ok(Ok(())) => linger(stream).await,
        Ok(Err(error)) => tracing::debug!(%error, "cannot answer a request without a whole head"),
        Err(_) => tracing::debug!("a client without a whole head does not read its answer"),
    }
}

/// The path of a request of which there is at least the first line, when it is short enough to be shown.
fn path_in(head: &[u8]) -> Option<String> {
    let head = head.trim_ascii_start();
    let end = memchr::memchr(b'\n', head)?;
    let line = std::str::from_utf8(&head[..end]).ok()?;
    let target: Uri = line.split(' ').nth(1)?.parse().ok()?;
    Some(target.path().to_owned()).filter(|path| path.starts_with('/') && path.len() <= PATH_MAX)
}

/// Says that nothing more comes, then reads and forgets what the client still sends: closing a socket with unread
/// bytes makes the kernel send a reset, which can reach the client before it has read the response (RFC 9112,
/// section 9.6).
pub(super) async fn linger(mut stream: Stream) {
    let mut scrap = vec![0; 16 << 10];
    let all = async {
        stream.shutdown().await?;
        while let Ok(result) = timeout(LINGER_SILENCE, stream.read(&mut scrap)).await {
            if result? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    // Whether it took too long or the client reset first, there is nothing more to do for it.
    let _ = timeout(LINGER, all).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_head_has_a_path_when_its_first_line_is_whole_and_short() {
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(PATH_MAX));
        for (head, path) in [
            ("GET /a?b HTTP/1.1\r\nno colon", Some("/a")),
            ("GET http://h/a HTTP/1.1\r\n", Some("/a")),
            ("GET /a HTT", None),
            ("\r\n", None),
            ("OPTIONS * HTTP/1.1\r\n", None),
            (&long, None),
        ] {
            assert_eq!(path_in(head.as_bytes()).as_deref(), path, "{head}");
        }
    }
}
