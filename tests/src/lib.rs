//! Whole-host tests: the real binary, real components, over HTTP.
//!
//! A [`Host`] is started for each test in a folder of its own, on free ports, and killed when the test ends.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this crate only serves tests, which may panic"
)]

mod backend;
pub mod bus;
mod chunked;
mod client;
mod host;
pub mod otlp;
mod probe;
mod random;
mod raw;
pub mod recorder;
pub mod sagas;
mod tools;
mod webhook;

use std::path::PathBuf;

pub use backend::Backend;
pub use client::{Answer, Client};
pub use host::{Host, Setup};
pub use random::Random;
pub use raw::Raw;
pub use recorder::{Recorder, Reply as UpstreamReply};
pub use tools::tool;
pub use webhook::{Received, Reply, Webhook};

/// The root of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project").to_owned()
}

/// A built component by its name, as in `hello` or `user-service-next`.
pub fn component(name: &str) -> PathBuf {
    let path = root().join("target/guests").join(format!("{name}.wasm"));
    assert!(path.exists(), "{} is not built; run `tests/run --guests`", path.display());
    path
}

/// Its bytes.
pub fn component_bytes(name: &str) -> Vec<u8> {
    std::fs::read(component(name)).expect("a built component can be read")
}
