//! The store, the runtime, and the process around them.

use switchyard_runtime::Tier;

use super::super::{
    catalog::host::{
        CACHE, CHECKPOINTS, CODE, COMMITS, COMPILES, CPU, DESCRIPTORS, DISK, EXPORT_FAILURES, FILE, HAPPENED, LINES,
        LINES_DROPPED, LOG, LOOKUPS, MAPPED, MAPPED_BYTES, MEMORY, MEMORY_MAX, PLUGINS, REFUSED, REFUSED_ADMIN,
        RESIDENT, SPANS, SYNCS, TARGET, THREADS, TRANSACTIONS, UPTIME, VIRTUAL, WAITING,
    },
    model::{Gathered, word},
    process,
};
use crate::{admin::Sources, reload::PluginState};

pub(super) fn gather(gathered: &mut Gathered, sources: &Sources) {
    store(gathered, sources);
    runtime(gathered, sources);
    telemetry(gathered, sources);
    process(gathered, sources);
}

fn store(gathered: &mut Gathered, sources: &Sources) {
    let stats = sources.store.stats();
    gathered.sole(&COMMITS, stats.commits);
    gathered.sole(&REFUSED, stats.refused);
    gathered.sole(&TRANSACTIONS, stats.transactions);
    gathered.sole(&SYNCS, stats.syncs);
    gathered.sole(&WAITING, stats.waiting_commits);
    let lookups = gathered.family(&LOOKUPS);
    lookups.add([word("hit")], stats.cache_hits);
    lookups.add([word("miss")], stats.cache_misses);
    gathered.sole(&CACHE, stats.cache_bytes);
    let checkpoints = gathered.family(&CHECKPOINTS);
    checkpoints.add([word("background")], stats.checkpoints);
    checkpoints.add([word("writer")], stats.checkpoints_by_writer);
    gathered.sole(&LOG, stats.log_bytes);
    gathered.sole(&FILE, stats.file_bytes);
    gathered.sole(&DISK, stats.disk_free_bytes);
}

fn runtime(gathered: &mut Gathered, sources: &Sources) {
    let plugins = gathered.family(&PLUGINS);
    for plugin in sources.plugins.shown().plugins.iter() {
        let state = match plugin.state {
            PluginState::Loading => "loading",
            PluginState::Active => "active",
            PluginState::Draining => "draining",
            PluginState::Retired => "retired",
            PluginState::Failed => "failed",
        };
        plugins.add([word(state)], 1_u64);
    }
    let Some(runtime) = &sources.counted.runtime else { return };
    let figures = runtime.figures();
    let compiles = gathered.family(&COMPILES);
    for (tier, went_well, durations) in figures.compiles {
        let compiler = match tier {
            Tier::Winch => "winch",
            Tier::Cranelift => "cranelift",
        };
        compiles.add([word(compiler), word(if went_well { "ok" } else { "failed" })], durations);
    }
    let lookups = gathered.family(&CODE);
    lookups.add([word("hit")], figures.cache_hits);
    lookups.add([word("miss")], figures.cache_misses);
    gathered.sole(&MAPPED, figures.mapped);
    gathered.sole(&MAPPED_BYTES, figures.mapped_bytes);
    gathered.sole(&MEMORY, figures.memory);
    if let Some(max) = figures.memory_max {
        gathered.sole(&MEMORY_MAX, max);
    }
}

fn telemetry(gathered: &mut Gathered, sources: &Sources) {
    let happened = gathered.family(&HAPPENED);
    for (topic, count) in sources.feed.counts() {
        happened.add([word(topic)], count);
    }
    let lines = sources.logs.figures();
    gathered.sole(&LINES, lines.written);
    gathered.sole(&LINES_DROPPED, lines.dropped);
    gathered.sole(&REFUSED_ADMIN, sources.guard.refused());
    if let Some(counts) = &sources.counted.spans {
        let spans = gathered.family(&SPANS);
        spans.add([word("sent")], counts.sent());
        spans.add([word("dropped")], counts.dropped());
    }
    if let Some(exporter) = &sources.counted.exporter {
        gathered.sole(&EXPORT_FAILURES, exporter.failures());
    }
}

fn process(gathered: &mut Gathered, sources: &Sources) {
    if let Some(usage) = process::usage() {
        let cpu = gathered.family(&CPU);
        cpu.add([word("user")], usage.user);
        cpu.add([word("system")], usage.system);
        gathered.sole(&RESIDENT, usage.resident);
        gathered.sole(&VIRTUAL, usage.virtual_size);
        gathered.sole(&DESCRIPTORS, usage.descriptors);
        gathered.sole(&THREADS, usage.threads);
    }
    gathered.sole(&UPTIME, sources.about.started.elapsed());
    let target = gathered.family(&TARGET);
    target.add([word("switchyard"), word(env!("CARGO_PKG_VERSION"))], 1_u64);
}
