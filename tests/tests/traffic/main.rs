//! Versions of one service side by side: how calls are shared between them, and how a new one takes over.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test may panic, and what was measured is told"
)]

mod fickle;
mod load;
mod moving;
mod progressive;
mod shares;
