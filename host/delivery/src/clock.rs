//! The one place that reads the clock.

use std::time::{Duration, SystemTime};

use switchyard_core::timestamp::Timestamp;
use tokio::time::Instant;

/// Now.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// The moment on the monotonic clock at which the wall clock shows `due`, as far as that can be told now. A moment
/// that has passed is now.
pub(crate) fn until(due: Timestamp) -> Instant {
    Instant::now() + due.since(now()).min(LONGEST)
}

/// The longest that anything sleeps without looking at the wall clock again, which may have been set.
const LONGEST: Duration = Duration::from_secs(60);

/// Sleeps until this moment, for ever without one.
pub(crate) async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
