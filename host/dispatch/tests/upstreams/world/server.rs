//! Servers that are told what to do.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// What a server answers.
pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

type Handler = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A server of HTTP that is gone when this is dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    task: AbortHandle,
}

/// A server that gets bytes.
pub(crate) struct Raw {
    pub(crate) address: String,
    connections: Arc<AtomicUsize>,
    task: AbortHandle,
}

#[derive(Clone, Copy)]
enum Protocol {
    Http1,
    Http2,
}

/// A body in memory.
pub(crate) fn text(status: u16, text: impl Into<Bytes>) -> Answer {
    let body = Full::new(text.into()).map_err(|never: Infallible| match never {}).boxed_unsync();
    Response::builder().status(status).body(body).unwrap()
}

/// A body of these frames.
pub(crate) fn chunks(frames: impl stream::Stream<Item = Frame<Bytes>> + Send + 'static) -> Answer {
    Response::new(StreamBody::new(frames.map(Ok)).boxed_unsync())
}

// === impl Server ===

impl Server {
    /// HTTP/1.1.
    pub(crate) async fn http1<F>(answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::start("http", Protocol::Http1, None, answer).await
    }

    /// HTTP/2 in the clear.
    pub(crate) async fn h2c<F>(answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::start("h2c", Protocol::Http2, None, answer).await
    }

    /// TLS, and in it what its ALPN says.
    pub(crate) async fn https<F>(
        config: ServerConfig,
        answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let is_http2 = config.alpn_protocols.iter().any(|protocol| protocol == b"h2");
        let protocol = if is_http2 { Protocol::Http2 } else { Protocol::Http1 };
        Self::start("https", protocol, Some(config), answer).await
    }

    async fn start<F>(
        scheme: &str,
        protocol: Protocol,
        tls: Option<ServerConfig>,
        answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = if tls.is_some() { "localhost" } else { "127.0.0.1" };
        let address = format!("{scheme}://{host}:{}", listener.local_addr().unwrap().port());
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counted = Arc::clone(&requests);
        let handler: Handler = Arc::new(move |request| {
            counted.fetch_add(1, SeqCst);
            Box::pin(answer(request))
        });
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let accepted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            // With the server end its connections.
            let mut serving = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, SeqCst);
                stream.set_nodelay(true).unwrap();
                let (handler, acceptor) = (Arc::clone(&handler), acceptor.clone());
                serving.spawn(async move {
                    match acceptor {
                        None => serve(protocol, stream, handler).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(protocol, stream, handler).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, connections, requests, task: task.abort_handle() }
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(protocol: Protocol, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, handler: Handler) {
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let stream = TokioIo::new(stream);
    // How a connection ends is the client's business.
    let _ = match protocol {
        Protocol::Http1 => http1::Builder::new().serve_connection(stream, service).with_upgrades().await,
        Protocol::Http2 => http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await,
    };
}

// === impl Raw ===

impl Raw {
    /// Does this with each connection; the second argument is its number, from 0.
    pub(crate) async fn start<F>(with: impl Fn(TcpStream, usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::<AtomicUsize>::default();
        let accepted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(with(stream, accepted.fetch_add(1, SeqCst)));
            }
        });
        Self { address, connections, task: task.abort_handle() }
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}
