//! Nothing acknowledged is lost, whatever happens to the process.
//!
//! The ledger test kills the host at random moments under load. `SWITCHYARD_CRASH_ROUNDS=200 cargo nextest run -p
//! switchyard-tests -E 'test(ledger)'` does so more often; `SWITCHYARD_SEED=N` repeats a run's moments and data. A
//! million events are published only when asked for: `SWITCHYARD_MILLION=1`, with `--release` and `--no-capture`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test may panic; it tells its seed"
)]

mod audit;
mod crashes;
mod ledger;
mod load;
mod million;
mod stopping;
