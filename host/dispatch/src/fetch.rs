//! Small documents that the host itself needs from elsewhere, such as the keys of an issuer of tokens.
//!
//! The operator names the URL, so its host may be private; nothing else is reached, since redirects are not followed.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use switchyard_runtime::ports::OutgoingError;

use crate::{
    outgoing::{CONNECT_TIMEOUT, POOL_IDLE_TIMEOUT, chain},
    webhook::{InvalidUrl, Webhooks},
};

/// The longest document in bytes; 256 KiB.
pub const DOCUMENT_MAX: usize = 256 << 10;

/// How long one may take from the connection to its last byte.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Gets documents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

// === impl Fetcher ===

impl Fetcher {
    /// A client without connections.
    #[must_use]
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(1)
            .build(connector);
        Self { client }
    }

    /// Whether this can be fetched.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(url: &str) -> Result<(), InvalidUrl> {
        Webhooks::check(url)
    }

    /// Gets a document of at most [`DOCUMENT_MAX`] within [`FETCH_TIMEOUT`], and the headers that came with it.
    ///
    /// # Errors
    /// When it is not there in time, too long, or answered with anything but 200.
    pub async fn get(&self, url: &str) -> Result<(HeaderMap, Bytes), OutgoingError> {
        let whole = tokio::time::timeout(FETCH_TIMEOUT, self.request(url)).await;
        whole.unwrap_or_else(|_| Err(OutgoingError::TimedOut(format!("{url} did not answer in time"))))
    }

    async fn request(&self, url: &str) -> Result<(HeaderMap, Bytes), OutgoingError> {
        let invalid = |_| OutgoingError::NotFound(InvalidUrl(url.to_owned()).to_string());
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = url.parse::<Uri>().map_err(invalid)?;
        let answer = match self.client.request(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => {
                return Err(OutgoingError::Unavailable(format!("{url} cannot be reached: {}", chain(&error))));
            }
            Err(error) => return Err(OutgoingError::Broken(format!("{url} broke off: {}", chain(&error)))),
        };
        let (parts, body) = answer.into_parts();
        if parts.status != StatusCode::OK {
            return Err(OutgoingError::Broken(format!("{url} answered {}", parts.status)));
        }
        match Limited::new(body, DOCUMENT_MAX).collect().await {
            Ok(whole) => Ok((parts.headers, whole.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(OutgoingError::Broken(format!("{url} answered more than {DOCUMENT_MAX} bytes")))
            }
            Err(error) => Err(OutgoingError::Broken(format!("{url} broke off: {error}"))),
        }
    }
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What comes of a server that answers every request with this.
    async fn fetched(answer: String) -> Result<Bytes, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        Fetcher::new().get(&url).await.map(|(_, body)| body).map_err(|error| error.to_string())
    }

    fn answer(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nlocation: http://127.0.0.1:1/\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_document_is_fetched_whole_or_not_at_all() {
        assert_eq!(fetched(answer("200 OK", "{}")).await.unwrap(), "{}");
        let most = "x".repeat(DOCUMENT_MAX);
        assert_eq!(fetched(answer("200 OK", &most)).await.unwrap().len(), DOCUMENT_MAX);
        let error = fetched(answer("200 OK", &format!("{most}x"))).await.unwrap_err();
        assert!(error.contains("answered more than 262144 bytes"), "{error}");
        let error = fetched("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}".to_owned()).await.unwrap_err();
        assert!(error.contains("broke off"), "{error}");
    }

    #[tokio::test]
    async fn what_is_not_ok_is_no_document_and_redirects_are_not_followed() {
        for status in ["404 Not Found", "302 Found", "204 No Content"] {
            let error = fetched(answer(status, "")).await.unwrap_err();
            assert!(error.contains(status), "{error}");
        }
    }
}
