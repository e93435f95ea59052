//! What a runtime tells of itself to whoever watches it.

use std::{
    collections::BTreeMap,
    sync::{
        Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use switchyard_core::{
    histogram::{Distribution, Histogram, LONG},
    name::ServiceName,
};

use crate::{Runtime, engine::Tier, usage::UsageView};

/// What was compiled, and what did not have to be.
#[derive(Debug)]
pub(crate) struct Compiles {
    /// By tier, and whether it went well.
    durations: [[Histogram; 2]; 2],
    hits: AtomicU64,
    misses: AtomicU64,
}

/// A runtime at one moment.
#[derive(Clone, Debug)]
pub struct Figures {
    /// What the guests of each service did and take.
    pub usage: Vec<UsageView>,
    /// What each service is about now, by name.
    pub load: BTreeMap<ServiceName, Load>,
    /// How long compiling took: the compiler, whether it went well, and how often it took how long.
    pub compiles: Vec<(Tier, bool, Distribution)>,
    /// How often code was found in the cache.
    pub cache_hits: u64,
    /// How often it was not.
    pub cache_misses: u64,
    /// Plugins whose code is in memory.
    pub mapped: usize,
    /// Bytes of that code.
    pub mapped_bytes: u64,
    /// Bytes in linear memories of all guests.
    pub memory: u64,
    /// To how many they may grow; none where nothing limits them.
    pub memory_max: Option<u64>,
}

/// What the plugins of a service are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls inside.
    pub inside: usize,
    /// Calls that wait for a place.
    pub waiting: usize,
    /// Responses that are on their way.
    pub streams: usize,
}

// === impl Runtime ===

impl Runtime {
    /// How it is.
    pub fn figures(&self) -> Figures {
        let plugins: Vec<_> = self.inner.plugins().iter().filter_map(Weak::upgrade).collect();
        let mut load = BTreeMap::<ServiceName, Load>::new();
        for plugin in &plugins {
            let (sum, one) = (load.entry(plugin.service().clone()).or_default(), plugin.load());
            sum.inside += one.inside;
            sum.waiting += one.waiting;
            sum.streams += one.streams;
        }
        let mapped: Vec<u64> = plugins.iter().filter_map(|plugin| plugin.mapped_bytes()).collect();
        let (compiles, memory) = (&self.inner.counts, &self.inner.memory);
        Figures {
            usage: self.inner.usages.views(),
            load,
            compiles: compiles.read(),
            cache_hits: compiles.hits.load(Relaxed),
            cache_misses: compiles.misses.load(Relaxed),
            mapped: mapped.len(),
            mapped_bytes: mapped.iter().sum(),
            memory: memory.used(),
            memory_max: memory.max(),
        }
    }
}

// === impl Compiles ===

impl Default for Compiles {
    fn default() -> Self {
        let durations = std::array::from_fn(|_| std::array::from_fn(|_| Histogram::new(&LONG)));
        Self { durations, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }
}

impl Compiles {
    /// A compile child has ended.
    pub(crate) fn compiled(&self, tier: Tier, went_well: bool, took: Duration) {
        self.durations[tier as usize][usize::from(went_well)].record(took);
    }

    /// Code was looked for.
    pub(crate) fn looked_up(&self, was_there: bool) {
        let counter = if was_there { &self.hits } else { &self.misses };
        counter.fetch_add(1, Relaxed);
    }

    fn read(&self) -> Vec<(Tier, bool, Distribution)> {
        let of_tier = [Tier::Winch, Tier::Cranelift].into_iter().zip(&self.durations);
        let all = of_tier.flat_map(|(tier, ends)| {
            [false, true].into_iter().zip(ends).map(move |(went_well, took)| (tier, went_well, took.read()))
        });
        all.filter(|(.., took)| took.count() > 0).collect()
    }
}
