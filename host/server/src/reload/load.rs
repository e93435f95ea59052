//! From a settled file to a generation that can take traffic.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::available_parallelism,
    time::{Duration, SystemTime},
};

use switchyard_core::{
    folder::Source,
    name::{Digest, Generation},
};
use switchyard_delivery::Delivery;
use switchyard_dispatch::Instance;
use switchyard_runtime::{PluginSpec, Runtime};
use tokio::sync::Semaphore;

use super::{
    artifacts::{Artifacts, CopyError},
    manifest::manifest,
    stem::Active,
};
use crate::config::Config;

/// The longest side file, in bytes.
const SIDE_MAX: u64 = 1 << 20;

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

/// Where its files are.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// In the plugins folder.
    Folder,
    /// The component is among the artifacts already, and this is its side file's text.
    Memory { side: Option<String> },
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
        // The semaphore is never closed; without a permit loading is still right.
        let _turn = self.turns.acquire().await.ok();
        let (artifact, side) = self.files(order).await?;
        let prepared = self.runtime.prepare(&artifact, order.source.digest).await.map_err(bad)?;
        let manifest = manifest(&order.stem, &prepared.description, side.as_deref()).map_err(LoadFailure::Bad)?;
        // What is published between now and its first delivery waits for it.
        let opened = self.delivery.open_cursors(&manifest).await;
        opened.map_err(|error| LoadFailure::Trouble(format!("its subscriptions cannot begin: {error}")))?;
        let settings = order.config.settings(&manifest.name, manifest.guests);
        let spec = PluginSpec {
            service: manifest.name.clone(),
            generation: order.generation,
            digest: order.source.digest,
            description: Arc::clone(&prepared.description),
            settings: settings.clone(),
        };
        let plugin = self.runtime.plugin(spec);
        Ok(Active {
            source: order.source,
            side,
            generation: order.generation,
            description: prepared.description,
            manifest: Arc::new(manifest),
            settings,
            instance: Instance::new(Arc::clone(&plugin)),
            plugin,
            registered_at: SystemTime::now(),
            optimised: prepared.optimised,
            optimising: None,
        })
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

    /// Removes the artifacts that are not among these, and the code that was made of them.
    pub(super) fn retain(&self, referenced: &BTreeSet<Digest>) -> io::Result<()> {
        for digest in self.artifacts.retain(referenced)? {
            self.runtime.forget(digest);
        }
        Ok(())
    }

    async fn files(self: &Arc<Self>, order: &Order) -> Result<(PathBuf, Option<String>), LoadFailure> {
        let (loader, order) = (Arc::clone(self), order.clone());
        let files = tokio::task::spawn_blocking(move || match order.origin {
            Origin::Memory { side } => Ok((loader.artifacts.path(order.source.digest), side)),
            Origin::Folder => {
                let file = loader.plugins.join(format!("{}.wasm", order.stem));
                let artifact = loader.artifacts.keep(order.source.digest, &file)?;
                let side = loader.plugins.join(format!("{}.toml", order.stem));
                Ok((artifact, order.source.side.map(|digest| side_text(&side, digest)).transpose()?))
            }
        });
        files.await.map_err(bad)?.map_err(|error| match error {
            CopyError::Changed => LoadFailure::Changed,
            error @ CopyError::Unusable { .. } => bad(error),
            error @ CopyError::Io { .. } => LoadFailure::Trouble(in_one_line(error)),
        })
    }
}

fn side_text(file: &Path, digest: Digest) -> Result<String, CopyError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => CopyError::Changed,
        _ => CopyError::Io { from: file.to_owned(), to: "memory".into(), source },
    };
    let unusable = |why| CopyError::Unusable { file: file.to_owned(), why };
    if fs::metadata(file).map_err(failed)?.len() > SIDE_MAX {
        return Err(unusable("it is longer than 1 MiB; shorten it"));
    }
    let bytes = fs::read(file).map_err(failed)?;
    if Digest::of(&bytes) != digest {
        return Err(CopyError::Changed);
    }
    String::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8; save it as such"))
}

fn bad(error: impl Error) -> LoadFailure {
    LoadFailure::Bad(in_one_line(error))
}

/// An error with all that caused it.
fn in_one_line(error: impl Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string never fails.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
