//! Requests, counted by what they were and how they ended: for each route of the gateway, and for each upstream.
//!
//! What is counted hangs on what the request is sent to, so that nothing has to be looked up: a short list, which the
//! first request of a kind makes longer, and all others only read.

mod routes;

use std::{sync::OnceLock, time::Duration};

use http::{Method, StatusCode};
use switchyard_core::histogram::{self, Distribution, Histogram};

pub(crate) use self::routes::Routes;

/// The most kinds of requests that a meter tells apart; what a service answers must not make the host run out of memory.
pub const KINDS_MAX: usize = 64;

/// What was counted of some requests.
#[derive(Debug, Default)]
pub struct Meter {
    first: OnceLock<Box<Node>>,
    /// Of kinds beyond [`KINDS_MAX`].
    others: OnceLock<Box<Histogram>>,
}

/// A kind of request, with how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The method, or `_OTHER` for what is none of HTTP's own.
    pub method: &'static str,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// How it ended.
    pub end: End,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this status.
    Status(u16),
    /// Without an answer, for this reason.
    Error(&'static str),
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    durations: Histogram,
    next: OnceLock<Box<Self>>,
}

// === impl Meter ===

impl Meter {
    /// Counts one that took so long to the head of its response, or to its end without one.
    pub fn record(&self, kind: Kind, took: Duration) {
        let mut place = &self.first;
        for _ in 0..KINDS_MAX {
            // Of two threads that come to the end of the list at once, one makes the node and both look at it.
            let node = place.get_or_init(|| Node::new(kind));
            if node.kind == kind {
                return node.durations.record(took);
            }
            place = &node.next;
        }
        self.others.get_or_init(|| Box::new(Histogram::new(&histogram::REQUESTS))).record(took);
    }

    /// What was counted, by kind, in the order in which the first of each came.
    pub fn read(&self) -> Vec<(Kind, Distribution)> {
        let nodes = std::iter::successors(self.first.get(), |node| node.next.get());
        nodes.map(|node| (node.kind, node.durations.read())).collect()
    }

    /// What was counted of all further kinds together; none when there were none.
    pub fn others(&self) -> Option<Distribution> {
        self.others.get().map(|others| others.read())
    }
}

// === impl Kind ===

impl Kind {
    /// One that was answered.
    pub fn answered(method: &Method, scheme: &'static str, status: StatusCode) -> Self {
        Self { method: known(method), scheme, end: End::Status(status.as_u16()) }
    }

    /// One that was not.
    pub fn failed(method: &Method, scheme: &'static str, why: &'static str) -> Self {
        Self { method: known(method), scheme, end: End::Error(why) }
    }
}

// === impl Node ===

impl Node {
    fn new(kind: Kind) -> Box<Self> {
        Box::new(Self { kind, durations: Histogram::new(&histogram::REQUESTS), next: OnceLock::new() })
    }
}

/// A method as it is counted: anybody can make up others, so those are one.
pub fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn kind(status: u16) -> Kind {
        Kind::answered(&Method::GET, "http", StatusCode::from_u16(status).unwrap())
    }

    #[test]
    fn threads_that_meet_a_new_kind_at_once_count_it_once_each() {
        let meter = Meter::default();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|n| meter.record(kind(200 + n % 20), Duration::from_millis(1))));
            }
        });
        let read = meter.read();
        assert_eq!(read.len(), 20);
        assert!(read.iter().all(|(_, durations)| durations.count() == 200), "{read:?}");
        assert_eq!(meter.others(), None);
    }

    #[test]
    fn a_service_that_answers_anything_fills_no_more_than_its_list() {
        let meter = Meter::default();
        (100..1_000).for_each(|status| meter.record(kind(status), Duration::ZERO));
        assert_eq!(meter.read().len(), KINDS_MAX);
        assert_eq!(meter.others().map(|others| others.count()), Some(900 - KINDS_MAX as u64));
    }

    #[test]
    fn methods_that_somebody_made_up_are_one() {
        assert_eq!((known(&Method::PATCH), known(&Method::from_bytes(b"BREW").unwrap())), ("PATCH", "_OTHER"));
    }
}
