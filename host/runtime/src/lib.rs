//! Runs guests: compiles, links, pools and invokes WebAssembly components.
//!
//! **Invariants**: this is the only crate that names wasmtime. It names no store and no dispatcher: what guests
//! reach through the host are [`ports`], wired in by the binary. Unsafe code is in `code/map.rs` alone.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

pub mod body;
mod code;
pub mod compile;
pub mod context;
mod describe;
pub mod engine;
pub mod error;
mod figures;
mod host;
mod limiter;
mod linker;
mod memory;
pub mod middleware;
pub mod plugin;
pub mod ports;
mod runtime;
pub mod settings;
mod state;
#[cfg(test)]
mod testing;
mod usage;

pub use self::{
    body::{Body, BodyError},
    compile::{PrepareError, child::compile_child},
    context::CallContext,
    engine::Tier,
    error::GuestError,
    figures::{Figures, Load},
    middleware::{AuthError, Claims, MiddlewareKind, Next, RequestDecision, ResponseDecision},
    plugin::{Plugin, PluginSpec},
    runtime::{Options, Prepared, Runtime, StartError},
    settings::{Limits, Settings, SettingsError},
    usage::UsageView,
};
