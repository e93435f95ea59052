//! Keeps what serves equal to what the plugins folder says, one atomic swap at a time.
//!
//! One task owns the state. What takes time (copying, compiling, draining) runs beside it as a [`Job`] and comes
//! back as a fact; a result counts only while it is the one that is waited for.
//!
//! **Invariants**: a bad file never replaces a good one; what the admin API shows as active already takes its
//! traffic; an old generation begins to drain after the swap, never before.

mod act;
mod artifacts;
mod change;
mod deploy;
mod done;
mod good;
mod handle;
mod load;
mod manifest;
mod place;
mod publish;
mod refused;
mod rollout;
mod signature;
mod stem;
mod trust;
mod upstreams;
mod view;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Instant};

use anyhow::Context;
use switchyard_core::{
    folder::{self, Item},
    name::Generation,
};
use switchyard_delivery::Delivery;
use switchyard_dispatch::{Dispatcher, Instance, Snapshot};
use switchyard_runtime::Runtime;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    durable::Items,
    registrations, routes, traffic,
    watch::{Event, Unsettled},
};
use artifacts::Artifacts;
use change::Command;
use deploy::{Changes, Step};
use good::GoodFile;
use load::{LoadFailure, Loader, Order};
use publish::Wanted;
use stem::{Active, Leaving, Stem};
use trust::Vouched;
use upstreams::Upstreams;

pub(crate) use artifacts::Received;
pub(crate) use change::{Change, DIGITS_MIN, Done, Refusal, Side, To, Upload};
pub(crate) use handle::{Handle, Live, Shown};
pub(crate) use manifest::manifest;
pub(crate) use signature::verify_beside;
pub(crate) use switchyard_core::folder::COMPONENT_MAX;
pub(crate) use view::{PluginView, RolledBackView, RolloutView, RouteView, State as PluginState};

/// The most changes of the folder that wait to be taken in.
const COMMANDS_MAX: usize = 16;

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The plugins folder.
    pub(crate) plugins: PathBuf,
    /// The data folder.
    pub(crate) data: PathBuf,
}

/// What operators have asked for over the admin API.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) upstreams: watch::Receiver<Items<registrations::Kept>>,
    pub(crate) routes: watch::Receiver<Items<routes::Kept>>,
    pub(crate) traffic: watch::Receiver<Items<traffic::Kept>>,
}

/// The service that reloads; see the module.
pub(crate) struct Reloader {
    loader: Arc<Loader>,
    dispatcher: Arc<Dispatcher>,
    config: Arc<Config>,
    asked: Asked,
    upstreams: Upstreams,
    good: GoodFile,
    /// The settled entries of the folder.
    items: BTreeMap<String, Item>,
    /// What each stem was last tried as.
    tried: BTreeMap<String, folder::Wanted>,
    stems: BTreeMap<String, Stem>,
    /// Generations that lost their traffic and still answer.
    leaving: Vec<Leaving>,
    jobs: JoinSet<Job>,
    commands: mpsc::Receiver<Command>,
    /// The changes of the folder that operators have asked for.
    changes: Changes,
    last_generation: u64,
    /// When rollouts were looked at last.
    looked_at: Instant,
    /// Whether everything that was there at the start has been told.
    scanned: bool,
    /// What was there at the start and has not been told all the same.
    unsettled: Unsettled,
    routes_are_stale: bool,
    /// Whether some may be there that nobody needs.
    artifacts_are_stale: bool,
    live: Live,
    shown: watch::Sender<Shown>,
}

/// Something that ran beside the reloader and ended.
enum Job {
    Loaded(Box<Order>, Result<Box<Active>, LoadFailure>),
    Optimised(String, Generation, bool),
    Drained(Generation),
    /// An upstream has answered what was under way, or its time is over.
    LetGo,
    Step(Step),
    Vouched(Vouched),
    /// What the watcher said of a file that had been put in place a moment before, and whether that was of the past.
    Doubted(String, Option<Item>, bool),
}

// === impl Asked ===

impl Asked {
    /// Nothing, ever.
    pub(crate) fn nothing() -> Self {
        Self {
            upstreams: watch::channel(Items::default()).1,
            routes: watch::channel(Items::default()).1,
            traffic: watch::channel(Items::default()).1,
        }
    }
}

// === impl Reloader ===

impl Reloader {
    /// Ready to [`run`](Self::run).
    ///
    /// # Errors
    /// When the data folder cannot be written.
    pub(crate) fn new(
        options: Options,
        config: Arc<Config>,
        runtime: Arc<Runtime>,
        dispatcher: Arc<Dispatcher>,
        delivery: Arc<Delivery>,
        asked: Asked,
    ) -> anyhow::Result<(Self, Handle)> {
        let copies = options.data.join("artifacts");
        let artifacts =
            Artifacts::open(copies.clone()).with_context(|| format!("cannot make the folder {}", copies.display()))?;
        let (shown, receiver) = watch::channel(Shown::default());
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let handle = Handle::new(receiver, sender, artifacts.clone());
        let reloader = Self {
            loader: Arc::new(Loader::new(runtime, delivery, artifacts, options.plugins)),
            dispatcher,
            config,
            asked,
            upstreams: Upstreams::default(),
            good: GoodFile::open(options.data.join("good.json")),
            items: BTreeMap::new(),
            tried: BTreeMap::new(),
            stems: BTreeMap::new(),
            leaving: Vec::new(),
            jobs: JoinSet::new(),
            commands,
            changes: Changes::default(),
            last_generation: 0,
            looked_at: Instant::now(),
            scanned: false,
            unsettled: Unsettled::Folder,
            routes_are_stale: true,
            artifacts_are_stale: true,
            live: Live::default(),
            shown,
        };
        Ok((reloader, handle))
    }

