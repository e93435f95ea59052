//! The engines: one for each track (WASI 0.2 and 0.3) and tier (Winch and Cranelift), made when first needed.
//!
//! - 0.2 components run without concurrency support, which costs them 8 %; 0.3 ones cannot do without it.
//! - Winch code does not load in a Cranelift engine, nor the other way round.
//! - Instances come from a pool of pre-reserved slots. How large a pool the address space allows is found by
//!   trying; where not even the smallest fits, and for components that are over a slot's limits, there is an
//!   on-demand engine that takes the same code.
//! - One thread moves the epochs of all of them, so that no guest can hold a thread.

use std::{
    hash::{Hash, Hasher},
    sync::{Mutex, OnceLock},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use switchyard_core::describe::Track;
use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

/// How often guests are interrupted: the grain of CPU limits and of sharing a thread.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Component instances in the largest pool that is tried. Each may reserve 4 GiB of address space, so that bounds
/// need no checks; 4,096 of them take an eighth of what x86-64 has.
pub const POOL_MAX: u32 = 4_096;

/// The smallest pool worth having.
const POOL_MIN: u32 = 32;

/// Core instances, and so stacks of adapters, that a component may consist of on average.
const CORE_INSTANCES_EACH: u32 = 4;
const TABLES_EACH: u32 = 2;

/// Memory of a slot that stays resident between two guests: zeroing it is cheaper than giving it back.
const MEMORY_KEEP_RESIDENT: usize = 1 << 20;
const TABLE_KEEP_RESIDENT: usize = 64 << 10;

/// Which compiler made the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// One pass over the code: there at once, runs at about two thirds of the speed.
    Winch,
    /// The optimising compiler.
    Cranelift,
}

/// Where instances come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocator {
    Pool,
    OnDemand,
}

/// All engines of a runtime.
pub(crate) struct Engines {
    pool_max: u32,
    slots: [OnceLock<Result<Engine, String>>; 8],
    ticker: Ticker,
}

// === impl Engines ===

impl Engines {
    pub(crate) fn new(pool_max: u32) -> std::io::Result<Self> {
        Ok(Self { pool_max, slots: Default::default(), ticker: Ticker::start()? })
    }

    /// The engine for this kind of code.
    pub(crate) fn get(&self, track: Track, tier: Tier, allocator: Allocator) -> Result<&Engine, String> {
        let index = usize::from(track == Track::P3)
            + 2 * usize::from(tier == Tier::Cranelift)
            + 4 * usize::from(allocator == Allocator::OnDemand);
        let made = self.slots[index].get_or_init(|| {
            let engine = match allocator {
                Allocator::Pool => pooled(track, tier, self.pool_max),
                Allocator::OnDemand => Engine::new(&config(track, tier)),
            };
            let engine = engine.map_err(|error| format!("{error:#}"))?;
            self.ticker.add(&engine);
            Ok(engine)
        });
        made.as_ref().map_err(Clone::clone)
    }
}

/// What must be equal for code to be loaded: the engine's settings and version, and our own.
pub(crate) fn compatibility(track: Track, tier: Tier) -> Result<String, String> {
    let engine = Engine::new(&config(track, tier)).map_err(|error| format!("{error:#}"))?;
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Ok(format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), hasher.finish()))
}

/// Settings that the compiled code depends on; the same in the host and in the compile child.
pub(crate) fn config(track: Track, tier: Tier) -> Config {
    let concurrent = track == Track::P3;
    let mut config = Config::new();
    config
        .strategy(match tier {
            Tier::Winch => Strategy::Winch,
            Tier::Cranelift => Strategy::Cranelift,
        })
        .epoch_interruption(true)
        .memory_init_cow(true)
        .concurrency_support(concurrent)
        .wasm_component_model_async(concurrent);
    config
}

/// The largest pool that the address space allows, else instances on demand.
fn pooled(track: Track, tier: Tier, pool_max: u32) -> wasmtime::Result<Engine> {
    let mut size = pool_max.max(POOL_MIN);
    loop {
        let mut config = config(track, tier);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(size)));
        match Engine::new(&config) {
            Ok(engine) => {
                tracing::debug!(size, ?track, ?tier, "instance pool reserved");
                return Ok(engine);
            }
            Err(_) if size / 2 >= POOL_MIN => size /= 2,
            Err(error) => {
                tracing::warn!(%error, "no address space for an instance pool; instances are made on demand");
                return Engine::new(&self::config(track, tier));
            }
        }
    }
}

fn pool(size: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(size)
        .total_core_instances(size * CORE_INSTANCES_EACH)
        .total_memories(size)
        .total_tables(size * TABLES_EACH)
        .total_stacks(size)
        .total_gc_heaps(size)
        .max_memory_size(1 << 32)
        .table_elements(crate::settings::POOLED_TABLE_ELEMENTS as usize)
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT)
        .table_keep_resident(TABLE_KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The thread that moves epochs on. It ends with the engines.
struct Ticker {
    engines: std::sync::Arc<Mutex<Vec<EngineWeak>>>,
    /// Dropped with the runtime, which is how the thread learns that it is not needed any more.
    _alive: std::sync::Arc<()>,
}

impl Ticker {
    fn start() -> std::io::Result<Self> {
        let engines = std::sync::Arc::new(Mutex::new(Vec::<EngineWeak>::new()));
        let alive = std::sync::Arc::new(());
        let (list, watch) = (engines.clone(), std::sync::Arc::downgrade(&alive));
        std::thread::Builder::new().name("epochs".into()).spawn(move || {
            while watch.strong_count() > 0 {
                std::thread::sleep(EPOCH_TICK);
                let list = list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                for engine in list.iter().filter_map(EngineWeak::upgrade) {
                    engine.increment_epoch();
                }
            }
        })?;
        Ok(Self { engines, _alive: alive })
    }

    fn add(&self, engine: &Engine) {
        self.engines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(engine.weak());
    }
}
