//! The only layer that knows what the host is: in a component its imports, else a host in memory. Both halves have the
//! same functions; everything else in this crate is written against them.

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod memory;

#[cfg(target_arch = "wasm32")]
pub(crate) use guest::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use memory::{
    Bucket, Cas, ack, cancel_saga, commit, config_get, discover, enqueue, extend, handling, lease, log, lookup, nack,
    now, publish, publish_many, random, read, reject, saga, send, signal_saga, sleep, start_saga,
};

use crate::{Event, Message};

/// Why a compare-and-swap wrote nothing.
pub(crate) enum SwapError {
    /// The value was another meanwhile; here is a handle to the newer one.
    Stale(Cas),
    /// The store refused.
    Store(crate::kv::Error),
}

/// What a handler is called with.
#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "the host outside knows what it called"))]
pub(crate) enum Handled<'a> {
    Event(&'a Event),
    Message(&'a Message),
}
