//! A gateway before a server of hyper that does by path what a test asks for.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use switchyard_core::{
    route::{
        Layer, Origin, RouteRule, RouteTable,
        action::{Destination, Rules},
    },
    upstream::{Registration, Source},
};
use switchyard_dispatch::{Dispatcher, Instance, RouteTarget, Service, Snapshot};
use switchyard_gateway::{Gateway, Handle, Options};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use crate::edge::{Client, json, options};

/// Nothing here takes as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long the body of `/large` is: more than all buffers on its way hold.
pub(crate) const LARGE: usize = 16 << 20;

/// What every request to the backend may look at.
#[derive(Clone, Default)]
pub(crate) struct Backend {
    seen: Arc<Mutex<Vec<String>>>,
    /// Lets `/wait` answer, and `/drip` go on.
    pub(crate) go: Arc<Notify>,
    /// Tells that `/wait` was reached.
    pub(crate) reached: Arc<Notify>,
}

/// A gateway that runs until it is dropped, with every path but its own routed to the backend.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) backend: Backend,
    running: JoinHandle<()>,
    shutdown: CancellationToken,
    _guard: DropGuard,
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// What may take [`PATIENCE`] and no longer.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

// === impl Backend ===

impl Backend {
    /// Method and path of all requests so far, each with its body where that was read.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let backend = self.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let backend = backend.clone();
                let service = service_fn(move |request| {
                    let backend = backend.clone();
                    async move { Ok::<_, Infallible>(backend.answer(request).await) }
                });
                let serving = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
                tokio::spawn(serving.with_upgrades());
            }
        });
        address
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        self.seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        match request.uri().path() {
            "/wait" => {
                self.reached.notify_one();
                self.go.notified().await;
                text("waited")
            }
            "/large" => text(vec![b'x'; LARGE]),
            "/drip" => self.drip(),
            "/socket" => socket(request),
            "/headers" => text(format!("{:?}", request.headers())),
            _ => echo(request).await,
        }
    }

    /// One part at once, a further one with each notification.
    fn drip(&self) -> Answer {
        let parts = stream::unfold(Some(Arc::clone(&self.go)), |go| async {
            let go = go?;
            go.notified().await;
            Some((Ok(Frame::data(Bytes::from_static(b"data: x\n\n"))), Some(go)))
        });
        let mut response = Response::new(StreamBody::new(parts).boxed());
        response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
        response
    }
}

fn text(text: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(text.into()).boxed())
}

/// The body and its trailers, once they are all there.
async fn echo(request: Request<Incoming>) -> Answer {
    let Ok(collected) = request.into_body().collect().await else {
        let mut response = text("the body broke off");
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    };
    let trailers = collected.trailers().cloned().unwrap_or_default();
    // In parts, so that its length is not known ahead: HTTP/1.1 has no trailers otherwise.
    let frames = [Frame::data(collected.to_bytes()), Frame::trailers(trailers)];
    let body = StreamBody::new(stream::iter(frames.map(Ok)));
    Response::builder().header("trailer", "sum").body(body.boxed()).unwrap()
}

/// Agrees to a WebSocket, and sends back all bytes in capitals.
fn socket(mut request: Request<Incoming>) -> Answer {
    if request.headers().get("upgrade").is_none_or(|upgrade| upgrade != "websocket") {
        return text("no upgrade");
    }
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut socket = TokioIo::new(upgraded.await.unwrap());
        let mut bytes = [0; 1024];
        while let Ok(length @ 1..) = socket.read(&mut bytes).await {
            bytes[..length].make_ascii_uppercase();
            if socket.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    });
    let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    let response = response.header("connection", "upgrade").header("upgrade", "websocket");
    response.header("sec-websocket-accept", "accepted").body(Empty::new().boxed()).unwrap()
}

// === impl Edge ===

impl Edge {
    pub(crate) async fn start(options: Options) -> Self {
        let backend = Backend::default();
        let registration = format!(r#"{{"name":"web","address":"{}"}}"#, backend.listen().await);
        let upstream = serde_json::from_str::<Registration>(&registration).unwrap().check(Source::Config).unwrap();
        let instance = Instance::of_upstream(Arc::new(upstream)).unwrap();
        let service = Arc::new(Service::of_upstreams(vec![instance]).unwrap());
        let rule = RouteRule {
            pattern: "/*".parse().unwrap(),
            host: None,
            methods: vec![],
            headers: vec![],
            target: RouteTarget {
                to: Destination::Service(Arc::clone(&service)),
                mirror: None,
                rules: Arc::new(Rules::default()),
                id: "all".into(),
                prefix: String::new().into(),
                pattern: "/*".into(),
                meter: std::sync::OnceLock::new(),
            },
            origin: Origin { layer: Layer::Config, owner: "test".to_owned() },
        };
        let (routes, _) = RouteTable::build([rule]);
        let dispatcher = Dispatcher::new();
        let services = [("web".parse().unwrap(), service)].into_iter().collect();
        dispatcher.publish(Snapshot { routes, services });
        let gateway = Gateway::bind(options, dispatcher).await.unwrap();
        let (address, handle, shutdown) = (gateway.local_addr(), gateway.handle(), CancellationToken::new());
        let running = tokio::spawn(gateway.run(shutdown.clone()));
        let _guard = shutdown.clone().drop_guard();
        Self { address, handle, backend, running, shutdown, _guard }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await.unwrap()
    }

    pub(crate) async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Has it stop, and goes on at once.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits for the end of a stop.
    pub(crate) async fn stopped(self) {
        soon(self.running).await.unwrap();
    }
}
