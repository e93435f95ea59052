//! Events, queues, sagas and the clock: from the store, through dispatch, and the outcome back into the store.
//!
//! [`Delivery`] is the handle of it all. Publishing ends with one durable append. Each subscription has a worker that
//! reads on from its durable cursor, decides by [`switchyard_core::window`] what may go now, gives it to a service and
//! records the outcome. Each consumer of a queue has one that leases for it. Timers fire schedules. Sagas take turns.
//!
//! **Invariant**: an outcome is recorded before anything that rests on it happens; whatever is not recorded is delivered
//! again.
//! **Invariant**: nothing here waits without a bound, and whoever publishes never waits for whoever subscribes.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

mod announce;
mod batch;
mod clock;
pub mod config;
mod dead;
mod delivery;
mod envelope;
mod error;
mod filter;
mod grants;
mod middleware;
mod places;
mod ports;
mod publish;
mod queue;
mod random;
mod retention;
mod saga;
mod schedule;
mod stats;
mod subscription;
mod timers;
mod topics;
mod traces;
mod view;

pub use announce::AUDIT;
pub use config::Config;
pub use delivery::Delivery;
pub use error::Error;
pub use publish::{EventsPage, From, Publisher};
pub use queue::json_data;
pub use saga::{
    Carrier, DefinitionView, ListSagas, SagaCount, SagaPage, SagaStats, SagaSummary, SagaView, Sent, To, Trial,
};
pub use view::{DeadLetterView, Handled, QueueView, SubscriptionView, TopicView};
