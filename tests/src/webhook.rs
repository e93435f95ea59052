//! An HTTP endpoint that events are posted to, and that answers as the test says.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

/// A listening endpoint; it ends with this value.
pub struct Webhook {
    /// Where it listens.
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    accepting: JoinHandle<()>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When.
    pub at: Instant,
}

/// A status and headers to answer.
pub type Reply = (u16, Vec<(&'static str, String)>);

/// What a test answers to a request, and to how many before it.
type Replier = Arc<dyn Fn(usize, &Received) -> Reply + Send + Sync>;

// === impl Webhook ===

impl Webhook {
    /// Listens on a free port. `reply` gets how many requests came before, and the request.
    pub async fn listen(reply: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(accept(listener, received.clone(), Arc::new(reply)));
        Self { url, received, accepting }
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

// === impl Received ===

impl Received {
    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

async fn accept(listener: TcpListener, received: Arc<Mutex<Vec<Received>>>, reply: Replier) {
    while let Ok((stream, _)) = listener.accept().await {
        let (received, reply) = (received.clone(), reply.clone());
        let service = service_fn(move |request| answer(request, received.clone(), reply.clone()));
        tokio::spawn(async move {
            // A client that goes away in the middle is its own affair.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    received: Arc<Mutex<Vec<Received>>>,
    reply: Replier,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let path = head.uri.path().to_owned();
    let request = Received { method: head.method, path, headers: head.headers, body, at: Instant::now() };
    let before = {
        let mut received = received.lock().unwrap();
        received.push(request.clone());
        received.len() - 1
    };
    let (status, headers) = reply(before, &request);
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::default()).expect("the test's reply holds"))
}
