//! What a service's guests may use up.

use std::time::Duration;

/// What a service's guests may use up. [`Default`] is what holds without any word of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories of one instance together, in bytes. 128 MiB.
    pub memory_max: u64,
    /// The elements of all tables of one instance together. 100,000.
    pub tables_max: u32,
    /// CPU time of one call, looked at every 10 ms; of a 0.3 instance, which answers several at once, that of computing
    /// without once waiting. 1 s.
    pub cpu_max: Duration,
    /// Wall time of one call. 30 s.
    pub deadline: Duration,
    /// Calls at once. 64.
    pub concurrency_max: u32,
    /// Calls that wait for their turn. 1,000.
    pub queue_max: u32,
    /// Responses that are still on their way when their call has answered, which is no longer one of the calls at once
    /// then. 100.
    pub streams_max: u32,
    /// Requests to other hosts under way at once; further ones wait. 32.
    pub outbound_max: u32,
    /// Lines of output in a second; more are counted, not logged. 100.
    pub log_rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_max: 128 << 20,
            tables_max: 100_000,
            cpu_max: Duration::from_secs(1),
            deadline: Duration::from_secs(30),
            concurrency_max: 64,
            queue_max: 1_000,
            streams_max: 100,
            outbound_max: 32,
            log_rate: 100,
        }
    }
}
