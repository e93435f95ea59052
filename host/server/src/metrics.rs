//! What the host counts, as monitoring wants it: at `/metrics` for Prometheus, and sent out in OTLP.
//!
//! Counters are kept where things happen, as plain atomics; here is only how they are called ([`catalog`]) and put together
//! when somebody asks ([`gather`]). Both ways out are encodings of the same [`model`], so a figure has the same meaning in
//! either of them.
//!
//! **Invariant**: what is counted by is bounded: routes, services, topics, queues and other names that an operator or a
//! plugin gave, never a path, an address of a client or an id. Beyond [`model::SERIES_MAX`] series of a family the rest
//! is counted together.

pub(crate) mod catalog;
mod gather;
mod model;
mod otlp;
mod process;
mod prometheus;
mod push;

pub(crate) use self::{
    gather::{Counted, gather},
    prometheus::{Format, encode},
    push::run as push,
};

#[cfg(test)]
mod tests;
