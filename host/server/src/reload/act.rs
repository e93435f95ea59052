//! What the folder and the configuration ask for, put into loads and removals.

use std::{sync::Arc, time::Duration};

use switchyard_core::{
    folder::{self, Action, Fallback, Source, Wanted},
    name::Generation,
};

use super::{
    Job, Reloader, good,
    load::{Order, Origin},
    stem::{Leaving, Stem},
};
use crate::{config::Config, watch::Event};

impl Reloader {
    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Changed(file, Some(item)) => _ = self.items.insert(file, item),
            Event::Changed(file, None) => _ = self.items.remove(&file),
            Event::Ready => self.scanned = true,
        }
        // At the start a component may be told before its side file: it is loaded once, with both.
        if self.scanned {
            self.follow();
        }
    }

    pub(super) fn on_config(&mut self, config: Arc<Config>) {
        self.config = config;
        self.routes_are_stale = true;
        let differ: Vec<(String, Source)> = self
            .stems
            .iter()
            .filter_map(|(name, stem)| Some((name, stem.serving.as_ref()?)))
            .filter(|(_, active)| {
                active.settings != self.config.settings(&active.manifest.name, active.manifest.guests)
            })
            .map(|(name, active)| (name.clone(), active.source))
            .collect();
        for (name, source) in differ {
            if self.tried.get(&name) == Some(&Wanted::Load(source)) {
                self.load(&name, source, Origin::Folder, Duration::ZERO);
            } else {
                self.restore(&name, source);
            }
        }
    }

    /// Does what the folder asks for now.
    fn follow(&mut self) {
        let wanted = folder::wanted(&self.items);
        for action in folder::plan(&wanted, &self.tried) {
            match action {
                Action::Load { stem, source, .. } => self.load(&stem, source, Origin::Folder, Duration::ZERO),
                Action::Fail { stem, error } => self.fail(&stem, None, error),
                Action::Remove { stem } => self.remove(&stem),
            }
        }
        self.good.retain(|stem| wanted.contains_key(stem));
        self.tried = wanted;
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
        self.stems.entry(name.to_owned()).or_insert_with(|| Stem::new(generation)).begin(generation, job);
    }

    fn restore(&mut self, name: &str, source: Source) {
        if let Some(good) = self.good.get(name).filter(|good| good.source() == source) {
            let side = good.side.clone();
            self.load(name, source, Origin::Memory { side }, Duration::ZERO);
        }
    }

    fn remove(&mut self, name: &str) {
        tracing::info!(plugin = name, "removed");
        self.good.forget(name);
        if let Some(stem) = self.stems.remove(name)
            && let Some(active) = stem.end()
        {
            self.routes_are_stale = true;
            self.leaving.push(Leaving::removed(name, active));
        }
    }

    pub(super) fn fail(&mut self, name: &str, failed: Option<Source>, error: String) {
        let generation = Generation(self.last_generation);
        let stem = self.stems.entry(name.to_owned()).or_insert_with(|| Stem::new(generation));
        stem.loading = None;
        let (serving, last_good) = (stem.serving.is_some(), self.good.get(name).map(good::Good::source));
        let fallback = folder::after_failure(serving, failed, last_good);
        tracing::error!(plugin = name, error = %error, old_one_serves = serving, "the plugin cannot be loaded");
        stem.error = Some(error);
        if let Fallback::Restore(source) = fallback {
            tracing::warn!(plugin = name, digest = %source.digest, "loading the last good one instead");
            self.restore(name, source);
        }
    }
}
