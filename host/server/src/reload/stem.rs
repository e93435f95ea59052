//! What is known of one file stem while the host runs.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use switchyard_core::{
    describe::{Description, Role},
    folder::Source,
    manifest::Manifest,
    name::{Digest, Generation},
    rollout::Rollout,
};
use switchyard_dispatch::{Instance, Stats};
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
    /// What is to be loaded from the folder once the load under way, of the last good one, has ended: its own files could
    /// not be read or kept, or it has to be compared with that one.
    pub(super) next: Option<Next>,
    /// Whether the last good one cannot be loaded any more.
    pub(super) is_good_lost: bool,
    /// Its file is gone, and the load of this stem takes its place: until that has ended, this one goes on.
    pub(super) successor: Option<String>,
    /// What takes traffic, or would if it were not staged.
    pub(super) serving: Option<Active>,
    /// A newer generation that has to prove itself beside that one.
    pub(super) candidate: Option<Candidate>,
    /// The latest such generation that did not.
    pub(super) rolled_back: Option<RolledBack>,
    /// Why the folder's newest file does not serve.
    pub(super) error: Option<String>,
    /// Whether another file of the same service takes its traffic.
    pub(super) is_staged: bool,
    /// What somebody else holds.
    pub(super) refused: Refusals,
    /// Retired generations, newest first.
    pub(super) past: VecDeque<Past>,
}

/// A load to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) source: Source,
    /// How long to wait before.
    pub(super) pause: Duration,
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
    /// The signature's text.
    pub(super) signature: Option<String>,
    pub(super) generation: Generation,
    pub(super) description: Arc<Description>,
    pub(super) manifest: Arc<Manifest>,
    pub(super) settings: Settings,
    pub(super) plugin: Arc<Plugin>,
    pub(super) instance: Arc<Instance>,
    /// What is counted of its calls while there are other versions to share them with.
    pub(super) stats: Arc<Stats>,
    /// When its stem first became active.
    pub(super) registered_at: SystemTime,
    /// Whether its code is the optimised one.
    pub(super) optimised: bool,
    /// Makes it so.
    pub(super) optimising: Option<Running>,
}

/// A generation that takes a growing share of the calls of the one that serves.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) active: Active,
    /// None until there is one to compare it with, and both run the optimised code: what was made quickly takes its time.
    pub(super) rollout: Option<Rollout>,
}

/// A generation that did worse than the one that serves.
#[derive(Clone, Debug)]
pub(super) struct RolledBack {
    pub(super) generation: Generation,
    pub(super) digest: Digest,
    pub(super) version: semver::Version,
    /// Its share when that showed, of a hundred calls.
    pub(super) percent: u8,
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
        self.next = None;
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

    /// What has this generation, if it can take traffic.
    pub(super) fn generation_mut(&mut self, generation: Generation) -> Option<&mut Active> {
        let candidate = self.candidate.as_mut().map(|candidate| &mut candidate.active);
        self.serving.iter_mut().chain(candidate).find(|active| active.generation == generation)
    }

    /// The components that it needs.
    pub(super) fn digests(&self) -> impl Iterator<Item = Digest> {
        let candidate = self.candidate.as_ref().map(|candidate| &candidate.active);
        self.serving.iter().chain(candidate).map(|active| active.source.digest)
    }

    /// Takes the stem apart; what served under it, and what ran beside that, has to drain.
    pub(super) fn end(self) -> (Option<Active>, Option<Active>) {
        (self.serving, self.candidate.map(|candidate| candidate.active))
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
    /// Whether it has a share of requests that could be compared with another's.
    pub(super) fn answers_http(&self) -> bool {
        let roles = [Role::HttpHandler, Role::WasiHttp02, Role::WasiHttp03];
        roles.iter().any(|role| self.description.roles.contains(role))
    }

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
