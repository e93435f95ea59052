//! Components that know nothing of Switchyard: plain `wasi:http`, of every release of 0.2 and 0.3, from several
//! languages and SDKs. Their sources lie in `tests/foreign`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod c;
mod checks;
mod languages;
mod large;
mod rust;
mod versions;
mod wit;
