//! What can be set about a gateway.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// The settings of a gateway. Every limit is on by default.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one. Default 127.0.0.1:3000.
    pub listen: SocketAddr,
    /// The largest request body in bytes. Default 10 MiB.
    pub body_max: u64,
    /// The largest request head in bytes, at least 8 KiB. Default 64 KiB.
    pub header_max: usize,
    /// Time until the head of the response, when the route says nothing else. Default 30 s.
    pub request_timeout: Duration,
    /// Time until a request's head is there: from the connection's start, and from the first byte of each further
    /// request. Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection may stay silent between requests, and either side within a response. Default 60 s.
    pub idle_timeout: Duration,
    /// Connections at one time; further ones wait in the kernel's backlog. Default 10,000.
    pub connections_max: usize,
    /// Whether a problem shows the backtrace of a guest that trapped. Default false; `dev` sets it.
    pub show_backtraces: bool,
    /// Whether each request leaves a line in the log, target `access`. Default false.
    pub access_log: bool,
    /// How long requests under way may take to finish at a stop. Default 10 s.
    pub drain_timeout: Duration,
    /// The host's version, for `/health`.
    pub version: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            body_max: 10 << 20,
            header_max: 64 << 10,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            connections_max: 10_000,
            show_backtraces: false,
            access_log: false,
            drain_timeout: Duration::from_secs(10),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
