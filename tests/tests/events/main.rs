//! Events, from publishing to the last delivery, as publishers, subscribers and operators see them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod dead_letters;
mod delivering;
mod endurance;
mod failing;
mod filters;
mod guests;
mod host_events;
mod messaging;
mod middleware;
mod publishing;
mod reading;
mod steering;
mod webhooks;
