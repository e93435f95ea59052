//! What a service may use, and how its guests live.

mod folders;
mod limits;
mod secret;

use std::{collections::BTreeMap, time::Duration};

use switchyard_core::manifest::Guests;

pub(crate) use folders::open as open_folders;
pub use folders::{Folder, SettingsError};
pub use limits::Limits;
pub use secret::Secret;

/// How many requests a reused instance serves before it is replaced: bounds what a leak can grow to.
pub const REUSE_MAX: u32 = 1_000;

/// How many requests a 0.3 instance answers at the same time.
pub const CONCURRENT_03_MAX: usize = 16;

/// The most elements of one table in a pooled instance; services that may have more get instances on demand.
pub const POOLED_TABLE_ELEMENTS: u32 = 100_000;

/// The longest line of guest output in bytes; the rest of it is dropped.
pub const LOG_LINE_MAX: usize = 8 << 10;

/// The longest name of a source that a guest gives its lines in the log, in bytes; the rest of it is dropped.
pub const LOG_SOURCE_MAX: usize = 128;

/// The most handles that an instance may hold: each keeps memory of the host's.
pub const HANDLES_MAX: usize = 10_000;

/// The most of an instance that is granted folders, where a handle may be an open file of the host's process.
pub const HANDLES_WITH_FOLDERS_MAX: usize = 1_000;

/// How long a response that streams waits for one of the service's streams to end, or for its own end, when there are as
/// many as there may be (streams-max); then it is refused.
pub const STREAM_WAIT_MAX: Duration = Duration::from_secs(1);

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

/// What may be done with something that is not one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Looking.
    Read,
    /// Looking and changing.
    Write,
}

/// Settings of one service. [`Default`] is what holds without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What `wasi:config/store` answers.
    pub config: BTreeMap<String, String>,
    /// What `wasi:config/store` answers to those that ask by name.
    pub secrets: BTreeMap<String, Secret>,
    /// What it was promised and is not there, as a secret whose file is missing: each says what, and how to mend it. With
    /// any, it cannot be loaded.
    pub missing: Vec<String>,
    /// What `wasi:cli/environment` answers.
    pub env: BTreeMap<String, String>,
    /// Fresh or reused instances.
    pub guests: Guests,
    /// Whether code that Winch made may run, until there is optimised code.
    pub winch: bool,
    /// Hosts that the service may call besides other services: `host` or `host:port`, `*.domain`, or `*`.
    pub outbound: Vec<String>,
    /// Folders of the host's, by the path under which guests see them.
    pub folders: BTreeMap<String, Folder>,
    /// Key-value buckets besides its own.
    pub buckets: BTreeMap<String, Access>,
    /// What it may use up.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: BTreeMap::new(),
            secrets: BTreeMap::new(),
            missing: Vec::new(),
            env: BTreeMap::new(),
            guests: Guests::Fresh,
            winch: true,
            outbound: Vec::new(),
            folders: BTreeMap::new(),
            buckets: BTreeMap::new(),
            limits: Limits::default(),
        }
    }
}
