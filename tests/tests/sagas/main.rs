//! Sagas over the real binary, as the services that take part, those who start them, and operators see them.
//!
//! `SWITCHYARD_SAGA_ROUNDS=200 cargo nextest run -p switchyard-tests --no-capture -E 'test(books_balance)'` kills the
//! host more often; `SWITCHYARD_SEED=N` repeats a run's moments.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test may panic; it tells its seed"
)]

mod changing;
mod crashes;
mod faults;
mod grants;
mod limits;
mod operating;
mod orders;
mod participants;
mod remote;
mod shop;
mod starting;
mod stopping;
