//! How long a registration by the admin API is kept.
//!
//! A sign of life is a heartbeat, or a check of its health that succeeded: the caller keeps the time of the latest of
//! both. Both are times of this process, so a wall clock that is set changes nothing; after a restart everybody who is
//! registered has a whole time to live to be heard of again.

use std::time::{Duration, Instant};

use crate::health::CheckStatus;

/// Whether it is kept, given its latest sign of life, and how it is believed to be.
///
/// Without a time to live it is kept until it is deregistered; and as long as its checks say that it is healthy no
/// heartbeat is needed.
#[must_use]
pub fn is_kept(now: Instant, last_heartbeat: Instant, ttl: Option<Duration>, health: CheckStatus) -> bool {
    deadline(last_heartbeat, ttl, health).is_none_or(|deadline| now < deadline)
}

/// When it ends unless there is another sign of life; none when nothing of what is known would end it.
#[must_use]
pub fn deadline(last_heartbeat: Instant, ttl: Option<Duration>, health: CheckStatus) -> Option<Instant> {
    match health {
        CheckStatus::Healthy => None,
        // A time that cannot be counted to does not come.
        CheckStatus::Unhealthy | CheckStatus::Unknown => last_heartbeat.checked_add(ttl?),
    }
}
