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
    manifest::{Manifest, SideFile},
    name::{Digest, Generation, PluginFile},
};
use switchyard_dispatch::Instance;
use switchyard_runtime::{PluginSpec, Runtime};
use tokio::sync::Semaphore;

use super::{
    artifacts::{Artifacts, CopyError},
    stem::Active,
};
use crate::config::{Config, explain};

/// The longest side file, in bytes.
const SIDE_MAX: u64 = 1 << 20;

/// Loads components, a bounded number at a time.
pub(super) struct Loader {
    runtime: Arc<Runtime>,
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
    /// Its files cannot be read or kept now, which may pass; the text says why.
    Trouble(String),
    /// It cannot be a plugin; the text says why.
    Bad(String),
}

// === impl Loader ===

impl Loader {
    pub(super) fn new(runtime: Arc<Runtime>, artifacts: Artifacts, plugins: PathBuf) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { runtime, artifacts, plugins, turns: Semaphore::new(cores), optimising: Semaphore::new(1) }
    }

    /// Copies, compiles where needed, describes, checks, and makes the generation.
    pub(super) async fn load(self: &Arc<Self>, order: &Order) -> Result<Active, LoadFailure> {
        tokio::time::sleep(order.pause).await;
        // The semaphore is never closed; without a permit loading is still right.
        let _turn = self.turns.acquire().await.ok();
        let (artifact, side) = self.files(order).await?;
        let prepared = self.runtime.prepare(&artifact, order.source.digest).await.map_err(bad)?;
        let manifest = manifest(&order.stem, prepared.description.manifest.clone(), side.as_deref());
        let manifest = manifest.map_err(LoadFailure::Bad)?;
        let settings = order.config.settings(&manifest.name, manifest.guests);
        let spec = PluginSpec {
            service: manifest.name.clone(),
            generation: order.generation,
            digest: order.source.digest,
            description: Arc::clone(&prepared.description),
            settings: settings.clone(),
        };
        let nothing = || LoadFailure::Bad("it serves no role that this host can call".to_owned());
        let plugin = self.runtime.plugin(spec).ok_or_else(nothing)?;
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

/// What the component says of itself, or its file name, with the side file's text over it.
///
/// # Errors
/// With what is wrong: the file's name, the side file, or a route.
pub(crate) fn manifest(stem: &str, own: Option<Manifest>, side: Option<&str>) -> Result<Manifest, String> {
    let file = PluginFile::from_stem(stem).map_err(|invalid| invalid.to_string())?;
    let mut manifest = own.unwrap_or_else(|| Manifest::of_file(file.service, file.version));
    manifest.default_routes();
    if let Some(text) = side {
        let name = format!("{stem}.toml");
        let side: SideFile = toml::from_str(text).map_err(|error| explain(&name, text, &error))?;
        manifest.overlay(side);
    }
    manifest.check().map_err(|invalid| invalid.to_string())?;
    Ok(manifest)
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
