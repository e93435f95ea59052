//! What `new` writes: it is built unchanged, passes its own tests, and is live after one copy.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod dev;
mod languages;
mod project;
mod refused;
mod rust;
