//! From a settled file to a generation that can take traffic.

mod files;

use std::{
    collections::BTreeSet,
    error::Error,
    fmt::Write,
    io,
    path::PathBuf,
    sync::Arc,
    thread::available_parallelism,
    time::{Duration, SystemTime},
};

use switchyard_core::{
    folder::{self, Source},
    manifest::Manifest,
    name::{Digest, Generation, PluginFile},
};
use switchyard_delivery::Delivery;
use switchyard_dispatch::Instance;
use switchyard_runtime::{Plugin, PluginSpec, PrepareError, Prepared, Runtime, settings::Settings};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    artifacts::{Artifacts, Received},
    good::Kept,
    manifest::manifest,
    place::{self, PlaceError},
    signature,
    stem::Active,
};
use crate::{config::Config, watch::digest_of};

pub(super) use files::{Files, Origin};

/// Loads components, a bounded number at a time.
pub(super) struct Loader {
    runtime: Arc<Runtime>,
    delivery: Arc<Delivery>,
    artifacts: Artifacts,
    plugins: PathBuf,
    /// One load for each core: compiling keeps a core busy.
    turns: Semaphore,
    /// Optimising runs beside live traffic, one at a time.
    optimising: Semaphore,
}

/// What to load.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) stem: String,
    pub(super) source: Source,
    pub(super) origin: Origin,
    pub(super) generation: Generation,
    pub(super) config: Arc<Config>,
    /// How long to wait before.
    pub(super) pause: Duration,
}

/// A component that can be a plugin.
pub(super) struct Examined {
    prepared: Prepared,
    manifest: Manifest,
    settings: Settings,
    plugin: Arc<Plugin>,
}

/// Why nothing was loaded.
#[derive(Debug)]
pub(super) enum LoadFailure {
    /// The file is no longer what had settled.
    Changed,
    /// Its files or its place among events cannot be read or kept now, which may pass; the text says why.
    Trouble(String),
    /// It cannot be a plugin; the text says why.
    Bad(String),
}

// === impl Loader ===

