//! What is known of one file stem while the host runs.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use switchyard_core::{
    describe::Description,
    folder::Source,
    manifest::Manifest,
    name::{Digest, Generation},
};
use switchyard_dispatch::Instance;
use switchyard_runtime::{Plugin, settings::Settings};
use tokio::task::AbortHandle;

use super::refused::Refusals;

/// How many retired generations of a stem are shown.
const PAST_MAX: usize = 3;

/// One file stem of the folder.
#[derive(Debug, Default)]
pub(super) struct Stem {
    /// The generation in which the stem first became active: of two newcomers the first gets contested routes, and
    /// of two files of one service the first takes its traffic.
    pub(super) active_since: Option<Generation>,
    /// The load that is waited for.
    pub(super) loading: Option<Loading>,
    /// What is to be loaded once the load under way, of the last good one, has ended: its own files could not be
    /// read or kept.
    pub(super) retry: Option<Source>,
    /// Its file is gone, and the load of this stem takes its place: until that has ended, this one goes on.
    pub(super) successor: Option<String>,
    /// What takes traffic, or would if it were not staged.
    pub(super) serving: Option<Active>,
    /// Why the folder's newest file does not serve.
    pub(super) error: Option<String>,
    /// Whether another file of the same service takes its traffic.
    pub(super) is_staged: bool,
    /// What somebody else holds.
    pub(super) refused: Refusals,
    /// Retired generations, newest first.
    pub(super) past: VecDeque<Past>,
}

/// A load under way.
#[derive(Debug)]
pub(super) struct Loading {
    generation: Generation,
    /// Whether it failed before for a reason that is not its own; nothing waits for such a load.
    is_retry: bool,
    _job: Running,
}

/// Something that runs for one generation only. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Running(AbortHandle);

/// A generation that is loaded.
pub(super) struct Active {
    pub(super) source: Source,
    /// The side file's text.
    pub(super) side: Option<String>,
    pub(super) generation: Generation,
    pub(super) description: Arc<Description>,
    pub(super) manifest: Arc<Manifest>,
    pub(super) settings: Settings,
    pub(super) plugin: Arc<Plugin>,
    pub(super) instance: Arc<Instance>,
    /// When its stem first became active.
    pub(super) registered_at: SystemTime,
    /// Whether its code is the optimised one.
    pub(super) optimised: bool,
    /// Makes it so.
    pub(super) optimising: Option<Running>,
}

/// A generation that lost its traffic and may still answer.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) stem: String,
    pub(super) active: Active,
    /// Whether its file is gone, so that nothing follows it.
    pub(super) is_removed: bool,
    /// Whether somebody waits for it already.
    pub(super) is_draining: bool,
}

/// What is remembered of a retired generation.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) generation: Generation,
    pub(super) digest: Digest,
    pub(super) version: semver::Version,
}

// === impl Stem ===

impl Stem {
    /// A newer load takes the place of one that is under way.
    pub(super) fn begin(&mut self, generation: Generation, is_retry: bool, job: AbortHandle) {
        self.retry = None;
        self.successor = None;
        self.loading = Some(Loading { generation, is_retry, _job: Running::new(job) });
    }

    /// Whether the host is not ready until this has been loaded.
    pub(super) fn is_awaited(&self) -> bool {
        self.loading.as_ref().is_some_and(|loading| !loading.is_retry)
    }

    pub(super) fn is_loading(&self, generation: Generation) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.generation == generation)
    }

    /// Takes the stem apart; what served under it has to drain.
    pub(super) fn end(self) -> Option<Active> {
        self.serving
    }

    pub(super) fn retire(&mut self, active: Active) {
        let version = active.manifest.version.clone();
        self.past.push_front(Past { generation: active.generation, digest: active.source.digest, version });
        self.past.truncate(PAST_MAX);
    }
}

// === impl Running ===

impl Running {
    pub(super) fn new(job: AbortHandle) -> Self {
        Self(job)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl Active ===

impl Active {
    /// Says in the log that it is live.
    pub(super) fn announce(&self, stem: &str) {
        let (service, version) = (&self.manifest.name, &self.manifest.version);
        let (generation, digest) = (self.generation, self.source.digest);
        tracing::info!(plugin = stem, %service, %version, %generation, %digest, "live");
        if self.description.debug_build {
            tracing::warn!(plugin = stem, "built without optimisation; build it with --release");
        }
    }
}

impl std::fmt::Debug for Active {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Active")
            .field("source", &self.source)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

// === impl Leaving ===

impl Leaving {
    /// A newer generation took its place.
    pub(super) fn replaced(stem: &str, mut active: Active) -> Self {
        active.optimising = None;
        Self { stem: stem.to_owned(), active, is_removed: false, is_draining: false }
    }

    /// Its file is gone.
    pub(super) fn removed(stem: &str, active: Active) -> Self {
        Self { is_removed: true, ..Self::replaced(stem, active) }
    }
}
