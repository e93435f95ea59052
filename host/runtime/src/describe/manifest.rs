//! Asking a component what it is: `manifest.describe`, with every import stubbed, little memory and little time.

use std::time::Duration;

use anyhow::bail;
use switchyard_core::{
    manifest::{Dependency, Guests, Manifest, RouteSpec},
    name::ServiceName,
    units::HumanDuration,
};
use wasmtime::{
    Store,
    component::{Component, Linker},
};

use crate::limiter::MemoryBudget;

use self::bindings::exports::switchyard::plugin::manifest as wit;

/// The time that `manifest.describe` may take, instantiation included.
pub(crate) const DESCRIBE_TIME_MAX: Duration = Duration::from_secs(1);

/// The memory that `manifest.describe` may use.
pub(crate) const DESCRIBE_MEMORY_MAX: u64 = 64 << 20;

#[allow(missing_docs, reason = "generated; the WIT is documented")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package host:describe; world described { export switchyard:plugin/manifest@0.1.0; }",
        world: "host:describe/described",
    });
}

/// Calls `describe` of a component.
pub(super) fn ask(component: &Component) -> anyhow::Result<Manifest> {
    let engine = component.engine().clone();
    let mut linker = Linker::<MemoryBudget>::new(&engine);
    linker.define_unknown_imports_as_traps(component)?;
    let mut store = Store::new(&engine, MemoryBudget::new(DESCRIBE_MEMORY_MAX));
    store.limiter(|budget| budget);
    store.set_epoch_deadline(1);
    std::thread::spawn(move || {
        std::thread::sleep(DESCRIBE_TIME_MAX);
        engine.increment_epoch();
    });
    let described = bindings::Described::instantiate(&mut store, component, &linker)?;
    checked(described.switchyard_plugin_manifest().call_describe(&mut store)?)
}

/// A manifest of ours, with everything that this host could not honour refused.
fn checked(said: wit::Description) -> anyhow::Result<Manifest> {
    let unserved = [
        ("subscriptions", said.subscriptions.is_empty()),
        ("queues", said.queues.is_empty()),
        ("schedules", said.schedules.is_empty()),
        ("commands", said.commands.is_empty()),
        ("sagas", said.sagas.is_empty()),
    ];
    if let Some((what, _)) = unserved.iter().find(|(_, empty)| !empty) {
        bail!("it declares {what}, which this version of the host does not serve; leave that list empty");
    }
    let name: ServiceName = said.name.parse()?;
    let Ok(version) = said.version.parse() else {
        bail!("its version '{}' is not semantic; write MAJOR.MINOR.PATCH", said.version);
    };
    let mut manifest = Manifest {
        version,
        description: said.description,
        tags: said.tags,
        metadata: said.metadata.into_iter().collect(),
        routes: said.routes.into_iter().map(route).collect(),
        dependencies: said.dependencies.into_iter().map(dependency).collect(),
        health: said.health,
        guests: said.guests.map(guests),
        ..Manifest::of_file(name, None)
    };
    manifest.default_routes();
    Ok(manifest)
}

fn route(said: wit::Route) -> RouteSpec {
    RouteSpec {
        path: said.path,
        methods: said.methods,
        strip_prefix: said.strip_prefix,
        host: said.host,
        timeout: said.timeout.map(duration),
    }
}

fn dependency(said: wit::Dependency) -> Dependency {
    Dependency { name: said.name, health_url: said.health_url, timeout: said.timeout.map(duration) }
}

fn guests(said: wit::Guests) -> Guests {
    match said {
        wit::Guests::Fresh => Guests::Fresh,
        wit::Guests::Reused => Guests::Reused,
    }
}

fn duration(milliseconds: u64) -> HumanDuration {
    HumanDuration(Duration::from_millis(milliseconds))
}
