//! A small client of the admin API: JSON in, JSON out, errors that say what helps.

mod follow;
mod sending;
mod token;

use std::{path::PathBuf, str::FromStr, time::Duration};

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{
    Method, Request, Response, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use switchyard_core::event::binding;

use super::table;
pub(super) use sending::Sending;
use token::Token;

/// How long a host may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take to change a plugin: to compile a large one, or to let it drain.
const PATIENCE: Duration = Duration::from_secs(600);

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 256 << 20;

/// Where a host's admin API is: `http://HOST:PORT`, perhaps with a path that it is found under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl(String);

/// Asks one host.
#[derive(Debug)]
pub(super) struct Client {
    base: BaseUrl,
    http: legacy::Client<HttpConnector, Sending>,
    timeout: Duration,
    token: Token,
}

/// A path of the API with its query, put together from what may hold any character.
#[derive(Clone, Debug)]
pub(super) struct Target(String);

// === impl BaseUrl ===

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_right = |uri: &Uri| {
            let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
            uri.scheme_str() == Some("http") && uri.host().is_some() && uri.query().is_none() && !has_user
        };
        match text.parse::<Uri>() {
            Ok(uri) if is_right(&uri) => Ok(Self(text.trim_end_matches('/').to_owned())),
            _ => Err("write http://HOST:PORT, as in http://127.0.0.1:3900".to_owned()),
        }
    }
}

// === impl Target ===

impl Target {
    /// A path under `/api/v1`, made of these segments.
    pub(super) fn new(segments: &[&str]) -> Self {
        let path = segments.iter().map(|segment| format!("/{}", encode(segment))).collect::<String>();
        Self(format!("/api/v1{path}"))
    }

    /// With a member of the query, if there is a value for it.
    pub(super) fn with(self, name: &str, value: Option<&str>) -> Self {
        let Some(value) = value else { return self };
        let joint = if self.0.contains('?') { '&' } else { '?' };
        Self(format!("{}{joint}{name}={}", self.0, encode(value)))
    }
}

/// Percent-encodes all but what RFC 3986 calls unreserved.
fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

// === impl Client ===

impl Client {
    pub(super) fn new(base: BaseUrl) -> Self {
        Self {
            base,
            http: legacy::Client::builder(TokioExecutor::new()).build_http(),
            timeout: TIMEOUT,
            token: Token::default(),
        }
    }

    /// Sends the token of this file; without one, that of the environment, if there is any.
    pub(super) fn with_token(self, file: Option<PathBuf>) -> Self {
        Self { token: Token(file), ..self }
    }

    /// Waits for as long as a change of a plugin may take.
    pub(super) fn patient(self) -> Self {
        Self { timeout: PATIENCE, ..self }
    }

    /// Sends a body of any kind.
    pub(super) async fn upload(&self, target: &Target, kind: &str, body: Sending) -> anyhow::Result<Value> {
        self.send_body(Method::POST, target, kind, body).await
    }

    /// Whether the host takes requests, and how it says that.
    pub(super) async fn ready(&self) -> anyhow::Result<(bool, String)> {
        let (status, body) = self.ask(Method::GET, &Target("/readyz".to_owned()), "", Sending::default()).await?;
        match status {
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE => {
                Ok((status == StatusCode::OK, String::from_utf8_lossy(&body).into_owned()))
            }
            _ => Err(self.is_no_host()),
        }
    }

    /// Hands each event of a stream, from the one after `last` on, to `each`, until that says that it is enough.
    pub(super) async fn follow(
        &self,
        target: &Target,
        last: Option<&str>,
        each: impl FnMut(&str, &Value) -> bool,
    ) -> anyhow::Result<()> {
        let mut request = self.request(Method::GET, target, "");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answered = tokio::time::timeout(self.timeout, self.answered(request, Sending::default())).await;
        let Ok(response) = answered else { return Err(self.is_silent()) };
        let response = response?;
        if response.status().is_success() {
            return follow::follow(&self.base.0, response.into_body(), each).await;
        }
        let (status, body) = self.whole(response).await?;
        self.meaning(status, &body).map(drop)
    }

    pub(super) async fn get(&self, target: &Target) -> anyhow::Result<Value> {
        self.send(Method::GET, target, "", Bytes::new()).await
    }

