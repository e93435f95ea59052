//! A gateway on a free port, and a client that sends bytes as they are written.

use std::{net::SocketAddr, time::Duration};

use switchyard_dispatch::Dispatcher;
use switchyard_gateway::{Gateway, Handle, Options};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that runs until it is dropped.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    running: JoinHandle<()>,
    shutdown: DropGuard,
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A response, read as a client would.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

pub(crate) fn options() -> Options {
    Options { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Options::default() }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n")
}

pub(crate) fn json(response: &Response) -> serde_json::Value {
    serde_json::from_str(&response.body).unwrap()
}

impl Edge {
    pub(crate) async fn start(options: Options) -> Self {
        let dispatcher = Dispatcher::new();
        let gateway = Gateway::bind(options, dispatcher).await.unwrap();
        let shutdown = CancellationToken::new();
        let (address, handle) = (gateway.local_addr(), gateway.handle());
        let running = tokio::spawn(gateway.run(shutdown.clone()));
        Self { address, handle, running, shutdown: shutdown.drop_guard() }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await.unwrap()
    }

    /// Cancels, and waits for the end.
    pub(crate) async fn stop(self) {
        drop(self.shutdown);
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(address).await?, read: Vec::new() })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        self.send(&get(path)).await
    }

    pub(crate) async fn send(&mut self, request: &str) -> Response {
        self.write(request).await;
        let head_only = request.starts_with("HEAD ");
        self.receive(head_only).await
    }

    pub(crate) async fn write(&mut self, bytes: &str) {
        timeout(PATIENCE, self.stream.write_all(bytes.as_bytes())).await.unwrap().unwrap();
    }

    pub(crate) async fn response(&mut self) -> Response {
        self.receive(false).await
    }

    /// Whether something has come that was not read.
    pub(crate) fn is_readable(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let count = self.stream.try_read(&mut bytes).unwrap_or(0);
        self.read.extend_from_slice(&bytes[..count]);
        count > 0
    }

    /// Waits for the other side to close.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut bytes = [0; 16];
        matches!(timeout(PATIENCE, self.stream.read(&mut bytes)).await.unwrap(), Ok(0) | Err(_))
    }

    async fn receive(&mut self, head_only: bool) -> Response {
        let end = self.read_until(|read| read.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)).await;
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut response = Response { status, headers, body: String::new() };
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        if !head_only {
            self.read_until(|read| (read.len() >= length).then_some(length)).await;
            response.body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        }
        response
    }

    async fn read_until(&mut self, found: impl Fn(&[u8]) -> Option<usize>) -> usize {
        loop {
            if let Some(at) = found(&self.read) {
                return at;
            }
            let count = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await.unwrap().unwrap();
            assert_ne!(count, 0, "closed after {:?}", String::from_utf8_lossy(&self.read));
        }
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }
}
