//! Compiled code on disk, and what is known of each component, by the digest of its bytes.
//!
//! One index file for each digest says what the component is and which code there is for it. Code files are
//! written beside it, synced, renamed into place and never changed. Loading code is loading a program, so the
//! cache is as private as a private key, and a file that is not byte for byte what was written is compiled again:
//! the folder is 0700, files must belong to this user and nobody else may write them, and their SHA-256 is checked
//! each time before they are mapped.

pub(crate) mod map;
mod refused;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use switchyard_core::{
    describe::{Description, Track},
    name::Digest,
};

use crate::{
    compile::COMPILE_TIME_MAX,
    engine::{Tier, compatibility},
};

/// Rises when this host finds more in a component than it did, so that what was found before is looked for again.
const LOOK: u32 = 4;

/// The extension of files that are not whole yet.
const TEMPORARY: &str = "tmp";

/// The cache's folder.
pub(crate) struct CodeCache {
    folder: PathBuf,
    /// What code must have been made for, by tier and track.
    compatibility: BTreeMap<(Tier, bool), String>,
    /// Held while an index is read, changed and written.
    writing: Mutex<()>,
}

/// What is known of one digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) description: Description,
    code: BTreeMap<Tier, CodeFile>,
}

/// One file of code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CodeFile {
    /// Its name in the folder.
    file: String,
    /// The SHA-256 of its bytes.
    sha256: Digest,
    /// Which engine can load it.
    compatibility: String,
}

/// Why code cannot be used. The remedy is always to compile again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    #[error("cannot read the cached code {0}")]
    Io(PathBuf, #[source] io::Error),
    #[error("the cached code {0} belongs to another user or can be written by others")]
    Foreign(PathBuf),
    #[error("the cached code {0} is damaged")]
    Damaged(PathBuf),
    #[error("the cached code {0} does not load: {1}")]
    Refused(PathBuf, String),
}

// === impl CodeCache ===

impl CodeCache {
    /// Opens the cache's folder, making it when it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or is not this user's alone.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let meta = fs::metadata(&folder)?;
        if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
            let text =
                format!("{} must belong to this user and be writable by nobody else (chmod 700)", folder.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        let mut known = BTreeMap::new();
        for (tier, track) in
            [Tier::Winch, Tier::Cranelift].into_iter().flat_map(|tier| [(tier, Track::P2), (tier, Track::P3)])
        {
            // A tier that this machine lacks has no code that fits, and is never asked for.
            if let Ok(text) = compatibility(track, tier) {
                known.insert((tier, track == Track::P3), text);
            }
        }
        remove_leftovers(&folder);
        refused::remove_old(&folder);
        Ok(Self { folder, compatibility: known, writing: Mutex::new(()) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn tier_exists(&self, tier: Tier, track: Track) -> bool {
        self.compatibility.contains_key(&(tier, track == Track::P3))
    }

    /// What is known of a digest, and only that which this host can use.
    pub(crate) fn entry(&self, digest: Digest) -> Option<Entry> {
        let text = fs::read_to_string(self.index(digest)).ok()?;
        let (check, json) = text.split_once('\n')?;
        if check != stamp(json) {
            return None;
        }
        let mut entry: Entry = serde_json::from_str(json).ok()?;
        let track = entry.description.track;
        entry.code.retain(|tier, code| {
            self.compatibility.get(&(*tier, track == Track::P3)) == Some(&code.compatibility)
                && self.folder.join(&code.file).exists()
        });
        Some(entry)
    }

    /// Takes over what a compile child made: its code file, and what it found out.
    pub(crate) fn insert(&self, digest: Digest, made: Made) -> io::Result<Entry> {
        let track = made.description.track;
        let compatibility = self.compatibility.get(&(made.tier, track == Track::P3)).cloned().unwrap_or_default();
        let tier = if made.tier == Tier::Winch { "winch" } else { "cranelift" };
        // The content's digest is part of the name, so a file is never replaced under a process that maps it.
        let file = format!("{digest}-{tier}-{}.cwasm", &made.sha256.to_string()[..16]);
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        fs::rename(&made.file, self.folder.join(&file))?;
        let mut entry = self
            .entry(digest)
            .unwrap_or_else(|| Entry { description: made.description.clone(), code: BTreeMap::new() });
        entry.description = made.description;
        entry.code.insert(made.tier, CodeFile { file, sha256: made.sha256, compatibility });
        let json = serde_json::to_string(&entry)?;
        write_synced(&self.index(digest), format!("{}\n{json}", stamp(&json)).as_bytes())?;
        Ok(entry)
    }

    /// Opens code and checks that it is what was written.
    pub(crate) fn verified(&self, code: &CodeFile) -> Result<(File, PathBuf), CodeError> {
        let path = self.folder.join(&code.file);
        let io = |error| CodeError::Io(path.clone(), error);
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let mut file = fs::OpenOptions::new().read(true).custom_flags(no_follow).open(&path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
            return Err(CodeError::Foreign(path));
        }
        let mut hasher = Sha256::new();
        io::copy(&mut file, &mut hasher).map_err(io)?;
        if Digest::from_bytes(hasher.finalize().into()) != code.sha256 {
            return Err(CodeError::Damaged(path));
        }
        Ok((file, path))
    }

    /// Forgets a digest: its index, and all code that was ever made of it. That it was refused is remembered for its time.
    pub(crate) fn forget(&self, digest: Digest) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = digest.to_string();
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_of_it = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
        for path in entries.map(|entry| entry.path()).filter(|path| is_of_it(path) && !refused::is_refusal(path)) {
            // Best effort: what stays is found to be unusable again.
            let _ = fs::remove_file(path);
        }
    }

    fn index(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}.json"))
    }
}

// === impl Entry ===

impl Entry {
    /// The best code there is.
    pub(crate) fn best(&self) -> Option<(Tier, &CodeFile)> {
        self.code.last_key_value().map(|(tier, code)| (*tier, code))
    }

    pub(crate) fn has(&self, tier: Tier) -> bool {
        self.code.contains_key(&tier)
    }
}

/// The first line of an index: who wrote it, and what follows.
fn stamp(json: &str) -> String {
    format!("{}-{LOOK} {}", env!("CARGO_PKG_VERSION"), Digest::of(json.as_bytes()))
}

/// What a compile child answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) tier: Tier,
    /// The code, under a temporary name in the cache's folder.
    pub(crate) file: PathBuf,
    pub(crate) sha256: Digest,
    pub(crate) description: Description,
}

/// Removes what compile children left that did not end well. One that still runs writes a file younger than it may
/// get old itself.
fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_temporary = entry.path().extension().is_some_and(|extension| extension == TEMPORARY);
        let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
        if is_temporary && age.is_some_and(|age| age > COMPILE_TIME_MAX) {
            // Best effort: the next start tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A name that nobody else uses, for a file that is renamed once it is whole.
pub(crate) fn temporary(folder: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    folder.join(format!("{}-{}-{}.{TEMPORARY}", std::process::id(), now.as_nanos(), NEXT.fetch_add(1, Relaxed)))
}

/// Writes a file so that a crash leaves the old one or the new one, whole.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path.parent().unwrap_or(Path::new(".")));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
