//! What guests import, apart from WASI's own implementation in wasmtime.

pub(crate) mod config;
pub(crate) mod http;
pub(crate) mod keyvalue;
pub(crate) mod logging;
pub(crate) mod stdio;
