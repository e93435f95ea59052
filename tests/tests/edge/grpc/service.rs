//! The service that is called: it echoes, and refuses.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::BoxFuture};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{Code, Request, Response, Status, Streaming, body::Body, metadata::MetadataMap, server::Grpc};
use tower_service::Service;

use super::codec::BytesCodec;

/// A listening service; it ends with this value.
pub(super) struct Echo {
    pub(super) address: SocketAddr,
    /// Streams that are open.
    open: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

type Answers = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

struct Unary {
    te: String,
}

struct Fail;

struct Both {
    open: Arc<AtomicUsize>,
}

/// One stream, for as long as it is open.
struct Open(Arc<AtomicUsize>);

// === impl Echo ===

impl Echo {
    pub(super) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(listener, open.clone()));
        Self { address, open, accepting }
    }

    /// Waits until so many streams are open.
    pub(super) async fn until_open(&self, count: usize) {
        let since = Instant::now();
        while self.open.load(Ordering::SeqCst) != count {
            assert!(since.elapsed() < Duration::from_secs(60), "{} streams are open", self.open.load(Ordering::SeqCst));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, open: Arc<AtomicUsize>) {
    // Connections end with the listener.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let open = open.clone();
        let service = service_fn(move |request| {
            let open = open.clone();
            async move { Ok::<_, Infallible>(answer(request, open).await) }
        });
        connections.spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: http::Request<Incoming>, open: Arc<AtomicUsize>) -> http::Response<Body> {
    let te = request.headers().get("te").map(|te| te.to_str().unwrap().to_owned()).unwrap_or_default();
    let mut grpc = Grpc::new(BytesCodec);
    match request.uri().path() {
        "/echo.Echo/Unary" => grpc.unary(Unary { te }, request).await,
        "/echo.Echo/Fail" => grpc.unary(Fail, request).await,
        "/echo.Echo/Stream" => grpc.streaming(Both { open }, request).await,
        _ => Status::new(Code::Unimplemented, "no such method").into_http(),
    }
}

// === impl Unary ===

impl Service<Request<Bytes>> for Unary {
    type Response = Response<Bytes>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let te = self.te.parse().unwrap();
        Box::pin(async move {
            let (metadata, _, message) = request.into_parts();
            let mut response = Response::new(message);
            for name in ["x-asked", "x-data-bin"] {
                if let Some(value) = metadata.as_ref().get(name) {
                    response.metadata_mut().as_mut().insert(name, value.clone());
                }
            }
            response.metadata_mut().insert("x-te", te);
            Ok(response)
        })
    }
}

// === impl Fail ===

impl Service<Request<Bytes>> for Fail {
    type Response = Response<Bytes>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        let mut metadata = MetadataMap::new();
        metadata.insert("x-why", "because".parse().unwrap());
        let text = "the pantry is empty: ünïcode";
        Box::pin(async move { Err(Status::with_metadata(Code::ResourceExhausted, text, metadata)) })
    }
}

// === impl Both ===

impl Service<Request<Streaming<Bytes>>> for Both {
    type Response = Response<Answers>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Answers>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(self.open.clone());
        let answers = request.into_inner().map(move |message| {
            let _open = &open;
            message
        });
        Box::pin(async move { Ok(Response::new(Box::pin(answers) as Answers)) })
    }
}

// === impl Open ===

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
