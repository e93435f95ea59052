//! What became of jobs: generations that can take traffic, failures, and generations that are done.

use std::{sync::Arc, time::Duration};

use switchyard_core::{
    folder::Wanted,
    name::{Digest, Generation},
};
use tokio::task::JoinError;

use super::{
    Job, Reloader,
    load::{LoadFailure, Order, Origin},
    stem::{Active, Leaving, Next, Running, Stem},
};

/// How long to wait before a file is read again that changed while it was loaded.
const CHANGED_PAUSE: Duration = Duration::from_millis(100);

/// How long to wait before files are read and kept again after the file system refused it.
pub(super) const TROUBLE_PAUSE: Duration = Duration::from_secs(5);

impl Reloader {
    pub(super) fn on_job(&mut self, job: Result<Job, JoinError>) {
        match job {
            Ok(Job::Loaded(order, result)) => self.on_loaded(*order, result),
            Ok(Job::Optimised(name, generation, optimised)) => {
                let active = self.stems.get_mut(&name).and_then(|stem| stem.generation_mut(generation));
                if let Some(active) = active {
                    active.optimising = None;
                    if optimised {
                        active.plugin.refresh();
                        active.optimised = true;
                    }
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
            Ok(Job::LetGo | Job::Doubted(_, _, true)) => {}
            Ok(Job::Doubted(file, item, false)) => {
                self.take(file, item);
                self.follow_events();
            }
            Ok(Job::Step(step)) => self.on_step(step),
            Ok(Job::Vouched(vouched)) => self.on_vouched(vouched),
            Err(error) if error.is_cancelled() => {}
            Err(error) => tracing::error!(%error, "a load ended unexpectedly"),
        }
    }

    fn on_loaded(&mut self, order: Order, result: Result<Box<Active>, LoadFailure>) {
        let name = order.stem.as_str();
        let Some(stem) = self.stems.get_mut(name).filter(|stem| stem.is_loading(order.generation)) else { return };
        stem.loading = None;
        let (next, is_good) = (stem.next.take(), matches!(order.origin, Origin::Memory { .. }));
        let is_of_the_past = |active: &Active| !self.has_current_settings(active);
        match result {
            // The configuration has changed meanwhile: what was made would serve under settings of the past, or was
            // judged by keys of the past.
            result if self.trusts_others_than(&order.config) || result.as_deref().is_ok_and(is_of_the_past) => {
                self.load(name, order.source, order.origin, Duration::ZERO);
                if let Some(stem) = self.stems.get_mut(name) {
                    stem.next = next;
                }
                return;
            }
            Ok(active) => self.arrive(name, *active, &order.origin),
            Err(LoadFailure::Changed) => self.load(name, order.source, order.origin, CHANGED_PAUSE),
            // What comes next can serve without it.
            Err(LoadFailure::Trouble(error)) if is_good && next.is_some_and(|next| next.pause.is_zero()) => {
                self.lose_good(name, &error);
            }
            Err(LoadFailure::Trouble(error)) => self.try_later(name, order.source, order.origin, error),
            Err(LoadFailure::Bad(error)) if is_good => self.lose_good(name, &error),
            Err(LoadFailure::Bad(error)) => {
                self.fail(name, Some(order.source), error);
                self.discard(order.source.digest);
            }
        }
        if let Some(Next { source, pause }) = next {
            self.load(name, source, Origin::Folder, pause);
        }
        self.remove_succeeded();
    }

    /// Removes the copy of what turned out bad, unless it is needed elsewhere, where it may be good.
    fn discard(&mut self, digest: Digest) {
        let is_loading = |(name, stem): (&String, &Stem)| {
            let is_of_it = |wanted: &Wanted| matches!(wanted, Wanted::Load(source) if source.digest == digest);
            stem.loading.is_some() && self.tried.get(name).is_some_and(is_of_it)
        };
        let is_needed = self.good.digests().contains(&digest)
            || self.stems.values().any(|stem| stem.digests().any(|of| of == digest))
            || self.stems.iter().any(is_loading);
        if !is_needed {
            let loader = Arc::clone(&self.loader);
            self.jobs.spawn_blocking(move || {
                loader.discard(digest);
                Job::LetGo
            });
        }
    }

    fn lose_good(&mut self, name: &str, error: &str) {
        tracing::error!(plugin = name, error, "the last good one cannot be loaded either");
        if let Some(stem) = self.stems.get_mut(name) {
            stem.is_good_lost = true;
        }
    }

    pub(super) fn activate(&mut self, name: &str, mut active: Active, origin: &Origin) {
        let Some(stem) = self.stems.get_mut(name) else { return };
        // Its place among others is that of its first generation.
        let since: &mut Generation = stem.active_since.get_or_insert(active.generation);
        debug_assert!(*since <= active.generation, "generations only grow");
        active.registered_at = stem.serving.as_ref().map_or(active.registered_at, |old| old.registered_at);
        if matches!(origin, Origin::Folder) {
            stem.error = None;
            self.good.record(name, active.kept(), self.config.plugins.keep);
        }
        stem.is_good_lost = false;
        active.announce(name);
        if let Some(old) = stem.serving.replace(active) {
            self.leaving.push(Leaving::replaced(name, old));
        }
        self.routes_are_stale = true;
    }

    /// Has the optimised code made for what runs the quickly made one.
    pub(super) fn optimise(&mut self, name: &str, active: &mut Active) {
        if active.optimised {
            return;
        }
        let (loader, digest) = (Arc::clone(&self.loader), active.source.digest);
        let (name, generation) = (name.to_owned(), active.generation);
        let job = self.jobs.spawn(async move {
            let optimised = loader.optimise(&name, digest).await;
            Job::Optimised(name, generation, optimised)
        });
        active.optimising = Some(Running::new(job));
    }
}
