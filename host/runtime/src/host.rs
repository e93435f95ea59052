//! What guests import, apart from WASI's own implementation in wasmtime.

mod batch;
pub(crate) mod config;
mod events;
pub(crate) mod http;
pub(crate) mod keyvalue;
pub(crate) mod logging;
pub(crate) mod messaging;
pub(crate) mod platform;
mod queues;
mod registry;
mod sagas;
pub(crate) mod stdio;

use crate::settings::REASON_BYTES_MAX;

/// The one attribute of CloudEvents' own that stands among the extensions in our interfaces.
pub(crate) const DATASCHEMA: &str = "dataschema";

/// As much of a guest's reason as is kept.
pub(crate) fn cut(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    reason
}