    /// Follows the folder's events, newer configurations and what operators ask for, until `stop` is cancelled or the watcher ends.
    pub(crate) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut configs: watch::Receiver<Arc<Config>>,
        stop: CancellationToken,
    ) {
        loop {
            let look_due = self.look_due();
            tokio::select! {
                () = stop.cancelled() => break,
                event = events.recv() => match event {
                    Some(event) => {
                        self.on_event(event);
                        // Thousands of files may have come at once, and to follow them looks at all there are.
                        while let Ok(event) = events.try_recv() {
                            self.on_event(event);
                        }
                        self.follow_events();
                    }
                    None => break,
                },
                Ok(()) = configs.changed() => {
                    let config = Arc::clone(&configs.borrow_and_update());
                    self.on_config(config);
                }
                Ok(()) = self.asked.upstreams.changed() => self.routes_are_stale = true,
                Ok(()) = self.asked.routes.changed() => self.routes_are_stale = true,
                Ok(()) = self.asked.traffic.changed() => self.routes_are_stale = true,
                () = at(look_due) => if !self.look() { continue },
                Some(job) = self.jobs.join_next() => self.on_job(job),
                // Before that nobody knows which stems there are.
                Some(command) = self.commands.recv(), if self.scanned => self.on_command(command),
            }
            // Whatever else has come meanwhile goes into the same swap.
            while let Some(job) = self.jobs.try_join_next() {
                self.on_job(job);
            }
            self.tend_candidates();
            self.show();
            self.answer_changes();
            self.remember().await;
            self.tidy().await;
        }
        self.remember().await;
    }

    /// Swaps in the new routes if there are any, lets the old generations drain, and shows how things are.
    fn show(&mut self) {
        if std::mem::take(&mut self.routes_are_stale) {
            // Until everything that was there at the start is loaded, nobody holds anything: who gets a contested
            // route or name shall not depend on which load ended first.
            let (live, nothing) = (self.dispatcher.snapshot(), Snapshot::default());
            let previous = if self.shown.borrow().is_ready { &*live } else { &nothing };
            let upstreams = self.asked.upstreams.borrow_and_update().clone();
            let routes = self.asked.routes.borrow_and_update().clone();
            let traffic = self.asked.traffic.borrow_and_update().clone();
            let (instances, gone) = self.upstreams.follow(&self.config.upstreams, &upstreams.by_key);
            let wanted = Wanted {
                config: &self.config,
                registered: &upstreams.by_key,
                routes: &routes.by_key,
                traffic: &traffic.by_key,
                upstreams: instances,
            };
            let snapshot = publish::snapshot(wanted, &mut self.stems, previous, &live);
            self.dispatcher.publish(snapshot);
            self.let_go(gone);
            self.live = Live { upstreams: upstreams.version, routes: routes.version, traffic: traffic.version };
        }
        for leaving in self.leaving.iter_mut().filter(|leaving| !leaving.is_draining) {
            leaving.is_draining = true;
            let (instance, generation) = (Arc::clone(&leaving.active.instance), leaving.active.generation);
            let (within, began) = (self.config.plugins.drain_timeout, Instant::now());
            self.jobs.spawn(async move {
                if tokio::time::timeout(within, instance.drained()).await.is_err() {
                    let requests = instance.in_flight();
                    tracing::warn!(%generation, requests, after = ?began.elapsed(), "retired with requests under way");
                }
                Job::Drained(generation)
            });
        }
        let is_ready = self.scanned && !self.stems.values().any(Stem::is_awaited);
        let plugins = Arc::new(view::plugins(&self.stems, &self.tried, &self.leaving));
        let is_ready = is_ready || self.shown.borrow().is_ready;
        let artifacts = self.good.view();
        self.shown.send_replace(Shown { is_ready, plugins, artifacts, live: self.live });
    }

    /// Requests to upstreams that are under way finish; when that takes longer than a drain may, it is told.
    fn let_go(&mut self, gone: Vec<Arc<Instance>>) {
        let within = self.config.plugins.drain_timeout;
        for instance in gone {
            self.jobs.spawn(async move {
                if tokio::time::timeout(within, instance.drained()).await.is_err() {
                    tracing::warn!(id = instance.id(), requests = instance.in_flight(), "gone with requests under way");
                }
                Job::LetGo
            });
        }
    }

    /// Writes down what serves. When that fails, it is tried again the next time that something happens.
    async fn remember(&mut self) {
        let Some(write) = self.good.changes() else { return };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => {
                self.good.kept();
                self.artifacts_are_stale = true;
            }
            Ok(Err(error)) => tracing::error!(%error, "what serves now cannot be written down for the next start"),
            Err(error) => tracing::error!(%error, "writing down what serves ended unexpectedly"),
        }
    }

    /// Removes artifacts that nobody needs: only between loads, which make some, and only when what is written down
    /// says so too, or the next start would look for what is gone.
    async fn tidy(&mut self) {
        let is_loading = self.stems.values().any(|stem| stem.loading.is_some());
        if !self.scanned || is_loading || self.is_changing() || self.good.changes().is_some() {
            return;
        }
        if !std::mem::take(&mut self.artifacts_are_stale) {
            return;
        }
        let mut referenced = self.good.digests();
        referenced.extend(self.stems.values().flat_map(Stem::digests));
        let loader = Arc::clone(&self.loader);
        let tidied = tokio::task::spawn_blocking(move || loader.retain(&referenced));
        match tidied.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "artifacts that nobody needs cannot be removed"),
            Err(error) => tracing::error!(%error, "tidying ended unexpectedly"),
        }
    }
}

/// Waits until then; for ever when there is no such time.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
