//! What a service may use, and how its guests live.

use std::{collections::BTreeMap, time::Duration};

use switchyard_core::manifest::Guests;

/// How many requests a reused instance serves before it is replaced: bounds what a leak can grow to.
pub const REUSE_MAX: u32 = 1_000;

/// How many requests a 0.3 instance answers at the same time.
pub const CONCURRENT_03_MAX: usize = 16;

/// The most elements that all tables of an instance may hold.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;

/// The longest line of guest output in bytes; the rest of it is dropped.
pub const LOG_LINE_MAX: usize = 8 << 10;

/// How many lines of guest output a service may log in a second; more are counted, not logged.
pub const LOG_LINES_PER_SECOND: u32 = 100;

/// How many requests of a service to other hosts may be under way at once; further ones wait.
pub const OUTBOUND_MAX: usize = 32;

/// The most bytes of keys, values and payloads that a guest hands over, or gets, in one call of the host; 16 MiB.
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// The longest name of anything that a guest hands over: a key, bucket, queue, id or token, in bytes; 1 KiB.
pub const NAME_BYTES_MAX: usize = 1 << 10;

/// The most instances that the registry answers a guest at once; 1,000.
pub const LISTED_MAX: usize = 1_000;

/// The most headers that a guest may answer with or hand on, far below what a map of the host's can hold; 1,000.
pub const HEADERS_MAX: usize = 1_000;

/// The most bytes in names and values of such headers; 256 KiB.
pub const HEAD_BYTES_MAX: usize = 256 << 10;

/// How much of a handler's reason is kept, in bytes; 4 KiB.
pub const REASON_BYTES_MAX: usize = 4 << 10;

/// For how long a handler may defer; one day. A longer time becomes this.
pub const DEFER_MAX: Duration = Duration::from_secs(24 * 3600);

/// The most messages that one `lease` of a guest answers; 100, so at most 100 MiB.
pub const LEASE_MAX: u32 = 100;

/// The most bytes that one instance may hold in messages of `wasi:messaging`; 16 MiB. They are the host's memory,
/// not the guest's, and a guest can forget to drop them.
pub const MESSAGES_BYTES_MAX: usize = 16 << 20;

/// The most bytes in messages that an instance may keep from one call to the next; 1 MiB. One that keeps more serves
/// no further call.
pub const MESSAGES_KEPT_MAX: usize = 1 << 20;

/// Settings of one service. [`Default`] is what holds without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What `wasi:config/store` answers.
    pub config: BTreeMap<String, String>,
    /// What `wasi:cli/environment` answers.
    pub env: BTreeMap<String, String>,
    /// Fresh or reused instances.
    pub guests: Guests,
    /// Hosts that the service may call besides other services: `host` or `host:port`, `*.domain`, or `*`.
    pub outbound: Vec<String>,
    /// What it may use up.
    pub limits: Limits,
}

/// What a service's guests may use up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories of one instance together, in bytes. 128 MiB.
    pub memory_max: u64,
    /// CPU time of one call. 1 s.
    pub cpu_max: Duration,
    /// Wall time of one call. 30 s.
    pub deadline: Duration,
    /// Calls at once. 64.
    pub concurrency_max: u32,
    /// Calls that wait for their turn. 1,000.
    pub queue_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: BTreeMap::new(),
            env: BTreeMap::new(),
            guests: Guests::Fresh,
            outbound: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_max: 128 << 20,
            cpu_max: Duration::from_secs(1),
            deadline: Duration::from_secs(30),
            concurrency_max: 64,
            queue_max: 1_000,
        }
    }
}
