//! This program itself, started again as something that is measured, and a server to be it.
//!
//! So what it is compared with has the same hyper, the same allocator and the same profile.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

/// The running program, ended when dropped.
pub(crate) struct Own {
    child: Child,
    pub(crate) address: SocketAddr,
}

// === impl Own ===

impl Own {
    /// Starts this program again with these arguments, to be a server that prints its address.
    pub(crate) fn start<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it is piped")?).read_line(&mut line)?;
        Ok(Self { address: line.trim().parse()?, child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves HTTP/1.1 until killed; prints its address.
pub(crate) async fn serve<F>(answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static) -> Result<()>
where
    F: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
{
    listen(|stream| {
        let service = service_fn(answer.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(stream, service).await;
            // The client closes; there is nobody to tell.
            drop(connection);
        });
    })
    .await
}

/// Accepts connections until killed; prints its address.
pub(crate) async fn listen(accepted: impl Fn(TokioIo<TcpStream>)) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        accepted(TokioIo::new(stream));
    }
}
