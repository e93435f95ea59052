//! The only layer that knows what the host is: in a component the imports of the world `service`, else a host in
//! memory. Both halves have the same functions; everything else in this crate is written against them.

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
mod memory;

#[cfg(target_arch = "wasm32")]
pub(crate) use guest::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use memory::*;

/// Why a compare-and-swap wrote nothing.
pub(crate) enum SwapError {
    /// The value was another meanwhile; here is a handle to the newer one.
    Stale(Cas),
    /// The store refused.
    Store(crate::kv::Error),
}
