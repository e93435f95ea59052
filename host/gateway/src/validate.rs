//! A strict reader of HTTP/1, ahead of hyper.
//!
//! hyper is a lenient one: it takes a bare line feed for a line end, drops a second Content-Length and one beside a
//! Transfer-Encoding, and decides by the last of several encodings. Each of these is one meaning of several, and a
//! service behind the gateway, or a proxy before it, might choose another; then a part of one client's request is read as
//! the beginning of another's. So all bytes that come from a client are followed here first, from one message to the
//! next, and what could be read in two ways goes no further.
//!
//! It is pure: bytes in, and how many of them may go on. It holds no bytes itself; who calls keeps those that may not go
//! on yet, and shows them again with what has come since.
//!
//! **Invariants**: no part of a head goes on before all of it has been read, so that hyper never sees one that is not
//! valid; where this reader sees the end of a message, hyper does (`tests.rs` holds them against each other).

mod chunked;
mod head;
mod http2;
mod signs;
mod violation;

use self::{
    chunked::Chunked,
    head::{Framing, Head},
};
pub(crate) use self::{http2::http2, violation::Violation};

/// Follows one connection.
#[derive(Debug)]
pub(crate) struct Validator {
    head_max: usize,
    state: State,
    /// Heads that went on. Goes round.
    heads: u32,
    /// What the message under way asked for.
    wants_upgrade: bool,
}

/// Where in a message the next byte is.
#[derive(Debug)]
enum State {
    /// In a head, or before it.
    Head(Head),
    /// In a body, with so many bytes to come.
    Length(u64),
    Chunked(Chunked),
    /// After a request for another protocol: what comes next is of HTTP only if that is refused.
    Undecided,
}

/// What came of following some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    /// So many of them may go on.
    pub(crate) passed: usize,
    /// What is wrong with those after them, and nothing goes on beyond that.
    pub(crate) fault: Option<Fault>,
}

/// A violation, and how much of its message is gone already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) violation: Violation,
    /// Whether the message's head went on before, so that somebody may be working on it.
    pub(crate) in_body: bool,
}

// === impl Validator ===

impl Validator {
    /// Before the first byte of a connection; heads may be `head_max` bytes long.
    pub(crate) fn new(head_max: usize) -> Self {
        Self { head_max, state: State::Head(Head::default()), heads: 0, wants_upgrade: false }
    }

    /// How many heads went on.
    pub(crate) fn heads(&self) -> u32 {
        self.heads
    }

    /// Whether a head has begun, and not ended.
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(&self.state, State::Head(head) if !head.is_untouched())
    }

    /// Whether all of the latest message has been read, and nothing of a further one.
    pub(crate) fn is_between_messages(&self) -> bool {
        match &self.state {
            State::Head(head) => head.is_untouched(),
            State::Undecided => true,
            State::Length(_) | State::Chunked(_) => false,
        }
    }

    /// Whether what comes next is of HTTP only if the latest request is refused what it asked for.
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self.state, State::Undecided)
    }

    /// Goes on with HTTP after a request for another protocol was refused.
    pub(crate) fn resume(&mut self) {
        if matches!(self.state, State::Undecided) {
            self.state = State::Head(Head::default());
        }
    }

    /// Follows `bytes`, of which the first is the first that did not go on before.
    ///
    /// Of a message with a fault nothing goes on, unless its head did before; those before it do.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut at = 0;
        // Where the message under way begins, when that is here.
        let mut start = None;
        let mut begun = 0;
        loop {
            let rest = &bytes[at..];
            match self.step(rest) {
                Ok(Step::Head(length)) => {
                    start = Some(at);
                    begun += 1;
                    at += length;
                }
                Ok(Step::End(length)) => {
                    start = None;
                    at += length;
                    self.end_message();
                }
                Ok(Step::Stop(length)) => {
                    self.heads = self.heads.wrapping_add(begun);
                    return Followed { passed: at + length, fault: None };
                }
                Err(violation) => {
                    let in_body = start.is_none() && !matches!(self.state, State::Head(_));
                    if start.is_some() {
                        begun -= 1;
                    }
                    self.heads = self.heads.wrapping_add(begun);
                    let passed = if in_body { 0 } else { start.unwrap_or(at) };
                    return Followed { passed, fault: Some(Fault { violation, in_body }) };
                }
            }
        }
    }

    /// One head, or as much of a body as there is.
    fn step(&mut self, bytes: &[u8]) -> Result<Step, Violation> {
        match &mut self.state {
            State::Head(_) | State::Undecided if bytes.is_empty() => Ok(Step::Stop(0)),
            State::Undecided => Ok(Step::Stop(0)),
            State::Head(head) => {
                let Some(message) = head.read(bytes, self.head_max)? else { return Ok(Step::Stop(0)) };
                self.wants_upgrade = message.wants_upgrade;
                self.state = match message.framing {
                    Framing::Length(length) => State::Length(length),
                    Framing::Chunked => State::Chunked(Chunked::default()),
                };
                Ok(Step::Head(message.head))
            }
            State::Length(left) => {
                let taken = (*left).min(bytes.len() as u64);
                *left -= taken;
                let length = usize::try_from(taken).expect("no more than there is");
                Ok(if *left == 0 { Step::End(length) } else { Step::Stop(length) })
            }
            State::Chunked(chunked) => {
                let read = chunked.read(bytes)?;
                Ok(if read.is_end { Step::End(read.bytes) } else { Step::Stop(read.bytes) })
            }
        }
    }

    fn end_message(&mut self) {
        self.state = if self.wants_upgrade { State::Undecided } else { State::Head(Head::default()) };
    }
}

/// What the bytes at hand have at their beginning.
enum Step {
    /// A whole head of this length.
    Head(usize),
    /// The rest of a body, of this length.
    End(usize),
    /// So much of a body, and nothing that could be read on.
    Stop(usize),
}

#[cfg(test)]
mod tests;