    pub(super) async fn post(&self, target: &Target, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, target, "application/json", body.to_string().into()).await
    }

    pub(super) async fn put(&self, target: &Target, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::PUT, target, "application/json", body.to_string().into()).await
    }

    /// Puts bytes as they are.
    pub(super) async fn put_bytes(&self, target: &Target, bytes: Bytes) -> anyhow::Result<Value> {
        self.send(Method::PUT, target, "application/octet-stream", bytes).await
    }

    pub(super) async fn publish(&self, event: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, &Target::new(&["events"]), binding::STRUCTURED, event.to_string().into()).await
    }

    pub(super) async fn delete(&self, target: &Target) -> anyhow::Result<Value> {
        self.send(Method::DELETE, target, "", Bytes::new()).await
    }

    /// One page: its items, and the cursor of the one that follows.
    pub(super) async fn page(&self, target: &Target) -> anyhow::Result<(Vec<Value>, Option<String>)> {
        let mut page = self.get(target).await?;
        match page.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok((items, page["next"].as_str().map(str::to_owned))),
            _ => Err(self.is_no_host()),
        }
    }

    /// All items of a list, page by page.
    pub(super) async fn list(&self, target: &Target) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut next) = self.page(target).await?;
        while let Some(cursor) = next {
            let (more, after) = self.page(&target.clone().with("cursor", Some(&cursor))).await?;
            items.extend(more);
            next = after;
        }
        Ok(items)
    }

    async fn send(&self, method: Method, target: &Target, kind: &str, body: Bytes) -> anyhow::Result<Value> {
        self.send_body(method, target, kind, Sending::silently(body)).await
    }

    async fn send_body(&self, method: Method, target: &Target, kind: &str, body: Sending) -> anyhow::Result<Value> {
        let (status, body) = self.ask(method, target, kind, body).await?;
        self.meaning(status, &body)
    }

    /// What an answer means, which is a value or a problem.
    fn meaning(&self, status: StatusCode, body: &Bytes) -> anyhow::Result<Value> {
        let answer = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
        match answer {
            Ok(answer) if status.is_success() => Ok(answer),
            Ok(problem) => {
                let Some(error) = problem["error"].as_str() else { return Err(self.is_no_host()) };
                let detail = problem["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
                let remedy = if status == StatusCode::UNAUTHORIZED { "; name its file with --token-file" } else { "" };
                let detail = format!("{detail}{remedy}");
                let code = problem["code"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
                bail!("{}", table::printable(&format!("{error}{detail}{code}")))
            }
            Err(_) => Err(self.is_no_host()),
        }
    }

    /// Asks, and waits for all of the answer.
    async fn ask(
        &self,
        method: Method,
        target: &Target,
        kind: &str,
        body: Sending,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = self.request(method, target, kind);
        let answered =
            tokio::time::timeout(self.timeout, async { self.whole(self.answered(request, body).await?).await }).await;
        answered.unwrap_or_else(|_| Err(self.is_silent()))
    }

    /// The head of a request.
    fn request(&self, method: Method, target: &Target, kind: &str) -> http::request::Builder {
        let url = format!("{}{}", self.base.0, target.0);
        let request = Request::builder().method(method).uri(url).header(ACCEPT, "application/json");
        if kind.is_empty() { request } else { request.header(CONTENT_TYPE, kind) }
    }

    async fn answered(&self, request: http::request::Builder, body: Sending) -> anyhow::Result<Response<Incoming>> {
        let request = match self.token.header()? {
            Some(token) => request.header(AUTHORIZATION, token),
            None => request,
        };
        let request = request.body(body).context("the request cannot be written as HTTP")?;
        self.http.request(request).await.map_err(|error| unreached(&self.base.0, error))
    }

    async fn whole(&self, response: Response<Incoming>) -> anyhow::Result<(StatusCode, Bytes)> {
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await;
        let body = body.map_err(|error| anyhow!("the answer of the host at {} broke off: {error}", self.base.0))?;
        Ok((parts.status, body.to_bytes()))
    }

    fn is_silent(&self) -> anyhow::Error {
        anyhow!("the host at {} did not answer within {:?}", self.base.0, self.timeout)
    }

    fn is_no_host(&self) -> anyhow::Error {
        anyhow!("what answers at {} is no admin API of Switchyard; name another with --url", self.base.0)
    }
}

fn unreached(url: &str, error: legacy::Error) -> anyhow::Error {
    let is_connect = error.is_connect();
    let error = anyhow::Error::new(error);
    if is_connect {
        error
            .context(format!("no host answers at {url}; start one with `switchyard serve`, or name another with --url"))
    } else {
        error.context(format!("the host at {url} did not answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_path_or_query_may_hold_any_character() {
        let target = Target::new(&["subscriptions", "shop/order.*", "pause"]).with("a", None).with("b", Some("x y"));
        assert_eq!(target.with("c", Some("ä&")).0, "/api/v1/subscriptions/shop%2Forder.%2A/pause?b=x%20y&c=%C3%A4%26");
    }

    #[test]
    fn a_url_names_a_host_that_speaks_http() {
        assert_eq!("http://localhost:1/".parse(), Ok(BaseUrl("http://localhost:1".to_owned())));
        for wrong in ["", "localhost:3900", "https://localhost", "http://", "http://a@b", "http://a?b", "/a"] {
            assert!(wrong.parse::<BaseUrl>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn nobody_there_says_what_helps() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let client = Client::new(format!("http://{free}").parse().expect("a URL"));
        let error = client.get(&Target::new(&["topics"])).await.expect_err("nobody listens").to_string();
        assert!(error.contains("no host answers at") && error.contains("switchyard serve"), "{error}");
    }
}
