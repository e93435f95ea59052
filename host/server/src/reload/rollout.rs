//! Progressive reload: a new generation runs beside the one that serves, and takes a growing share of its calls.
//!
//! [`switchyard_core::rollout`] decides; this finds out what it decides by, and does what follows. What goes through takes
//! the place of the old one, as if it had been loaded only then. What goes back drains, and the old artifact is written
//! back into the folder, so that the folder says what serves.
//!
//! At once, as ever, come: a first artifact; one that has served under its stem before, since a rollback shall not wait;
//! what answers no HTTP, and what takes none, as there is nothing to compare; and new settings of the same files.
//!
//! **Invariants**: a newer artifact takes the place of a candidate, never of the one that serves; what was good stays
//! what the memory of good ones has until a candidate has gone through, so that a host that crashes meanwhile begins with
//! the old one and tries the new one again.

mod arrive;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_core::{
    folder::Wanted,
    rollout::{Back, Move, Rollout, Sight},
};

use super::{
    Reloader,
    load::Origin,
    stem::{Active, Candidate, Leaving, RolledBack, Stem},
};

/// How often both versions are looked at: a bad one gets its share for so much longer than it takes to tell.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

impl Reloader {
    /// When the rollouts have to be looked at again.
    pub(super) fn look_due(&self) -> Option<Instant> {
        let is_rolling = self.candidates().any(|(_, _, candidate)| candidate.rollout.is_some());
        is_rolling.then(|| self.looked_at + LOOK_PERIOD)
    }

    fn candidates(&self) -> impl Iterator<Item = (&String, &Stem, &Candidate)> {
        self.stems.iter().filter_map(|(name, stem)| Some((name, stem, stem.candidate.as_ref()?)))
    }

    /// Looks at the rollouts, and does what follows; whether anything does.
    pub(super) fn look(&mut self) -> bool {
        let now = Instant::now();
        self.looked_at = now;
        let mut moves = Vec::new();
        for (name, stem) in &mut self.stems {
            let (Some(old), Some(Candidate { active, rollout: Some(rollout) })) = (&stem.serving, &mut stem.candidate)
            else {
                continue;
            };
            if let Some(moved) = seen(old, active, |sight| rollout.poll(now, sight)) {
                moves.push((name.clone(), moved));
            }
        }
        for (name, moved) in &moves {
            match moved {
                Move::Grow { from, to } => {
                    tracing::info!(plugin = name, from, to, "the share of the new version grows");
                    self.routes_are_stale = true;
                }
                Move::Done => self.go_through(name),
                Move::Back(back) => self.go_back(name, back),
            }
        }
        !moves.is_empty()
    }

    /// Begins what can begin, and ends what nothing can come of. To be called after whatever has happened.
    pub(super) fn tend_candidates(&mut self) {
        let (mut alone, mut ready) = (Vec::new(), Vec::new());
        for (name, stem, candidate) in self.candidates() {
            let is_wanted = self.pace(&candidate.active).is_some();
            match &stem.serving {
                None if stem.loading.is_none() => alone.push(name.clone()),
                Some(old) if !is_wanted || !self.is_comparable(stem, old, &candidate.active) => {
                    alone.push(name.clone())
                }
                Some(old) if candidate.rollout.is_none() => {
                    let is_quick = old.optimising.is_some() || candidate.active.optimising.is_some();
                    ready.extend((!is_quick).then(|| name.clone()));
                }
                _ => {}
            }
        }
        alone.iter().for_each(|name| self.go_through(name));
        ready.iter().for_each(|name| self.begin_rollout(name));
    }

    fn begin_rollout(&mut self, name: &str) {
        let config = Arc::clone(&self.config);
        let Some(Stem { serving: Some(old), candidate: Some(candidate), .. }) = self.stems.get_mut(name) else {
            return;
        };
        let Some(pace) = config.reload(&old.manifest.name).pace() else { return };
        let rollout = seen(old, &candidate.active, |sight| Rollout::begin(Instant::now(), pace, sight));
        let (from, to, percent) = (&old.manifest.version, &candidate.active.manifest.version, rollout.percent());
        tracing::info!(plugin = name, %from, %to, percent, "the new version gets a share of the calls");
        candidate.rollout = Some(rollout);
        self.routes_are_stale = true;
    }

    fn go_through(&mut self, name: &str) {
        let Some(stem) = self.stems.get_mut(name) else { return };
        let Some(candidate) = stem.candidate.take() else { return };
        // That of a file that came after this one still holds.
        let error = stem.error.take();
        self.activate(name, candidate.active, &Origin::Folder);
        if let Some(stem) = self.stems.get_mut(name) {
            stem.error = error;
        }
    }

    fn go_back(&mut self, name: &str, back: &Back) {
        let Some(stem) = self.stems.get_mut(name) else { return };
        let Some(Candidate { active, .. }) = stem.candidate.take() else { return };
        let (generation, digest, version) = (active.generation, active.source.digest, active.manifest.version.clone());
        tracing::error!(plugin = name, %version, %digest, reason = %back, "the old version takes all calls again");
        stem.error = Some(back.to_string());
        stem.rolled_back = Some(RolledBack { generation, digest, version, percent: back.percent });
        // What came after it into the folder is none of this.
        let is_newest = stem.loading.is_none() && self.tried.get(name) == Some(&Wanted::Load(active.source));
        let good = self.good.get(name).map(|good| good.current.clone());
        if let Some(kept) = good.filter(|_| is_newest) {
            self.write_back(name, kept);
        }
        self.leaving.push(Leaving::replaced(name, active));
        (self.routes_are_stale, self.artifacts_are_stale) = (true, true);
    }
}

/// Shows both generations as they are now.
fn seen<T>(old: &Active, new: &Active, look: impl FnOnce(Sight<'_>) -> T) -> T {
    let (of_old, of_new) = (old.stats.tally(), new.stats.tally());
    look(Sight {
        old: &of_old,
        new: &of_new,
        is_old_refusing: old.instance.is_refusing(),
        is_new_refusing: new.instance.is_refusing(),
    })
}