impl Loader {
    pub(super) fn new(runtime: Arc<Runtime>, delivery: Arc<Delivery>, artifacts: Artifacts, plugins: PathBuf) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { runtime, delivery, artifacts, plugins, turns: Semaphore::new(cores), optimising: Semaphore::new(1) }
    }

    /// Copies, compiles where needed, describes, checks, and makes the generation.
    pub(super) async fn load(self: &Arc<Self>, order: &Order) -> Result<Active, LoadFailure> {
        tokio::time::sleep(order.pause).await;
        let _turn = self.turn().await;
        let files = self.files(order).await?;
        let Examined { prepared, manifest, settings, plugin } = self.examine(order, &files).await?;
        // What is published between now and its first delivery waits for it.
        let opened = self.delivery.open_cursors(&manifest).await;
        opened.map_err(|error| LoadFailure::Trouble(format!("its subscriptions cannot begin: {error}")))?;
        Ok(Active {
            source: order.source,
            side: files.side,
            signature: files.signature,
            generation: order.generation,
            description: prepared.description,
            manifest: Arc::new(manifest),
            settings,
            instance: Instance::new(Arc::clone(&plugin)),
            stats: Arc::default(),
            plugin,
            registered_at: SystemTime::now(),
            optimised: prepared.optimised,
            optimising: None,
        })
    }

    /// Who vouches for it, what it is, and what it may use: all that can be wrong with a plugin, short of taking it into
    /// use.
    pub(super) async fn examine(&self, order: &Order, files: &Files) -> Result<Examined, LoadFailure> {
        let (digest, config) = (order.source.digest, &order.config);
        // Before anything else meets its bytes.
        self.vouched(order.source, files, config).await.map_err(LoadFailure::Bad)?;
        // As which service it will serve only it can tell, so what is said of its file's holds as well.
        let of_file = PluginFile::from_stem(&order.stem).is_ok_and(|file| config.winch(&file.service));
        let mut prepared = match of_file {
            true => self.runtime.prepare(&files.artifact, digest).await.map_err(unprepared)?,
            false => self.runtime.prepare_optimised(&files.artifact, digest).await.map_err(unprepared)?,
        };
        let manifest = manifest(&order.stem, &prepared.description, files.side.as_deref()).map_err(LoadFailure::Bad)?;
        let settings = config.settings(&manifest.name, manifest.guests);
        let winch = of_file && settings.winch;
        if !winch && !prepared.optimised {
            prepared = self.runtime.prepare_optimised(&files.artifact, digest).await.map_err(unprepared)?;
        }
        let limits = &settings.limits;
        prepared.description.needs.check(limits.memory_max, u64::from(limits.tables_max)).map_err(bad)?;
        let spec = PluginSpec {
            service: manifest.name.clone(),
            generation: order.generation,
            digest,
            description: Arc::clone(&prepared.description),
            settings: Settings { winch, ..settings.clone() },
        };
        let runtime = Arc::clone(&self.runtime);
        // Folders that it is granted may be on another machine.
        let plugin = tokio::task::spawn_blocking(move || runtime.plugin(spec)).await.map_err(bad)?;
        // What it was promised may come yet.
        let plugin = plugin.map_err(|error| LoadFailure::Trouble(in_one_line(error)))?;
        Ok(Examined { prepared, manifest, settings, plugin })
    }

    /// Whether somebody whom the configuration trusts vouches for it; without trusted keys nobody has to.
    pub(super) async fn vouched(&self, source: Source, files: &Files, config: &Config) -> Result<(), String> {
        if config.plugins.trusted_keys.is_empty() {
            return Ok(());
        }
        let (keys, files) = (config.plugins.trusted_keys.clone(), files.clone());
        let verify = move || signature::verify(&keys, &files.artifact, files.signature.as_deref(), source.side);
        let verified = tokio::task::spawn_blocking(verify).await.map_err(in_one_line)?;
        verified.map_err(in_one_line)
    }

    /// Whether a file of the folder holds this now, or is not there if that is none.
    pub(super) fn holds(&self, file: &str, wanted: Option<Digest>) -> bool {
        match (digest_of(&self.plugins.join(file), folder::size_max(file)), wanted) {
            (Ok((_, found)), Some(wanted)) => found == wanted,
            (Err(error), None) => error.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Puts this in place under a stem of the folder.
    pub(super) fn put(&self, stem: &str, kept: &Kept) -> Result<(), PlaceError> {
        place::put(&self.plugins, stem, &self.artifacts.path(kept.digest), kept)
    }

    /// Takes the files of a stem out of the folder.
    pub(super) fn take_out(&self, stem: &str) -> Result<(), PlaceError> {
        place::take_out(&self.plugins, stem)
    }

    /// Makes an artifact of what has been sent.
    pub(super) fn adopt(&self, received: Received) -> io::Result<PathBuf> {
        self.artifacts.adopt(received)
    }

    /// Where the artifact of this digest is.
    pub(super) fn artifact(&self, digest: Digest) -> PathBuf {
        self.artifacts.path(digest)
    }

    /// A place among those that compile. The semaphore is never closed; without a permit loading is still right.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Whether there is optimised code now.
    pub(super) async fn optimise(&self, stem: &str, digest: Digest) -> bool {
        let _turn = self.optimising.acquire().await.ok();
        match self.runtime.optimise(&self.artifacts.path(digest), digest).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(plugin = stem, %error, "it stays with the code that was made quickly");
                false
            }
        }
    }

    /// Removes the copy of what turned out bad, and what was made of it: a file that cost whoever dropped it nothing, as one
    /// with holes does, shall not stay on the disk of the data.
    pub(super) fn discard(&self, digest: Digest) {
        if let Err(error) = self.artifacts.remove(digest) {
            tracing::warn!(%digest, %error, "the copy of a bad component cannot be removed now");
        }
        self.runtime.forget(digest);
    }

    /// Removes the artifacts that are not among these, and the code that was made of them.
    pub(super) fn retain(&self, referenced: &BTreeSet<Digest>) -> io::Result<()> {
        for digest in self.artifacts.retain(referenced)? {
            self.runtime.forget(digest);
        }
        Ok(())
    }
}

/// What the host itself could not do may be possible later.
fn unprepared(error: PrepareError) -> LoadFailure {
    match error {
        PrepareError::Host(_) => LoadFailure::Trouble(in_one_line(error)),
        error => bad(error),
    }
}

fn bad(error: impl Error) -> LoadFailure {
    LoadFailure::Bad(in_one_line(error))
}

/// An error with all that caused it.
pub(super) fn in_one_line(error: impl Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string never fails.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
