//! What is measured against each other: contenders under the same load, in turn, as a table.

pub(crate) mod closed_loop;
pub(crate) mod contender;
pub(crate) mod cores;
pub(crate) mod disk;
mod fsyncs;
pub(crate) mod open_loop;
pub(crate) mod others;
pub(crate) mod table;

/// Clients at once, each with one request in flight.
pub(crate) const CLIENTS: usize = 64;
