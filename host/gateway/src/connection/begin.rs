//! What a connection begins with: the handshake of TLS, and which HTTP is spoken.

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use switchyard_core::problem::Code;
use tokio::net::TcpStream;

use super::{Connection, end, stream::Stream};
use crate::{
    response::Refusal,
    tls::{HTTP_2, Tls},
};

/// What a client of HTTP/2 says first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of a handshake (RFC 8446, section 5.1: a record of the type 22).
const HANDSHAKE: u8 = 22;

/// As much as is read to tell the protocols apart, in bytes: mostly a whole request.
const FIRST_READ: usize = 8 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Gets a connection to where requests can come. None when it never will.
pub(super) async fn begin(socket: TcpStream, connection: &Connection) -> Option<(Stream, Protocol)> {
    let begun = match &connection.shared.tls {
        Some(tls) => secure(socket, &tls.load(), connection).await,
        None => plain(socket, connection).await,
    };
    begun.unwrap_or_else(|error| {
        tracing::debug!(peer = %connection.peer, %error, "a connection did not begin");
        None
    })
}

/// By the preface alone, which no request of HTTP/1 can be taken for.
async fn plain(socket: TcpStream, connection: &Connection) -> io::Result<Option<(Stream, Protocol)>> {
    // Nothing is kept for a client that has said nothing.
    socket.readable().await?;
    let mut bytes = BytesMut::with_capacity(FIRST_READ);
    loop {
        match socket.try_read_buf(&mut bytes) {
            Ok(0) => return Ok(None),
            Ok(_) => connection.activity.moved(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket.readable().await?;
                continue;
            }
            Err(error) => return Err(error),
        }
        let protocol = match bytes.get(..PREFACE.len()) {
            Some(PREFACE) => Protocol::Http2,
            None if PREFACE.starts_with(&bytes) => continue,
            _ => Protocol::Http1,
        };
        let stream = Stream::plain(socket, bytes.freeze(), Arc::clone(&connection.activity));
        return Ok(Some((stream, protocol)));
    }
}

/// By what both sides agreed on. The certificate is the one of this moment.
async fn secure(socket: TcpStream, tls: &Arc<Tls>, connection: &Connection) -> io::Result<Option<(Stream, Protocol)>> {
    let mut first = [0];
    if socket.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first[0] != HANDSHAKE && !first[0].is_ascii_uppercase() {
        return Ok(None);
    }
    if first[0] != HANDSHAKE {
        // It begins like a method: who speaks plain HTTP can read why it gets no other answer.
        let stream = Stream::plain(socket, Bytes::new(), Arc::clone(&connection.activity));
        let refusal = Refusal::new(Code::BadRequest, "plain HTTP came where HTTPS is spoken");
        end::refuse(stream, &connection.shared, &[], refusal, Duration::ZERO).await;
        return Ok(None);
    }
    let socket = tls.acceptor().accept(socket).await?;
    let protocol = match socket.get_ref().1.alpn_protocol() {
        Some(HTTP_2) => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Ok(Some((Stream::tls(socket, Arc::clone(&connection.activity)), protocol)))
}
