//! The server to compare with: hyper, saying hello.
//!
//! It is this program itself, started as `switchyard-bench native`: the same hyper, the same allocator, the same
//! profile, so that the difference is what the platform costs.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// The running server, ended when dropped.
pub(crate) struct Native {
    child: Child,
    pub(crate) address: SocketAddr,
}

// === impl Native ===

impl Native {
    /// Starts this program again as the server.
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg("native").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it is piped")?).read_line(&mut line)?;
        Ok(Self { address: line.trim().parse()?, child })
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until killed; prints its address.
pub(crate) fn serve() -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service_fn(hello))
                    .await;
                // The client closes; there is nobody to tell.
                drop(connection);
            });
        }
    })
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // A client that goes away has no use for the answer.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
    let text = hyper::header::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, text);
    Ok(response)
}
