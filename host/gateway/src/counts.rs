//! What is counted of a gateway apart from its routes: requests under way, refusals by their code, connections.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use http::Method;
use switchyard_core::problem::Code;
use switchyard_dispatch::{Meter, known_method};

use crate::{connection::Connection, handle::Handle};

/// The methods that are told apart, the most frequent first.
const METHODS: [&str; 10] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "_OTHER"];

const SCHEMES: [&str; 2] = ["http", "https"];

/// The paths that the gateway answers itself.
const OWN: [&str; 2] = ["/health", "/services"];

/// The counters of one gateway.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Requests under way, by scheme and method.
    active: [[AtomicUsize; METHODS.len()]; SCHEMES.len()],
    /// By the place of their code among all.
    refusals: [AtomicU64; Code::ALL.len()],
    /// Of requests to [`OWN`] paths.
    own: [Arc<Meter>; OWN.len()],
    open: AtomicUsize,
    accepted: AtomicU64,
}

/// A request that is under way until this is dropped, with its response's body.
pub(crate) struct UnderWay {
    connection: Arc<Connection>,
    scheme: usize,
    method: usize,
}

/// How many requests of a kind are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveRequests {
    /// The method, or `_OTHER`.
    pub method: &'static str,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// How many.
    pub count: usize,
}

/// Connections to a gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Those that are open.
    pub open: usize,
    /// Those that were ever taken.
    pub accepted: u64,
}

// === impl Counts ===

impl Default for Counts {
    fn default() -> Self {
        Self {
            active: [const { [const { AtomicUsize::new(0) }; METHODS.len()] }; SCHEMES.len()],
            refusals: [const { AtomicU64::new(0) }; Code::ALL.len()],
            own: std::array::from_fn(|_| Arc::default()),
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
        }
    }
}

impl Counts {
    /// Counts a request as under way.
    pub(crate) fn enter(connection: &Arc<Connection>, method: &Method, scheme: &str) -> UnderWay {
        let (connection, method) = (Arc::clone(connection), known_method(method));
        let method = METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1);
        let scheme = usize::from(scheme != SCHEMES[0]);
        connection.shared.counts.active[scheme][method].fetch_add(1, Relaxed);
        UnderWay { connection, scheme, method }
    }

    /// Counts a request that was refused, whether its client was told so or a middleware said something else.
    pub(crate) fn refused(&self, code: Code) {
        if let Some(place) = Code::ALL.iter().position(|known| *known == code) {
            self.refusals[place].fetch_add(1, Relaxed);
        }
    }

    /// The meter of a path that the gateway answers itself.
    pub(crate) fn own(&self, path: &str) -> Option<&Arc<Meter>> {
        OWN.iter().position(|own| *own == path).map(|place| &self.own[place])
    }

    /// So many connections are open, and one of them is new, if `accepted`.
    pub(crate) fn connections(&self, open: usize, accepted: bool) {
        self.open.store(open, Relaxed);
        self.accepted.fetch_add(u64::from(accepted), Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.connection.shared.counts.active[self.scheme][self.method].fetch_sub(1, Relaxed);
    }
}

// === impl Handle ===

impl Handle {
    /// Requests under way, until the last byte of their responses, by kind; those kinds of which there are none are left
    /// out.
    pub fn active_requests(&self) -> Vec<ActiveRequests> {
        let of_scheme = self.0.counts.active.iter().zip(SCHEMES);
        let all = of_scheme.flat_map(|(methods, scheme)| {
            methods.iter().zip(METHODS).map(move |(count, method)| (method, scheme, count.load(Relaxed)))
        });
        let there = all.filter(|(.., count)| *count > 0);
        there.map(|(method, scheme, count)| ActiveRequests { method, scheme, count }).collect()
    }

    /// How many requests were refused for each reason that there was.
    pub fn refusals(&self) -> Vec<(Code, u64)> {
        let counts = Code::ALL.into_iter().zip(self.0.counts.refusals.iter().map(|count| count.load(Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// What was counted of the paths that the gateway answers itself, by path.
    pub fn own_paths(&self) -> impl Iterator<Item = (&'static str, &Meter)> {
        OWN.into_iter().zip(self.0.counts.own.iter().map(|meter| &**meter))
    }

    /// Lines of the access log that were dropped, since whoever reads them is too slow.
    pub fn access_log_dropped(&self) -> u64 {
        self.0.access_log.dropped()
    }

    /// Its connections.
    pub fn connections(&self) -> ConnectionCounts {
        let counts = &self.0.counts;
        ConnectionCounts { open: counts.open.load(Relaxed), accepted: counts.accepted.load(Relaxed) }
    }
}
