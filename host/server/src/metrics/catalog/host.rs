//! The store, the runtime, and the process around them.

use super::{counter, durations, gauge, level};
use crate::metrics::model::{Family, Kind};

pub(crate) static COMMITS: Family = counter("switchyard.store.commits", "{batch}", &[], "Batches committed");

pub(crate) static REFUSED: Family =
    counter("switchyard.store.refused", "{batch}", &[], "Batches refused by a precondition, a limit or a full disk");

pub(crate) static TRANSACTIONS: Family = counter(
    "switchyard.store.transactions",
    "{transaction}",
    &[],
    "Transactions; commits for each of them is how many batches shared one",
);

pub(crate) static SYNCS: Family =
    durations("switchyard.store.sync.duration", &[], "Until a durable transaction was on the disk, the sync included");

pub(crate) static WAITING: Family =
    level("switchyard.store.waiting", "{batch}", &[], "Batches that wait for the writer");

pub(crate) static LOOKUPS: Family = counter(
    "switchyard.store.cache.lookups",
    "{read}",
    &["switchyard.outcome"],
    "Reads of values that were in memory (hit), and that went to the disk (miss)",
);

pub(crate) static CACHE: Family = level("switchyard.store.cache.size", "By", &[], "Committed values held in memory");

pub(crate) static CHECKPOINTS: Family = counter(
    "switchyard.store.checkpoints",
    "{checkpoint}",
    &["switchyard.thread"],
    "Checkpoints of the write-ahead log, taken off the commit path (background), or by the writer, which stalls commits",
);

pub(crate) static LOG: Family = level("switchyard.store.log.size", "By", &[], "The write-ahead log");

pub(crate) static FILE: Family = level("switchyard.store.file.size", "By", &[], "The database's file");

pub(crate) static DISK: Family = gauge("switchyard.store.disk.free", "By", &[], "What is free on the store's disk");

#[cfg(test)]
pub(crate) const STORE: &[&Family] =
    &[&COMMITS, &REFUSED, &TRANSACTIONS, &SYNCS, &WAITING, &LOOKUPS, &CACHE, &CHECKPOINTS, &LOG, &FILE, &DISK];

pub(crate) static PLUGINS: Family = level(
    "switchyard.plugins",
    "{plugin}",
    &["switchyard.plugin.state"],
    "Plugins by state: loading, active, draining, retired, failed",
);

pub(crate) static COMPILES: Family = durations(
    "switchyard.compile.duration",
    &["switchyard.compiler", "switchyard.outcome"],
    "Compilations of components, by compiler (winch, cranelift) and whether they went well (ok, failed)",
);

pub(crate) static CODE: Family = counter(
    "switchyard.code.cache.lookups",
    "{lookup}",
    &["switchyard.outcome"],
    "How often a component's code was in the cache (hit), and had to be compiled (miss)",
);

pub(crate) static MAPPED: Family = level("switchyard.code.mapped", "{plugin}", &[], "Plugins whose code is in memory");

pub(crate) static MAPPED_BYTES: Family = level("switchyard.code.mapped.size", "By", &[], "The code of those");

pub(crate) static MEMORY: Family =
    level("switchyard.guests.memory.usage", "By", &[], "Linear memories of all guests together");

pub(crate) static MEMORY_MAX: Family =
    gauge("switchyard.guests.memory.limit", "By", &[], "To what they may grow (memory-max under [plugins])");

#[cfg(test)]
pub(crate) const RUNTIME: &[&Family] = &[&PLUGINS, &COMPILES, &CODE, &MAPPED, &MAPPED_BYTES, &MEMORY, &MEMORY_MAX];

pub(crate) static HAPPENED: Family = counter(
    "switchyard.host.events",
    "{event}",
    &["switchyard.event.type"],
    "What happened on this host, as the topics that tell of it: plugin.active (a version went live), plugin.failed, \
     plugin.draining, plugin.removed, plugin.rollout, plugin.rolled-back, registry.register, registry.deregister, \
     registry.status-change, breaker.opened, breaker.half-open, breaker.closed",
);

pub(crate) static LINES: Family =
    counter("switchyard.log.lines", "{line}", &[], "Lines that services wrote, and that the host wrote about them");

pub(crate) static LINES_DROPPED: Family =
    counter("switchyard.log.dropped", "{line}", &[], "Lines that were dropped since their service wrote too fast");

pub(crate) static SPANS: Family = counter(
    "switchyard.telemetry.spans",
    "{span}",
    &["switchyard.outcome"],
    "Spans of traces: sent to the collector, or dropped since too many waited or it did not take them",
);

pub(crate) static EXPORT_FAILURES: Family = counter(
    "switchyard.telemetry.failures",
    "{request}",
    &[],
    "How often something was not delivered to the collector, after all attempts",
);

pub(crate) static REFUSED_ADMIN: Family = counter(
    "switchyard.admin.refused",
    "{request}",
    &[],
    "Requests that the admin API refused: of another site, or without the right token",
);

pub(crate) static CPU: Family =
    counter("process.cpu.time", "s", &["cpu.mode"], "CPU time of the host's process, its guests included");

pub(crate) static RESIDENT: Family =
    level("process.memory.usage", "By", &[], "Memory that the host's process has for itself or shares");

pub(crate) static VIRTUAL: Family = level(
    "process.memory.virtual",
    "By",
    &[],
    "Addresses that the process has taken; most of them are reserved for guests, and no memory",
);

pub(crate) static DESCRIPTORS: Family =
    level("process.open_file_descriptor.count", "{file_descriptor}", &[], "Files and connections that are open");

pub(crate) static THREADS: Family = level("process.thread.count", "{thread}", &[], "Threads of the process");

pub(crate) static UPTIME: Family = gauge("process.uptime", "s", &[], "How long ago the host started");

pub(crate) static TARGET: Family = Family {
    name: "target",
    kind: Kind::Info,
    unit: "",
    attributes: &["service.name", "service.version"],
    help: "What is told of the host itself, in OTLP by its resource",
};

#[cfg(test)]
pub(crate) const HOST: &[&Family] = &[
    &HAPPENED,
    &LINES,
    &LINES_DROPPED,
    &SPANS,
    &EXPORT_FAILURES,
    &REFUSED_ADMIN,
    &CPU,
    &RESIDENT,
    &VIRTUAL,
    &DESCRIPTORS,
    &THREADS,
    &UPTIME,
    &TARGET,
];
