//! What a service may use up, as far as the file says.

use std::time::Duration;

use switchyard_runtime::{engine::EPOCH_TICK, settings};
use switchyard_store::BucketLimits;

use super::{
    super::check::{Wrong, duration, number, size, wrong},
    Raw,
};

/// The largest value of a key that can be allowed, in bytes; 8 MiB, half of what one batch may hold.
const VALUE_MAX: u64 = 8 << 20;

/// What is said; what is not is the default's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Limits {
    memory_max: Option<u64>,
    tables_max: Option<u32>,
    cpu_max: Option<Duration>,
    deadline: Option<Duration>,
    concurrency_max: Option<u32>,
    queue_max: Option<u32>,
    streams_max: Option<u32>,
    outbound_max: Option<u32>,
    log_rate: Option<u32>,
    bucket_max: Option<u64>,
    value_max: Option<u64>,
}

/// Checks them.
pub(super) fn limits(raw: &Raw) -> Result<Limits, Wrong> {
    let cpu_max = duration(raw.cpu_max.clone())?;
    if let (Some(raw), Some(max)) = (&raw.cpu_max, cpu_max)
        && max < EPOCH_TICK
    {
        return wrong(raw, "CPU time is looked at every 10ms; write at least \"10ms\"".to_owned());
    }
    let value_max = size(raw.value_max.clone())?;
    if let (Some(raw), Some(max)) = (&raw.value_max, value_max)
        && max > VALUE_MAX
    {
        return wrong(raw, "a value is at most 8MiB; keep what is larger in several".to_owned());
    }
    Ok(Limits {
        memory_max: size(raw.memory_max.clone())?,
        tables_max: number(raw.tables_max.clone())?,
        cpu_max,
        deadline: duration(raw.deadline.clone())?,
        concurrency_max: number(raw.concurrency_max.clone())?,
        queue_max: raw.queue_max,
        streams_max: number(raw.streams_max.clone())?,
        outbound_max: number(raw.outbound_max.clone())?,
        log_rate: number(raw.log_rate.clone())?,
        bucket_max: size(raw.bucket_max.clone())?,
        value_max,
    })
}

// === impl Limits ===

impl Limits {
    /// Those of the guests.
    pub(super) fn of_guests(&self) -> settings::Limits {
        let defaults = settings::Limits::default();
        settings::Limits {
            memory_max: self.memory_max.unwrap_or(defaults.memory_max),
            tables_max: self.tables_max.unwrap_or(defaults.tables_max),
            cpu_max: self.cpu_max.unwrap_or(defaults.cpu_max),
            deadline: self.deadline.unwrap_or(defaults.deadline),
            concurrency_max: self.concurrency_max.unwrap_or(defaults.concurrency_max),
            queue_max: self.queue_max.unwrap_or(defaults.queue_max),
            streams_max: self.streams_max.unwrap_or(defaults.streams_max),
            outbound_max: self.outbound_max.unwrap_or(defaults.outbound_max),
            log_rate: self.log_rate.unwrap_or(defaults.log_rate),
        }
    }

    /// Those of the bucket; none when it has the store's own.
    pub(super) fn of_bucket(&self) -> Option<BucketLimits> {
        let defaults = switchyard_store::Limits::default();
        (self.bucket_max.is_some() || self.value_max.is_some()).then(|| BucketLimits {
            bytes: self.bucket_max.unwrap_or(defaults.bucket_bytes),
            value_bytes: self.value_max.map_or(defaults.value_bytes, |max| usize::try_from(max).unwrap_or(usize::MAX)),
        })
    }
}
