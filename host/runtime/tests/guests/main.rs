//! Roles over real components, those of `tests/guests`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod authenticator;
mod chain;
mod commands;
mod middleware;
mod outbound;
mod ports;
mod registry;
mod samples;
mod streams;
mod world;
