//! Clients written by hand, so that all contenders are asked with the same little effort.

pub(crate) mod http;
pub(crate) mod http2;
pub(crate) mod nats;
pub(crate) mod redis;
mod wire;
