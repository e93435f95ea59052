//! What hyper reads of a connection of HTTP/1: what the validator has passed, and nothing else.
//!
//! A fault in a message that hyper has seen nothing of waits until all before it are answered, since an error from here
//! ends the connection. hyper also reads while a service is at work, to notice a client that goes away; then it is put
//! off, and called again once the response has left.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Activity, Phase, stream::Stream};
use crate::validate::{Fault, Validator, Violation};

/// A socket whose requests are checked.
pub(super) struct Checked {
    stream: Stream,
    activity: Arc<Activity>,
    validator: Validator,
    /// What was read, and has not gone on.
    held: BytesMut,
    /// So many of them may.
    passed: usize,
    fault: Option<Fault>,
    /// Whether hyper was told of the fault.
    is_refused: bool,
    /// Whether something that hyper has written is not in the socket.
    is_writing: bool,
    /// Who was put off.
    waiting: Option<Waker>,
    head_max: usize,
}

// === impl Checked ===

impl Checked {
    pub(super) fn new(stream: Stream, activity: Arc<Activity>, head_max: usize) -> Self {
        Self {
            stream,
            activity,
            validator: Validator::new(head_max),
            held: BytesMut::new(),
            passed: 0,
            fault: None,
            is_refused: false,
            is_writing: false,
            waiting: None,
            head_max,
        }
    }

    /// Why the connection has ended, and nobody has answered for it.
    pub(super) fn violation(&self) -> Option<Violation> {
        self.fault.filter(|fault| self.is_refused && !fault.in_body).map(|fault| fault.violation)
    }

    /// Whether the client has sent something that nobody has read to its end.
    pub(super) fn has_unread(&self) -> bool {
        !self.validator.is_between_messages() || !self.held.is_empty()
    }

    /// What was read and went no further.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Whether a request is under way: handed over but not begun, or not answered to the last byte.
    fn is_busy(&self) -> bool {
        let seen = self.activity.look();
        let is_under_way = matches!(seen.phase, Phase::Handling | Phase::Responding);
        self.is_writing || is_under_way || seen.requests != self.validator.heads()
    }

    fn follow_held(&mut self) {
        let followed = self.validator.follow(&self.held);
        (self.passed, self.fault) = (followed.passed, followed.fault);
    }

    /// Tells hyper of the fault, if this is the time for it.
    fn refuse(&mut self, fault: Fault, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if fault.in_body {
            self.activity.break_upload(fault.violation);
        } else if self.is_busy() {
            return self.put_off(cx);
        }
        self.is_refused = true;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault.violation)))
    }

    fn put_off(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Checked {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = &mut *self;
        loop {
            if me.passed > 0 {
                let length = me.passed.min(buf.remaining());
                buf.put_slice(&me.held[..length]);
                me.held.advance(length);
                me.passed -= length;
                return Poll::Ready(Ok(()));
            }
            if let Some(fault) = me.fault {
                return me.refuse(fault, cx);
            }
            let mut is_undecided = me.validator.is_undecided();
            if is_undecided && !me.is_busy() {
                me.validator.resume();
                me.follow_held();
                if me.passed > 0 || me.fault.is_some() {
                    continue;
                }
                is_undecided = false;
            }
            if is_undecided {
                if me.held.len() >= me.head_max {
                    return me.put_off(cx);
                }
                me.waiting = Some(cx.waker().clone());
            }

            let before = buf.filled().len();
            ready!(Pin::new(&mut me.stream).poll_read(cx, buf))?;
            let read = &buf.filled()[before..];
            if read.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if !me.is_writing {
                me.activity.arrived();
            }
            // Mostly whole messages come, and nothing has to be held.
            if me.held.is_empty() {
                let followed = me.validator.follow(read);
                me.fault = followed.fault;
                me.held.extend_from_slice(&read[followed.passed..]);
                if followed.passed > 0 {
                    buf.set_filled(before + followed.passed);
                    return Poll::Ready(Ok(()));
                }
            } else {
                me.held.extend_from_slice(read);
                me.follow_held();
            }
            buf.set_filled(before);
        }
    }
}

impl AsyncWrite for Checked {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.is_writing = true;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_writing = true;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper calls it when it has written all that it had.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.is_writing = false;
        let is_waited_for = self.waiting.is_some() || self.validator.is_in_head();
        if is_waited_for && !self.is_busy() {
            // A part of the next request came while this one was answered: its time begins now.
            if self.validator.is_in_head() {
                self.activity.arrived();
            }
            if let Some(waiting) = self.waiting.take() {
                waiting.wake();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.violation().is_some() {
            // Our answer is still to come.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
