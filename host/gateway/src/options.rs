//! What can be set about a gateway.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::{policy::Policy, tls::Tls};

/// The settings of a gateway. Every limit is on by default.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one. Default 127.0.0.1:3000.
    pub listen: SocketAddr,
    /// What is decided about requests until [`Handle::set_policy`](crate::Handle::set_policy) says something else.
    pub policy: Policy,
    /// The certificate, when HTTPS is spoken and nothing else; [`Handle::set_tls`](crate::Handle::set_tls) replaces it.
    /// Default none: plain HTTP.
    pub tls: Option<Tls>,
    /// The largest request head in bytes, at least 8 KiB. Default 64 KiB.
    pub header_max: usize,
    /// Time until a request's head is there: from the connection's start, and from the first byte of each further
    /// request. Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection may stay silent between requests, and either side within a response. Default 60 s.
    pub idle_timeout: Duration,
    /// Connections at one time; further ones wait in the kernel's backlog. Default 10,000.
    pub connections_max: usize,
    /// Whether a problem shows the backtrace of a guest that trapped. Default false; `dev` sets it.
    pub show_backtraces: bool,
    /// How long requests under way may take to finish at a stop. Default 10 s.
    pub drain_timeout: Duration,
    /// The host's version, for `/health`.
    pub version: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            policy: Policy::default(),
            tls: None,
            header_max: 64 << 10,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            connections_max: 10_000,
            show_backtraces: false,
            drain_timeout: Duration::from_secs(10),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
