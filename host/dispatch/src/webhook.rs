//! HTTP endpoints outside, to which an operator has events posted.
//!
//! The operator names the URL, so its host may be private; nothing else is reached, since redirects are not followed.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use switchyard_runtime::ports::OutgoingError;
use tokio::time::Instant;

use crate::outgoing::{CONNECT_TIMEOUT, POOL_IDLE_PER_HOST, POOL_IDLE_TIMEOUT, chain};

/// The most of an answer's body that is read, so that its connection can be used again; 64 KiB.
const ANSWER_MAX: usize = 64 << 10;

/// How long a connection that will be used again may take to bring the rest of an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Posts to endpoints. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why a URL cannot be posted to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no URL to post to: write http:// or https://, a host, and a path, without user and password")]
pub struct InvalidUrl(pub String);

// === impl Webhooks ===

impl Webhooks {
    /// A client without connections.
    #[must_use]
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
            .build(connector);
        Self { client }
    }

    /// Whether this can be posted to.
    ///
    /// # Errors
    /// When it cannot; the text says what could.
    pub fn check(url: &str) -> Result<(), InvalidUrl> {
        parse(url).map(drop)
    }

    /// Posts, and answers the status and headers.
    ///
    /// # Errors
    /// When no answer's head is there by the deadline.
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        deadline: Instant,
    ) -> Result<(StatusCode, HeaderMap), OutgoingError> {
        let uri = parse(url).map_err(|error| OutgoingError::NotFound(error.to_string()))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let answer = match tokio::time::timeout_at(deadline, self.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_connect() => {
                return Err(OutgoingError::Unavailable(format!("{url} cannot be reached: {}", chain(&error))));
            }
            Ok(Err(error)) => return Err(OutgoingError::Broken(format!("{url} broke off: {}", chain(&error)))),
            Err(_) => return Err(OutgoingError::TimedOut(format!("{url} did not answer in time"))),
        };
        let (parts, body) = answer.into_parts();
        // What it says beyond the status is of no concern; a connection whose answer is too long is closed.
        let _ = tokio::time::timeout(ANSWER_TIMEOUT, Limited::new(body, ANSWER_MAX).collect()).await;
        Ok((parts.status, parts.headers))
    }
}

impl Default for Webhooks {
    fn default() -> Self {
        Self::new()
    }
}

fn parse(url: &str) -> Result<Uri, InvalidUrl> {
    let uri: Uri = url.parse().map_err(|_| InvalidUrl(url.to_owned()))?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if is_http && has_host && !has_user { Ok(uri) } else { Err(InvalidUrl(url.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_http_are_taken() {
        for good in ["http://127.0.0.1:9/hook", "https://example.com", "http://[::1]:80/a?b=c"] {
            assert_eq!(Webhooks::check(good), Ok(()), "{good}");
        }
        for bad in ["", "example.com/x", "ftp://example.com", "http://", "http://user@example.com", "/hook"] {
            assert!(Webhooks::check(bad).is_err(), "{bad}");
        }
    }
}
