//! An upstream that keeps every byte that reaches it.
//!
//! It speaks HTTP/1.1 over plain sockets and with no library, so that nothing between the wire and a test could tidy up
//! what a gateway sent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::host::PATIENCE;

/// The upstream; it ends with this value.
#[derive(Debug)]
pub struct Recorder {
    /// Where it listens.
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    accepting: JoinHandle<()>,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Request line and headers, without the empty line.
    pub head: String,
    /// What was read of the body, chunks decoded when it is whole.
    pub body: Vec<u8>,
    /// Whether all of it came before the connection ended.
    pub is_whole: bool,
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 200, and the request as it came.
    Echo,
    /// This status, and no body.
    Status(u16),
    /// These bytes, and the connection is closed.
    Raw(Bytes),
    /// Nothing, and the connection stays.
    Hang,
    /// Nothing, and the connection is closed.
    Close,
    /// Something after a while.
    After(Duration, Box<Reply>),
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    requests: Vec<Request>,
    connections: usize,
}

/// What a test answers to a request.
type Replier = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// How the body of a request goes on.
enum Part {
    Whole { body: Vec<u8>, length: usize },
    Partial,
}

// === impl Recorder ===

impl Recorder {
    /// Listens on a free port, and answers each request with itself.
    pub async fn echo() -> Self {
        Self::listen(|_| Reply::Echo).await
    }

    /// Listens on a free port, and answers as the test says.
    pub async fn listen(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let kept = Arc::new(Mutex::new(Kept::default()));
        let accepting = tokio::spawn(accept(listener, kept.clone(), Arc::new(reply)));
        Self { address, kept, accepting }
    }

    /// An `[[upstream]]` of the configuration that calls it by this name.
    pub fn upstream(&self, name: &str) -> String {
        format!("[[upstream]]\nname = '{name}'\naddress = 'http://{}'\n", self.address)
    }

    /// Every byte so far, of all connections.
    pub fn bytes(&self) -> Vec<u8> {
        self.kept.lock().unwrap().bytes.clone()
    }

    /// Every request so far that ended, well or not.
    pub fn requests(&self) -> Vec<Request> {
        self.kept.lock().unwrap().requests.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.kept.lock().unwrap().connections
    }

    /// What came since this was asked last.
    pub fn take(&self) -> (Vec<u8>, Vec<Request>) {
        let mut kept = self.kept.lock().unwrap();
        (std::mem::take(&mut kept.bytes), std::mem::take(&mut kept.requests))
    }

    /// Waits until what came is as described.
    pub async fn until(&self, what: &str, is: impl Fn(&[u8], &[Request]) -> bool) {
        let since = Instant::now();
        loop {
            let (bytes, requests) = (self.bytes(), self.requests());
            if is(&bytes, &requests) {
                return;
            }
            let text = String::from_utf8_lossy(&bytes);
            assert!(since.elapsed() < PATIENCE, "not {what}: {requests:?}, from {text:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

// === impl Request ===

impl Request {
    /// Method, target and version.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The target.
    pub fn target(&self) -> &str {
        self.line().split(' ').nth(1).unwrap_or_default()
    }

    /// Every value of a header.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// The one value of a header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let values = self.headers(name);
        assert!(values.len() < 2, "{name} is there twice: {}", self.head);
        values.first().copied().unwrap_or_default()
    }
}

async fn accept(listener: TcpListener, kept: Arc<Mutex<Kept>>, reply: Replier) {
    // Connections end with the listener.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        kept.lock().unwrap().connections += 1;
        connections.spawn(serve(stream, kept.clone(), reply.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Kept>>, reply: Replier) {
    // A socket that takes no options is no less a socket.
    let _ = stream.set_nodelay(true);
    let mut read = Vec::new();
    loop {
        let before = read.len();
        let length = stream.read_buf(&mut read).await.unwrap_or(0);
        kept.lock().unwrap().bytes.extend_from_slice(&read[before..]);
        while let Some(request) = whole(&mut read) {
            kept.lock().unwrap().requests.push(request.clone());
            if !answer(&mut stream, &request, reply(&request)).await {
                return;
            }
        }
        if length == 0 {
            if !read.is_empty() {
                kept.lock().unwrap().requests.push(broken(&read));
            }
            return;
        }
    }
}

/// Sends an answer; whether the connection goes on.
async fn answer(stream: &mut TcpStream, request: &Request, mut reply: Reply) -> bool {
    while let Reply::After(time, then) = reply {
        tokio::time::sleep(time).await;
        reply = *then;
    }
    let bytes = match reply {
        Reply::Echo => {
            let body = [request.head.as_bytes(), b"\r\n\r\n", &request.body].concat();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            [head.into_bytes(), body].concat()
        }
        Reply::Status(status) => format!("HTTP/1.1 {status} said\r\ncontent-length: 0\r\n\r\n").into_bytes(),
        Reply::Raw(bytes) => {
            // A gateway that is gone gets nothing.
            let _ = stream.write_all(&bytes).await;
            return false;
        }
        Reply::Hang => return std::future::pending().await,
        Reply::Close | Reply::After(..) => return false,
    };
    stream.write_all(&bytes).await.is_ok()
}

/// Takes a whole request off the front.
fn whole(read: &mut Vec<u8>) -> Option<Request> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let mut request =
        Request { head: String::from_utf8_lossy(&read[..end]).into_owned(), body: Vec::new(), is_whole: true };
    let Part::Whole { body, length } = body_of(&request, &read[end + 4..]) else { return None };
    request.body = body;
    read.drain(..end + 4 + length);
    Some(request)
}

fn body_of(request: &Request, rest: &[u8]) -> Part {
    let lengths = request.headers("content-length");
    if !request.headers("transfer-encoding").is_empty() {
        return crate::chunked::decode(rest).map_or(Part::Partial, |(body, length)| Part::Whole { body, length });
    }
    let length: usize = lengths.first().map_or(0, |length| length.parse().expect("a length is a number"));
    match rest.get(..length) {
        Some(body) => Part::Whole { body: body.to_vec(), length },
        None => Part::Partial,
    }
}

fn broken(read: &[u8]) -> Request {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(read.len());
    let body = read.get(end + 4..).unwrap_or_default().to_vec();
    Request { head: String::from_utf8_lossy(&read[..end]).into_owned(), body, is_whole: false }
}
