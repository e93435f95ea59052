//! Loads a folder as a host does, beside a store that goes away.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use switchyard_core::{
    folder::{is_relevant, size_max},
    route::action::Destination,
};
use switchyard_delivery::Delivery;
use switchyard_dispatch::{Dispatcher, Snapshot};
use switchyard_runtime::Runtime;
use switchyard_store::{Backend, Embedded};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    ports::Nothing,
    reload::{self, Asked, PluginView, Reloader},
    routes::Callee,
    scratch::Scratch,
    watch::{FILES_MAX, Options, Watch},
};

/// How long all of it may take: compiling a large folder anew takes minutes.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// What a host would show.
pub(super) struct Loaded {
    pub(super) plugins: Arc<Vec<PluginView>>,
    /// What refuses nothing, and is probably not meant.
    pub(super) notes: Vec<String>,
}

/// Loads the plugins of the configured folder.
///
/// # Errors
/// When there is no room for what that makes, or no compiler can be started.
pub(super) async fn all(config: Config) -> anyhow::Result<Loaded> {
    let scratch = Scratch::new()?;
    let store = switchyard_store::Options::new(scratch.path().join("store"));
    let store: Arc<dyn Backend> = Arc::new(Embedded::open(store)?);
    let dispatcher = Dispatcher::new();
    let delivery = Delivery::new(Arc::clone(&store), Arc::clone(&dispatcher), config.delivery.clone());
    let runtime = switchyard_runtime::Options {
        cache_dir: scratch.path().join("cache"),
        compiler: std::env::current_exe().context("cannot find this program's own file")?,
        winch: true,
        pool_max: Some(1),
        compiles_max: None,
    };
    let runtime = Arc::new(Runtime::new(runtime, Nothing::ports())?);
    let (plugins, config, stop) = (config.plugins.dir.clone(), Arc::new(config), CancellationToken::new());
    let (watch, events) = Watch::new(Options { dir: plugins.clone(), is_relevant, size_max, files_max: FILES_MAX });
    let options = reload::Options { plugins, data: scratch.path().to_owned() };
    let (reloader, mut shown) =
        Reloader::new(options, Arc::clone(&config), runtime, Arc::clone(&dispatcher), delivery, Asked::nothing())?;
    // Whoever sends configurations stays until the end.
    let (_configs, configs) = watch::channel(Arc::clone(&config));
    let watching = tokio::spawn(watch.run(stop.clone()));
    let loading = tokio::spawn(reloader.run(events, configs, stop.clone()));
    let ready = async {
        while !shown.shown().is_ready {
            if !shown.changed().await {
                bail!("loading the plugins ended unexpectedly");
            }
        }
        Ok(())
    };
    let ready = tokio::time::timeout(PATIENCE, ready).await;
    let loaded = Loaded { plugins: shown.shown().plugins, notes: notes(&config, &dispatcher.snapshot()) };
    stop.cancel();
    // Both end at once; what they leave goes with the scratch folder.
    let _ = tokio::join!(watching, loading);
    dispatcher.publish(Snapshot::default());
    store.close().await.context("the store that was made for this cannot be closed")?;
    ready.context("the plugins take too long to load")??;
    Ok(loaded)
}

/// What the configuration names and nobody provides.
fn notes(config: &Config, snapshot: &Snapshot) -> Vec<String> {
    let mut missing = BTreeSet::new();
    for route in &config.routes {
        let mirror = route.mirror.iter().map(|mirror| &mirror.service);
        for Callee { service, .. } in callees(&route.to).into_iter().chain(mirror) {
            if !snapshot.services.contains_key(service) {
                missing.insert(format!("the route {} leads to '{service}', which nobody is", route.spec.path));
            }
        }
    }
    missing.into_iter().collect()
}

fn callees(destination: &Destination<Callee>) -> Vec<&Callee> {
    match destination {
        Destination::Service(callee) => vec![callee],
        Destination::Split(split) => split.parts().iter().map(|part| &part.service).collect(),
        Destination::Redirect(_) => Vec::new(),
    }
}
