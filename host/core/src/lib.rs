//! What Switchyard decides, apart from what it does.
//!
//! Everything here is pure: a function of its arguments. Time, jitter and ids come in as arguments, effects go
//! out as values.
//!
//! **Invariant**: no async, no clock, no randomness, no I/O. A test in `tests/` keeps it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

pub mod backoff;
pub mod balance;
pub mod breaker;
pub mod claims;
pub mod describe;
pub mod event;
pub mod folder;
pub mod forwarded;
pub mod handled;
pub mod health;
pub mod histogram;
pub mod lanes;
pub mod manifest;
pub mod message;
pub mod name;
pub mod network;
pub mod outbound;
pub mod problem;
pub mod rate_limit;
pub mod retry;
pub mod rollout;
pub mod route;
pub mod saga;
pub mod schedule;
pub mod settle;
pub mod stats;
pub mod timestamp;
pub mod trace;
pub mod turns;
pub mod units;
pub mod upstream;
pub mod window;
