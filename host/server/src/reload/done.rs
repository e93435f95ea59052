//! What became of jobs: generations that can take traffic, failures, and generations that are done.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinError;

use super::{
    Job, Reloader,
    load::{LoadFailure, Order, Origin},
    stem::{Active, Leaving, Running},
};

/// How long to wait before a file is read again that changed while it was loaded.
const CHANGED_PAUSE: Duration = Duration::from_millis(100);

impl Reloader {
    pub(super) fn on_job(&mut self, job: Result<Job, JoinError>) {
        match job {
            Ok(Job::Loaded(order, result)) => self.on_loaded(*order, result),
            Ok(Job::Optimised(name, generation, optimised)) => {
                let active = self.stems.get_mut(&name).and_then(|stem| stem.serving.as_mut());
                if let Some(active) = active.filter(|active| active.generation == generation && optimised) {
                    active.plugin.refresh();
                    active.optimised = true;
                    active.optimising = None;
                }
            }
            Ok(Job::Drained(generation)) => {
                if let Some(left) =
                    self.leaving.extract_if(.., |leaving| leaving.active.generation == generation).next()
                {
                    tracing::debug!(plugin = left.stem, %generation, "retired");
                    if let Some(stem) = self.stems.get_mut(&left.stem) {
                        stem.retire(left.active);
                    }
                }
            }
            Err(error) if error.is_cancelled() => {}
            Err(error) => tracing::error!(%error, "a load ended unexpectedly"),
        }
    }

    fn on_loaded(&mut self, order: Order, result: Result<Box<Active>, LoadFailure>) {
        let name = order.stem.as_str();
        let Some(stem) = self.stems.get_mut(name).filter(|stem| stem.is_loading(order.generation)) else { return };
        stem.loading = None;
        match result {
            Ok(active) => self.activate(name, *active, &order.origin),
            Err(LoadFailure::Changed) => self.load(name, order.source, order.origin, CHANGED_PAUSE),
            Err(LoadFailure::Bad(error)) => match order.origin {
                Origin::Folder => self.fail(name, Some(order.source), error),
                Origin::Memory { .. } => {
                    tracing::error!(plugin = name, error = %error, "the last good one cannot be loaded either");
                }
            },
        }
    }

    fn activate(&mut self, name: &str, mut active: Active, origin: &Origin) {
        let Some(stem) = self.stems.get_mut(name) else { return };
        active.registered_at = stem.serving.as_ref().map_or(active.registered_at, |old| old.registered_at);
        if matches!(origin, Origin::Folder) {
            stem.error = None;
            self.good.record(name, active.source.digest, active.side.clone());
        }
        if !active.optimised {
            let (loader, digest) = (Arc::clone(&self.loader), active.source.digest);
            let (name, generation) = (name.to_owned(), active.generation);
            let job = self.jobs.spawn(async move {
                let optimised = loader.optimise(&name, digest).await;
                Job::Optimised(name, generation, optimised)
            });
            active.optimising = Some(Running::new(job));
        }
        active.announce(name);
        if let Some(old) = stem.serving.replace(active) {
            self.leaving.push(Leaving::replaced(name, old));
        }
        self.routes_are_stale = true;
    }
}
