//! Requests made wrong by chance: whatever is taken, hyper must read as the same messages.
//!
//! Each message that the validator finds is given to a hyper of its own. If that sees one whole request in it, and has
//! no byte left and misses none, both see the same boundaries.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::super::*;

/// A socket whose other end has sent all and closed.
struct Sent(Bytes);

impl Read for Sent {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let length = self.0.len().min(buf.remaining());
        buf.put_slice(&self.0.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl Write for Sent {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What hyper makes of bytes: requests with their bodies' lengths, or the first error; and how many bytes it left.
async fn hyper_reads(bytes: Bytes) -> (Result<Vec<usize>, String>, usize) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let service = {
        let requests = Arc::clone(&requests);
        service_fn(move |request: Request<Incoming>| {
            let requests = Arc::clone(&requests);
            async move {
                let read = request.into_body().collect().await;
                let read = read.map(|body| body.to_bytes().len()).map_err(|error| format!("{error:?}"));
                requests.lock().unwrap().push(read);
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        })
    };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(16 << 10).half_close(true).header_read_timeout(None);
    let mut serving = builder.serve_connection(Sent(bytes), service);
    let result = (&mut serving).await;
    let left = serving.into_parts().read_buf.len();
    let requests = std::mem::take(&mut *requests.lock().unwrap());
    let requests = requests.into_iter().collect::<Result<Vec<_>, _>>();
    (result.map_err(|error| format!("{error:?}")).and(requests), left)
}

/// The messages that the validator finds at the beginning of `bytes`, when these come in parts.
fn messages(bytes: &[u8], part: usize) -> Vec<Bytes> {
    let mut validator = Validator::new(8 << 10);
    let (mut start, mut end) = (0, 0);
    let mut passed = Vec::new();
    loop {
        let is_all = end == bytes.len();
        end = (end + part).min(bytes.len());
        let followed = validator.follow(&bytes[start..end]);
        passed.extend_from_slice(&bytes[start..start + followed.passed]);
        start += followed.passed;
        if followed.fault.is_some() || (is_all && followed.passed == 0) {
            break;
        }
        validator.resume();
    }
    // Boundaries are found again byte by byte, in what went on.
    let mut validator = Validator::new(8 << 10);
    let (mut messages, mut first, mut shown) = (Vec::new(), 0, 0);
    for end in 1..=passed.len() {
        let followed = validator.follow(&passed[shown..end]);
        assert_eq!(followed.fault, None, "{}", passed.escape_ascii());
        shown += followed.passed;
        if shown == end && validator.is_between_messages() {
            messages.push(Bytes::copy_from_slice(&passed[first..end]));
            first = end;
            validator.resume();
        }
    }
    messages
}

/// Fails when hyper reads a message otherwise.
fn check(bytes: &[u8], part: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for message in messages(bytes, part) {
        let (read, left) = runtime.block_on(hyper_reads(message.clone()));
        let shown = message.escape_ascii();
        match read {
            Ok(requests) => assert_eq!((requests.len(), left), (1, 0), "{shown}"),
            Err(error) => panic!("{error}: {shown}"),
        }
    }
}

const SEEDS: [&str; 6] = [
    "GET /a?b HTTP/1.1\r\nhost: h\r\naccept: */*\r\n\r\n",
    "GET http://h/a HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
    "POST /b HTTP/1.1\r\nhost: h:80\r\ncontent-length: 12\r\n\r\nGET / HTTP/1",
    "POST /c HTTP/1.1\r\nhost: [::1]\r\ntransfer-encoding: chunked\r\n\r\nb;x=y\r\n0123456789a\r\n1\r\nz\r\n0\r\nsum: 1\r\n\r\n",
    "PUT /d HTTP/1.0\r\ncontent-length: 1\r\n\r\nxOPTIONS * HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\n\r\n",
    "GET /e HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\r\nGET /f HTTP/1.1\r\nhost: h\r\n\r\n",
];

const PIECES: [&str; 40] = [
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    "\0",
    "\x0b",
    "\x7f",
    "\u{e9}",
    ":",
    ";",
    ",",
    "0",
    "1",
    "a",
    "F",
    "+",
    "-",
    "_",
    "0x",
    "/",
    "?",
    "#",
    "*",
    "\\",
    "%00",
    "@",
    "[",
    "]",
    "host: h\r\n",
    "content-length: 1\r\n",
    "content-length: 12\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: gzip\r\n",
    "0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "GET / HTTP/1.1\r\nhost: h\r\n\r\n",
    "http://h",
    "expect: 100-continue\r\n",
];

/// Something that is done to bytes, at a place between their beginning and their end.
#[derive(Clone, Debug)]
enum Change {
    Insert(usize, &'static str),
    Replace(usize, &'static str),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn changes() -> impl Strategy<Value = Change> {
    let (at, length) = (0..1000_usize, 1..30_usize);
    prop_oneof![
        (at.clone(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (at.clone(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Replace(at, piece)),
        (at.clone(), length.clone()).prop_map(|(at, length)| Change::Remove(at, length)),
        (at, length).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let place = |at: usize| at * bytes.len() / 1000;
        match *change {
            Change::Insert(at, piece) => _ = bytes.splice(place(at)..place(at), piece.bytes()),
            Change::Replace(at, piece) => {
                let at = place(at);
                let end = bytes.len().min(at + piece.len());
                bytes.splice(at..end, piece.bytes());
            }
            Change::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + length));
            }
            Change::Repeat(at, length) => {
                let at = place(at);
                let part = bytes[at..bytes.len().min(at + length)].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_taken_hyper_reads_alike(
        seeds in vec(select(&SEEDS[..]), 1..4),
        changes in vec(changes(), 0..6),
        part in 1..200_usize,
    ) {
        check(&changed(seeds.concat().into_bytes(), &changes), part);
    }

    #[test]
    fn the_verdict_does_not_depend_on_how_bytes_arrive(
        seeds in vec(select(&SEEDS[..]), 1..3),
        changes in vec(changes(), 0..6),
        part in 1..50_usize,
    ) {
        let bytes = changed(seeds.concat().into_bytes(), &changes);
        let mut at_once = Validator::new(8 << 10);
        let whole = at_once.follow(&bytes);
        let mut in_parts = Validator::new(8 << 10);
        let (mut start, mut end, mut fault) = (0, 0, None);
        while end < bytes.len() && fault.is_none() {
            end = (end + part).min(bytes.len());
            let followed = in_parts.follow(&bytes[start..end]);
            (start, fault) = (start + followed.passed, followed.fault);
        }
        prop_assert_eq!(fault.map(|fault| fault.violation), whole.fault.map(|fault| fault.violation));
        // What comes in parts can be further than what is refused as a whole, never less far.
        prop_assert!(start >= whole.passed);
    }
}

#[test]
fn the_seeds_are_taken_whole() {
    for seed in SEEDS {
        let messages = messages(seed.as_bytes(), seed.len());
        assert_eq!(messages.concat().len(), seed.len(), "{seed}");
        check(seed.as_bytes(), 7);
    }
}
