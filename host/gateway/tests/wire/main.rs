//! The gateway's protocols over real sockets: HTTP/1.1 and what is no HTTP/1.1, HTTP/2, TLS, WebSocket, and clients that
//! take their time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod common;
#[path = "../edge/common.rs"]
#[allow(dead_code, unreachable_pub, reason = "not all of it is needed here")]
mod edge;
mod http1;
mod http2;
mod slow;
mod tls;
mod upgrade;
