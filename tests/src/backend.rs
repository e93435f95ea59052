//! An ordinary HTTP server that stands behind the gateway: it says who it is, and it is as well as the test says.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

/// A listening server; it ends, with its connections, with this value.
pub struct Backend {
    /// Where it listens.
    pub at: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    name: String,
    is_ill: AtomicBool,
    /// What every request that is not for `/healthz` takes, in ms.
    delay: AtomicU64,
    requests: AtomicUsize,
    connections: Mutex<Vec<JoinHandle<()>>>,
}

// === impl Backend ===

impl Backend {
    /// Listens on a free port. It answers `/healthz` by how it is, `/status/N` with that status, and everything else with
    /// what it got.
    pub async fn listen(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let at = listener.local_addr().expect("it is bound");
        let state = Arc::new(State { name: name.to_owned(), ..State::default() });
        let accepting = tokio::spawn(accept(listener, state.clone()));
        Self { at, state, accepting }
    }

    /// Whether its health is answered with 500.
    pub fn set_ill(&self, is_ill: bool) {
        self.state.is_ill.store(is_ill, Ordering::SeqCst);
    }

    /// How long it takes to answer.
    pub fn set_delay(&self, delay: Duration) {
        self.state.delay.store(u64::try_from(delay.as_millis()).expect("it is short"), Ordering::SeqCst);
    }

    /// How many requests came, but for those for `/healthz`.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// As `[[upstream]]` of a service, with further members.
    pub fn upstream(&self, service: &str, members: &str) -> String {
        format!("[[upstream]]\nname = '{service}'\naddress = 'http://{}'\n{members}\n", self.at)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
        self.state.connections.lock().unwrap().drain(..).for_each(|connection| connection.abort());
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let own = state.clone();
        let service = service_fn(move |request| answer(request, own.clone()));
        let connection = tokio::spawn(async move {
            // A client that goes away in the middle is its own affair.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        state.connections.lock().unwrap().push(connection);
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if path == "/healthz" {
        let status = if state.is_ill.load(Ordering::SeqCst) { 500 } else { 200 };
        return Ok(Response::builder().status(status).body(Full::default()).expect("it holds"));
    }
    state.requests.fetch_add(1, Ordering::SeqCst);
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(state.delay.load(Ordering::SeqCst))).await;
    let headers: serde_json::Map<_, _> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let said = json!({
        "backend": state.name, "method": head.method.as_str(), "path": path, "query": head.uri.query(),
        "headers": headers, "body": String::from_utf8_lossy(&body),
    });
    let status = path.strip_prefix("/status/").and_then(|status| status.parse().ok()).unwrap_or(200);
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(Full::new(said.to_string().into())).expect("it holds"))
}
