//! Time as numbers that fit atomic variables.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

/// A moment of this process before all others that are counted from it.
static START: LazyLock<Instant> = LazyLock::new(now_std);

/// The time since then.
pub(crate) fn now() -> Duration {
    now_std().saturating_duration_since(*START)
}

/// The clock of the async runtime, which tests can stop.
pub(crate) fn now_std() -> Instant {
    tokio::time::Instant::now().into_std()
}
