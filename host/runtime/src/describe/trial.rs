//! Makes one instance, as serving does for each call: a component of which no instance can come to be is refused when it is
//! loaded, not at its first request.

use std::time::Duration;

use anyhow::bail;
use futures_util::FutureExt;
use switchyard_core::describe::Needs;
use wasmtime::{
    ResourceLimiter, Store,
    component::{Component, Linker},
};

use super::{
    clock::{self, Clock},
    fault,
};

/// The CPU time that a component's start functions may take here. A service's own limit may be another, lower or higher;
/// what does not end within this never does.
const START_TIME_MAX: Duration = Duration::from_secs(5);

/// The memory that there is for the trial, in bytes. What needs more is not made; it is then up to the service's limits
/// whether it may be.
const MEMORY_MAX: u64 = 1 << 30;

/// The table elements that there are for it.
const TABLE_ELEMENTS_MAX: u64 = 10_000_000;

/// Counts what is there before the guest takes anything itself.
#[derive(Debug, Default)]
struct Counter {
    needs: Needs,
    /// All that is held, with what the guest has taken.
    memory: u64,
    /// Whether something that the instance begins with was not given.
    refused: bool,
}

/// Makes an instance with every import stubbed, and tells what it takes.
///
/// # Errors
/// When making one ends in a trap, or does not end. What depends on an import is not known here, and no error.
pub(super) fn instance(component: &Component) -> anyhow::Result<Needs> {
    let engine = component.engine();
    let mut linker = Linker::<Counter>::new(engine);
    linker.define_unknown_imports_as_traps(component)?;
    let mut store = Store::new(engine, Counter::default());
    store.limiter(|counter| counter);
    clock::limit(&mut store, START_TIME_MAX);
    let clock = Clock::start(engine);
    // With nothing to wait for it ends in one go, else in what only serving can tell.
    let made = linker.instantiate_async(&mut store, component).now_or_never();
    drop(clock);
    let counter = store.data();
    match made {
        Some(Err(error)) if !counter.refused => match fault::of_guest(&error) {
            Some(what) => bail!("no instance of it can be made: {what}; do less in its start function"),
            None => Ok(counter.needs),
        },
        _ => Ok(counter.needs),
    }
}

// === impl Counter ===

impl ResourceLimiter for Counter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let grown = (desired - current) as u64;
        self.memory = self.memory.saturating_add(grown);
        let is_given = self.memory <= MEMORY_MAX;
        if current == 0 {
            self.needs.memory = self.needs.memory.saturating_add(grown);
            self.refused |= !is_given;
        }
        if !is_given {
            self.memory -= grown;
        }
        Ok(is_given)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if current > 0 {
            // The guest's own doing.
            return Ok((desired as u64) <= TABLE_ELEMENTS_MAX);
        }
        self.needs.table_elements = self.needs.table_elements.saturating_add(desired as u64);
        let is_given = self.needs.table_elements <= TABLE_ELEMENTS_MAX;
        self.refused |= !is_given;
        Ok(is_given)
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::describe::Track;
    use wasmtime::Engine;

    use super::*;
    use crate::engine::{Tier, config};

    fn of(core: &str) -> anyhow::Result<Needs> {
        let text = format!("(component (core module $m {core}) (core instance (instantiate $m)))");
        let engine = Engine::new(&config(Track::P2, Tier::Cranelift)).unwrap();
        instance(&Component::new(&engine, wat::parse_str(text).unwrap()).unwrap())
    }

    #[track_caller]
    fn refused(core: &str, expected: &str) {
        let error = of(core).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_an_instance_begins_with_is_counted_and_what_it_takes_later_is_not() {
        let grows = "(func $f (drop (memory.grow (i32.const 3)))) (start $f)";
        let needs = of(&format!("(memory 2) (table 7 funcref) (table 3 externref) {grows}")).unwrap();
        assert_eq!(needs, Needs { memory: 2 << 16, table_elements: 10 });
    }

    #[test]
    fn what_is_too_much_for_the_trial_is_left_to_the_limits_of_the_service() {
        assert_eq!(of("(memory 65536)").unwrap().memory, 4 << 30);
        assert_eq!(of("(table 10000000 funcref) (table 1 funcref)").unwrap().table_elements, 10_000_001);
    }

    #[test]
    fn a_start_function_that_cannot_end_well_is_refused_with_the_remedy() {
        refused("(func $f (loop $l (br $l))) (start $f)", "did not end within 5s of CPU time; do less");
        refused("(func $f (call $f)) (start $f)", "it overflowed its call stack; do less in its start");
        refused("(func $f unreachable) (start $f)", "it panicked; do less in its start function");
    }

    #[test]
    fn what_depends_on_an_import_is_no_fault() {
        let text = r#"(component
            (import "f" (func $f))
            (core func $f (canon lower (func $f)))
            (core module $m (import "" "f" (func $f)) (memory 1) (start $f))
            (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))"#;
        let engine = Engine::new(&config(Track::P2, Tier::Cranelift)).unwrap();
        assert_eq!(instance(&Component::new(&engine, wat::parse_str(text).unwrap()).unwrap()).unwrap().memory, 1 << 16);
    }
}
