//! What the folder and the configuration ask for, put into loads and removals.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use switchyard_core::{
    folder::{self, Action, Fallback, Item, Source, Wanted},
    name::{Digest, Generation, PluginFile},
};

use super::{
    Job, Reloader,
    done::TROUBLE_PAUSE,
    good,
    load::{Order, Origin},
    stem::{Active, Leaving, Next},
};
use crate::{config::Config, watch::Event};

impl Reloader {
    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Changed(file, item) => {
                self.unsettled.settled(&file);
                match self.changes.placed(&file) {
                    Some(placed) if item != placed.map(Item::File) => self.doubt(file, item, placed),
                    _ => self.take(file, item),
                }
            }
            Event::Ready(unsettled) => {
                self.scanned = true;
                self.unsettled = unsettled;
            }
        }
    }

    /// Takes in what a file holds, or that it is gone.
    pub(super) fn take(&mut self, file: String, item: Option<Item>) {
        match item {
            Some(item) => _ = self.items.insert(file, item),
            None => _ = self.items.remove(&file),
        }
    }

    /// Looks whether a file still holds what was put into it a moment ago: what the watcher says may be of before that.
    fn doubt(&mut self, file: String, item: Option<Item>, placed: Option<Digest>) {
        let loader = Arc::clone(&self.loader);
        self.jobs.spawn_blocking(move || {
            let is_past = loader.holds(&file, placed);
            Job::Doubted(file, item, is_past)
        });
    }

    /// To be done once all events that have come are taken in.
    pub(super) fn follow_events(&mut self) {
        // At the start a component may be told before its side file: it is loaded once, with both.
        if self.scanned {
            self.follow();
        }
    }

    /// A stem that is loading is left alone: a load that ends under settings of the past is begun again, whereas
    /// loading what serves again would cancel the one that replaces it.
    pub(super) fn on_config(&mut self, config: Arc<Config>) {
        let old = std::mem::replace(&mut self.config, config);
        self.routes_are_stale = true;
        self.good.limit(self.config.plugins.keep);
        let candidates = self.drop_past_candidates(&old);
        let differ: Vec<(String, Source)> = self
            .stems
            .iter()
            .filter(|(_, stem)| stem.loading.is_none() && stem.successor.is_none())
            .filter_map(|(name, stem)| Some((name, stem.serving.as_ref()?)))
            .filter(|(_, active)| !self.has_current_settings(active))
            .map(|(name, active)| (name.clone(), active.source))
            .collect();
        for (name, source) in differ {
            if self.tried.get(&name) == Some(&Wanted::Load(source)) {
                self.load(&name, source, Origin::Folder, Duration::ZERO);
            } else {
                self.restore(&name, source);
            }
        }
        self.load_next(candidates);
        self.follow_trust(&old);
    }

    pub(super) fn has_current_settings(&self, active: &Active) -> bool {
        active.settings == self.config.settings(&active.manifest.name, active.manifest.guests)
    }

    /// Does what the folder asks for now.
    pub(super) fn follow(&mut self) {
        let mut wanted = folder::wanted(&self.items);
        wanted.retain(|stem, _| !self.is_unsettled(stem));
        self.leave_alone(&mut wanted);
        let mut leaving = Vec::new();
        for action in folder::plan(&wanted, &self.tried) {
            match action {
                Action::Load { stem, source, .. } => self.load(&stem, source, Origin::Folder, Duration::ZERO),
                Action::Fail { stem, error } => self.fail(&stem, None, error),
                Action::Remove { stem } => leaving.push(stem),
            }
        }
        // After the loads have begun, so that a file that was renamed finds what takes its place.
        for stem in leaving {
            match self.successor(&stem, &wanted) {
                Some(successor) => self.succeed(&stem, successor),
                None => self.remove(&stem),
            }
        }
        self.tried = wanted;
        self.follow_unsettled();
        self.remove_succeeded();
    }

    /// Whether nothing is known yet about a file of this stem that was there at the start, perhaps.
    fn is_unsettled(&self, stem: &str) -> bool {
        folder::files(stem).iter().any(|file| self.unsettled.covers(file))
    }

    /// Until more is known of such a stem, the last good one serves; once there turns out to be no file, it goes.
    fn follow_unsettled(&mut self) {
        let forgotten: Vec<String> = self
            .good
            .iter()
            .filter(|(stem, _)| !self.tried.contains_key(*stem) && !self.is_unsettled(stem))
            .map(|(stem, _)| stem.to_owned())
            .collect();
        for stem in forgotten {
            let is_orphan = self.stems.get(&stem).is_some_and(|stem| stem.successor.is_none());
            if is_orphan { self.remove(&stem) } else { self.good.forget(&stem) }
        }
        let waiting: Vec<_> = self
            .good
            .iter()
            .filter(|(stem, _)| !self.tried.contains_key(*stem) && !self.stems.contains_key(*stem))
            .map(|(stem, good)| (stem.to_owned(), good.source()))
            .collect();
        for (stem, source) in waiting {
            tracing::warn!(plugin = stem, digest = %source.digest, "its file has not settled; loading the last good one");
            self.restore(&stem, source);
        }
    }

    pub(super) fn load(&mut self, name: &str, source: Source, origin: Origin, pause: Duration) {
        self.last_generation += 1;
        let generation = Generation(self.last_generation);
        let order =
            Order { stem: name.to_owned(), source, origin, generation, config: Arc::clone(&self.config), pause };
        let loader = Arc::clone(&self.loader);
        let job = self.jobs.spawn(async move {
            let result = loader.load(&order).await;
            Job::Loaded(Box::new(order), result.map(Box::new))
        });
        self.stems.entry(name.to_owned()).or_default().begin(generation, pause == TROUBLE_PAUSE, job);
    }

    pub(super) fn restore(&mut self, name: &str, source: Source) {
        if let Some(good) = self.good.get(name).filter(|good| good.source() == source) {
            let (side, signature) = (good.current.side.clone(), good.current.signature.clone());
            self.load(name, source, Origin::Memory { side, signature }, Duration::ZERO);
        }
    }

    /// Shows why its files cannot be loaded now, and loads them later; when nothing serves, the last good one first.
    pub(super) fn try_later(&mut self, name: &str, source: Source, origin: Origin, error: String) {
        let Some(stem) = self.stems.get_mut(name) else { return };
        // What is in the way of the one may have been in the way of the other.
        stem.is_good_lost = false;
        if stem.error.as_ref() != Some(&error) {
            tracing::error!(plugin = name, error = %error, "the plugin cannot be loaded now; it is tried again");
            stem.error = Some(error);
        }
        let last_good = self.good.get(name).map(good::Good::source);
        match folder::after_failure(stem.serving.is_some(), Some(source), last_good) {
            Fallback::Restore(good) => {
                self.restore(name, good);
                if let Some(stem) = self.stems.get_mut(name) {
                    stem.next = Some(Next { source, pause: TROUBLE_PAUSE });
                }
            }
            Fallback::KeepServing | Fallback::Nothing => self.load(name, source, origin, TROUBLE_PAUSE),
        }
    }

    /// The stem under whose name a file that is gone is being loaded: of the same content, or for the same service.
    fn successor(&self, name: &str, wanted: &BTreeMap<String, Wanted>) -> Option<String> {
        let gone = self.stems.get(name)?;
        let old = gone.serving.as_ref()?;
        let succeeds = |stem: &str, wanted: &Wanted| {
            let Wanted::Load(source) = wanted else { return false };
            let is_of_service = || PluginFile::from_stem(stem).is_ok_and(|file| file.service == old.manifest.name);
            let is_loading = self.stems.get(stem).is_some_and(|stem| stem.loading.is_some());
            is_loading && (gone.digests().any(|digest| digest == source.digest) || is_of_service())
        };
        wanted.iter().find(|(stem, wanted)| succeeds(stem, wanted)).map(|(stem, _)| stem.clone())
    }

    fn succeed(&mut self, name: &str, successor: String) {
        if let Some(stem) = self.stems.get_mut(name) {
            tracing::info!(plugin = name, successor, "its file is gone; it serves until its successor is live");
            stem.loading = None;
            stem.successor = Some(successor);
        }
    }

    /// Removes those whose successor is live or has failed.
    pub(super) fn remove_succeeded(&mut self) {
        let waits = |successor: &String| self.stems.get(successor).is_some_and(|stem| stem.loading.is_some());
        let done: Vec<String> = self
            .stems
            .iter()
            .filter(|(_, stem)| stem.successor.as_ref().is_some_and(|successor| !waits(successor)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in done {
            self.remove(&name);
        }
    }

    fn remove(&mut self, name: &str) {
        tracing::info!(plugin = name, "removed");
        self.good.forget(name);
        let Some(stem) = self.stems.remove(name) else { return };
        let (serving, candidate) = stem.end();
        self.routes_are_stale |= serving.is_some() || candidate.is_some();
        self.leaving.extend(serving.map(|active| Leaving::removed(name, active)));
        self.leaving.extend(candidate.map(|active| Leaving::replaced(name, active)));
    }

    pub(super) fn fail(&mut self, name: &str, failed: Option<Source>, error: String) {
        let stem = self.stems.entry(name.to_owned()).or_default();
        stem.loading = None;
        let (serving, last_good) = (stem.serving.is_some(), self.good.get(name).map(good::Good::source));
        let fallback = folder::after_failure(serving, failed, last_good);
        tracing::error!(plugin = name, error = %error, old_one_serves = serving, "the plugin cannot be loaded");
        stem.error = Some(error);
        if let Fallback::Restore(source) = fallback {
            tracing::warn!(plugin = name, digest = %source.digest, "loading the last good one instead");
            self.restore(name, source);
        } else if let Some(source) = self.serves_under_old_settings(name).filter(|source| Some(*source) != failed) {
            // The configuration changed while the bad one was loading.
            self.restore(name, source);
        }
    }

    fn serves_under_old_settings(&self, name: &str) -> Option<Source> {
        let active = self.stems.get(name)?.serving.as_ref()?;
        (!self.has_current_settings(active)).then_some(active.source)
    }
}
