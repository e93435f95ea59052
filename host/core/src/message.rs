//! Messages of queues, as they are enqueued, leased and handled.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::timestamp::Timestamp;

/// The highest priority; 0 is the lowest and the default.
pub const PRIORITY_MAX: u8 = 9;

/// A message to be enqueued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The queue; the first message makes it. Its name holds by [`is_queue_name`].
    pub queue: String,
    /// The payload, at most [`DATA_MAX`](crate::event::DATA_MAX).
    pub data: Bytes,
    /// 0 to 9, 9 first.
    pub priority: u8,
    /// How long nobody may lease it.
    pub delay: Option<Duration>,
    /// While this id is known (1 day), enqueueing it again answers the first message's id.
    pub dedup_id: Option<String>,
}

/// A message that was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// Its id, a UUIDv7.
    pub id: Arc<str>,
    /// The queue it came from.
    pub queue: Arc<str>,
    /// Proves the lease; every lease has another.
    pub token: Arc<str>,
    /// The payload.
    pub data: Bytes,
    /// 0 to 9.
    pub priority: u8,
    /// 1 the first time; grows with failures.
    pub attempt: u32,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
}

/// The longest name of a queue, in bytes.
pub const QUEUE_NAME_MAX: usize = 255;

/// Whether this names a queue: 1 to 255 of letters, digits, `.`, `_`, `-` and `:`.
pub fn is_queue_name(name: &str) -> bool {
    (1..=QUEUE_NAME_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':'))
}
