//! Which generations run beside the one that serves, and what ends them before they have proved themselves.

use std::time::Duration;

use switchyard_core::{
    folder::{Source, Wanted},
    rollout::Pace,
};

use crate::{
    config::Config,
    reload::{
        Reloader,
        good::Good,
        load::Origin,
        stem::{Active, Candidate, Leaving, Next, Stem},
    },
};

impl Reloader {
    /// Lets a generation that can take traffic take it: all at once, or beside the one that serves.
    pub(in crate::reload) fn arrive(&mut self, name: &str, mut active: Active, origin: &Origin) {
        self.optimise(name, &mut active);
        if self.goes_beside(name, &active, origin) {
            self.run_beside(name, active);
            return;
        }
        if matches!(origin, Origin::Folder) {
            self.drop_candidate(name);
        }
        if let Some(candidate) = self.stems.get_mut(name).and_then(|stem| stem.candidate.as_mut()) {
            // It is compared with another one from now on.
            candidate.rollout = None;
        }
        self.activate(name, active, origin);
    }

    fn goes_beside(&self, name: &str, active: &Active, origin: &Origin) -> bool {
        let (Some(stem), Some(good)) = (self.stems.get(name), self.good.get(name)) else { return false };
        let has_served = good.all().any(|kept| kept.source() == active.source);
        let is_wanted = matches!(origin, Origin::Folder) && self.pace(active).is_some() && active.answers_http();
        // After a start nothing serves yet, and what was good last is to be compared with.
        let is_comparable = match &stem.serving {
            Some(old) => self.is_comparable(stem, old, active),
            None => !stem.is_good_lost,
        };
        is_wanted && !has_served && is_comparable
    }

    /// Whether both answer the same calls, and get some.
    pub(super) fn is_comparable(&self, stem: &Stem, old: &Active, new: &Active) -> bool {
        old.manifest.name == new.manifest.name && old.answers_http() && self.takes_calls(stem, old)
    }

    /// Whether HTTP calls of its service come to it: to the main version, and to those that have a share.
    fn takes_calls(&self, stem: &Stem, active: &Active) -> bool {
        let traffic = self.asked.traffic.borrow();
        let kept = traffic.by_key.get(active.manifest.name.as_str());
        !stem.is_staged || kept.is_some_and(|kept| kept.gives(&active.manifest.version))
    }

    pub(super) fn pace(&self, active: &Active) -> Option<Pace> {
        self.config.reload(&active.manifest.name).pace()
    }

    fn run_beside(&mut self, name: &str, active: Active) {
        self.drop_candidate(name);
        let good = self.good.get(name).map(Good::source);
        let Some(stem) = self.stems.get(name) else { return };
        let first = match &stem.serving {
            // The configuration changed while this one was loading.
            Some(old) => (!self.has_current_settings(old)).then_some(old.source),
            None => good,
        };
        if let Some(first) = first.filter(|first| good == Some(*first)) {
            self.restore(name, first);
            self.load_next(vec![(name.to_owned(), active.source)]);
            return;
        }
        let (generation, digest) = (active.generation, active.source.digest);
        tracing::info!(plugin = name, %generation, %digest, "it is compared with the one that serves");
        if let Some(stem) = self.stems.get_mut(name) {
            (stem.error, stem.rolled_back) = (None, None);
            stem.candidate = Some(Candidate { active, rollout: None });
        }
    }

    /// Loads these from the folder, each once what is loading under its stem has ended.
    pub(in crate::reload) fn load_next(&mut self, sources: Vec<(String, Source)>) {
        for (name, source) in sources {
            match self.stems.get_mut(&name).filter(|stem| stem.loading.is_some()) {
                Some(stem) => stem.next = Some(Next { source, pause: Duration::ZERO }),
                None => self.load(&name, source, Origin::Folder, Duration::ZERO),
            }
        }
    }

    /// Has a candidate leave, for what comes after it.
    pub(in crate::reload) fn drop_candidate(&mut self, name: &str) {
        let candidate = self.stems.get_mut(name).and_then(|stem| stem.candidate.take());
        if let Some(candidate) = candidate {
            self.routes_are_stale |= candidate.rollout.is_some();
            self.artifacts_are_stale = true;
            self.leaving.push(Leaving::replaced(name, candidate.active));
        }
    }

    /// Has those leave that run under settings of the past, or were judged by keys of the past, and answers what has to be
    /// loaded again. To be called when the configuration was `old` until now.
    pub(in crate::reload) fn drop_past_candidates(&mut self, old: &Config) -> Vec<(String, Source)> {
        let is_past = |active: &Active| !self.has_current_settings(active) || self.trusts_others_than(old);
        let past: Vec<_> = self
            .candidates()
            .filter(|(_, _, candidate)| is_past(&candidate.active))
            .map(|(name, _, candidate)| (name.clone(), candidate.active.source))
            .collect();
        past.iter().for_each(|(name, _)| self.drop_candidate(name));
        past.into_iter().filter(|(name, source)| self.tried.get(name) == Some(&Wanted::Load(*source))).collect()
    }
}
