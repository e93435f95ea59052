//! Follows the trusted keys while the host runs.
//!
//! Once they have changed, what serves is looked at again: what nobody who is trusted vouches for any more loses its
//! traffic, unlike what fails in other ways. What failed is tried again, since who vouches for it may be trusted now.

use std::sync::Arc;

use switchyard_core::{folder::Wanted, name::Generation};

use super::{
    Job, Reloader,
    load::Files,
    stem::{Active, Leaving},
};
use crate::config::Config;

/// What was found out about one generation.
pub(super) struct Vouched {
    stem: String,
    generation: Generation,
    /// The keys that were trusted then.
    config: Arc<Config>,
    result: Result<(), String>,
}

impl Reloader {
    /// To be called when the configuration was `old` until now.
    pub(super) fn follow_trust(&mut self, old: &Config) {
        if !self.trusts_others_than(old) {
            return;
        }
        for (name, active) in self.stems.iter().filter_map(|(name, stem)| Some((name, stem.serving.as_ref()?))) {
            let (loader, config, stem) = (Arc::clone(&self.loader), Arc::clone(&self.config), name.clone());
            let (source, generation, files) = (active.source, active.generation, self.files_of(active));
            self.jobs.spawn(async move {
                let result = loader.vouched(source, &files, &config).await;
                Job::Vouched(Vouched { stem, generation, config, result })
            });
        }
        let has_failed = |stem: &String, wanted: &Wanted| {
            let Some(known) = self.stems.get(stem).filter(|known| known.loading.is_none()) else { return false };
            let serving = known.serving.as_ref().map(|active| active.source);
            matches!(wanted, Wanted::Load(source) if serving != Some(*source))
        };
        let failed: Vec<String> =
            self.tried.iter().filter(|(stem, wanted)| has_failed(stem, wanted)).map(|(stem, _)| stem.clone()).collect();
        for stem in failed {
            self.tried.remove(&stem);
        }
        if self.scanned {
            self.follow();
        }
    }

    pub(super) fn on_vouched(&mut self, vouched: Vouched) {
        let Vouched { stem: name, generation, config, result: Err(reason) } = vouched else { return };
        if self.trusts_others_than(&config) {
            return;
        }
        let Some(stem) = self.stems.get_mut(&name) else { return };
        if let Some(active) = stem.serving.take_if(|active| active.generation == generation) {
            tracing::error!(plugin = name, error = %reason, "nobody who is trusted vouches for it any more; it ends");
            stem.error = Some(reason);
            self.leaving.push(Leaving::replaced(&name, active));
            self.routes_are_stale = true;
        }
    }

    /// Whether other keys are trusted now.
    pub(super) fn trusts_others_than(&self, old: &Config) -> bool {
        old.plugins.trusted_keys != self.config.plugins.trusted_keys
    }

    fn files_of(&self, active: &Active) -> Files {
        let artifact = self.loader.artifact(active.source.digest);
        Files { artifact, side: active.side.clone(), signature: active.signature.clone() }
    }
}
