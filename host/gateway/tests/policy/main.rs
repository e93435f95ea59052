//! What the gateway decides about requests, over real sockets, in front of a server that tells what reached it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod api_keys;
mod common;
mod cors;
mod forwarded;
mod jwt;
mod rate_limits;
mod routes;
#[path = "../edge/common.rs"]
#[allow(dead_code, unreachable_pub, reason = "not all of it is needed here")]
mod wire;
