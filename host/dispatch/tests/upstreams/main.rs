//! Upstreams, by real servers on free ports.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod balancing;
mod bodies;
mod errors;
mod http1;
mod http2;
mod mirror;
mod probe;
mod retries;
mod tls;
mod traffic;
mod upgrade;
mod world;
