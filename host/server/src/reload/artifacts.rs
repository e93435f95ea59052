//! Private copies of the components that serve or served: `data/artifacts/DIGEST.wasm`.
//!
//! The folder's own file may change at any time; what is compiled, and what serves again after a restart, is this
//! copy. What the admin API is sent comes in here as well, so that it is looked at before it is in the folder.
//!
//! **Invariant**: a file of that name has that digest: it is written aside, synced and renamed.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use switchyard_core::{folder::COMPONENT_MAX, name::Digest};
use tokio::io::AsyncWriteExt;

use crate::watch::copy_settled;

const SUFFIX: &str = ".wasm";

/// How names of files end that are not whole yet.
const ASIDE: &str = ".tmp";

/// The folder of copies.
#[derive(Clone, Debug)]
pub(crate) struct Artifacts {
    dir: PathBuf,
}

/// A component that is being sent.
pub(crate) struct Incoming {
    aside: Aside,
    file: tokio::fs::File,
    hasher: Sha256,
    length: u64,
}

/// A component that has been sent, not an artifact yet.
#[derive(Debug)]
pub(crate) struct Received {
    aside: Aside,
    pub(crate) digest: Digest,
}

/// A file that is removed unless it gets its name.
#[derive(Debug)]
pub(super) struct Aside(PathBuf);

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The file is gone or no longer has the digest; it will settle anew.
    #[error("the file changed while it was loaded")]
    Changed,
    /// The side file, or the signature, can never be used.
    #[error("cannot use {}: {why}", file.display())]
    Unusable { file: PathBuf, why: &'static str },
    /// Reading or writing failed, which may pass: a full disk, a data folder that is not mounted.
    #[error("cannot copy {} to {}", from.display(), to.display())]
    Io {
        from: PathBuf,
        to: PathBuf,
        #[source]
        source: io::Error,
    },
}

// === impl Artifacts ===

impl Artifacts {
    /// The copies in this folder, which is made when it is not there. What a host that was killed left half-written goes.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(ASIDE)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self { dir })
    }

    /// None, and no place for any.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self { dir: PathBuf::from("/dev/null") }
    }

    /// Where the copy of this digest is, or would be.
    pub(crate) fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{digest}{SUFFIX}"))
    }

    /// The copy of this digest, made from `file` when there is none yet.
    ///
    /// # Errors
    /// When `file` has another digest by now, or copying fails.
    pub(crate) fn keep(&self, digest: Digest, file: &Path) -> Result<PathBuf, CopyError> {
        let path = self.path(digest);
        if path.exists() {
            return Ok(path);
        }
        let failed = |source| CopyError::Io { from: file.to_owned(), to: path.clone(), source };
        let aside = Aside::new(&self.dir);
        let mut copy = aside.create().map_err(failed)?;
        match copy_settled(file, COMPONENT_MAX, digest, &mut copy) {
            Ok(true) => {}
            Ok(false) => return Err(CopyError::Changed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CopyError::Changed),
            Err(error) => return Err(failed(error)),
        }
        let named = copy.sync_all().and_then(|()| aside.rename(&path)).and_then(|()| File::open(&self.dir)?.sync_all());
        named.map_err(failed)?;
        Ok(path)
    }

    /// Removes the copy of this digest, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub(crate) fn remove(&self, digest: Digest) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// A place for a component that is about to be sent.
    ///
    /// # Errors
    /// When no file can be made.
    pub(crate) fn incoming(&self) -> io::Result<Incoming> {
        let aside = Aside::new(&self.dir);
        let file = tokio::fs::File::from_std(aside.create()?);
        Ok(Incoming { aside, file, hasher: Sha256::new(), length: 0 })
    }

    /// Makes an artifact of what has been sent.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(super) fn adopt(&self, received: Received) -> io::Result<PathBuf> {
        let path = self.path(received.digest);
        if !path.exists() {
            received.aside.rename(&path)?;
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(path)
    }

    /// Removes every copy that is not among these, and says which.
    ///
    /// # Errors
    /// When the folder cannot be read, or a copy not be removed.
    pub(crate) fn retain(&self, referenced: &BTreeSet<Digest>) -> io::Result<Vec<Digest>> {
        let mut removed = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let digest = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)).and_then(|name| name.parse().ok());
            if let Some(digest) = digest.filter(|digest| !referenced.contains(digest)) {
                fs::remove_file(entry.path())?;
                removed.push(digest);
            }
        }
        Ok(removed)
    }
}

// === impl Incoming ===

impl Incoming {
    /// Takes the next part in; false when it would become too long.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn write(&mut self, part: &[u8]) -> io::Result<bool> {
        self.length += part.len() as u64;
        if self.length > COMPONENT_MAX {
            return Ok(false);
        }
        self.hasher.update(part);
        self.file.write_all(part).await?;
        Ok(true)
    }

    /// Whether nothing has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All of it is there.
    ///
    /// # Errors
    /// When it cannot be brought to the disk.
    pub(crate) async fn finish(self) -> io::Result<Received> {
        let Self { aside, mut file, hasher, .. } = self;
        file.flush().await?;
        file.sync_all().await?;
        Ok(Received { aside, digest: Digest::from_bytes(hasher.finalize().into()) })
    }
}

// === impl Aside ===

impl Aside {
    /// A name in this folder that nobody else has, and that no watcher minds.
    pub(super) fn new(dir: &Path) -> Self {
        Self(dir.join(format!(".{}{ASIDE}", uuid::Uuid::now_v7())))
    }

    /// Makes a private file of it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn create(&self) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it its name, whoever had that before.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.0, to)?;
        self.0 = PathBuf::new();
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // It was never made, or stays behind until the next start.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Writes a private file so that its name stands for the old bytes or the new ones, also after a crash.
///
/// # Errors
/// When writing, syncing or renaming fails; the old file is then still there.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let aside = Aside::new(dir);
    let mut file = aside.create()?;
    file.write_all(bytes)?;
    file.sync_all()?;
    aside.rename(path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_made_of_what_was_settled_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let artifacts = Artifacts::open(dir.path().join("artifacts")).expect("opened");
        let file = dir.path().join("a.wasm");
        fs::write(&file, "one").expect("written");
        let digest = Digest::of(b"one");
        let copy = artifacts.keep(digest, &file).expect("kept");
        fs::write(&file, "two").expect("written");
        assert_eq!(fs::read(&copy).expect("read"), b"one");
        assert_eq!(artifacts.keep(digest, &file).expect("kept"), copy, "what is kept is not copied again");
        assert!(matches!(artifacts.keep(Digest::of(b"three"), &file), Err(CopyError::Changed)));
    }

    #[test]
    fn what_may_pass_is_told_from_a_file_that_went_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let artifacts = Artifacts::open(dir.path().join("artifacts")).expect("opened");
        let file = dir.path().join("a.wasm");
        let digest = Digest::of(b"one");
        assert!(matches!(artifacts.keep(digest, &file), Err(CopyError::Changed)));
        fs::write(&file, "one").expect("written");
        fs::remove_dir(dir.path().join("artifacts")).expect("removed");
        assert!(matches!(artifacts.keep(digest, &file), Err(CopyError::Io { .. })));
    }

    #[tokio::test]
    async fn what_is_sent_is_an_artifact_once_it_is_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let artifacts = Artifacts::open(dir.path().to_owned()).expect("opened");
        let mut incoming = artifacts.incoming().expect("a place");
        for part in [b"on", b"e!"] {
            assert!(incoming.write(part).await.expect("written"));
        }
        let received = incoming.finish().await.expect("finished");
        assert_eq!(received.digest, Digest::of(b"one!"));
        assert_eq!(fs::read(artifacts.adopt(received).expect("adopted")).expect("read"), b"one!");
        let mut given_up = artifacts.incoming().expect("a place");
        assert!(given_up.write(b"x").await.expect("written"));
        drop(given_up);
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1);
    }

    #[tokio::test]
    async fn what_is_sent_is_bounded_and_what_a_killed_host_left_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let artifacts = Artifacts::open(dir.path().to_owned()).expect("opened");
        let mut incoming = artifacts.incoming().expect("a place");
        incoming.length = COMPONENT_MAX;
        assert!(!incoming.write(b"x").await.expect("told"));
        std::mem::forget(incoming);
        Artifacts::open(dir.path().to_owned()).expect("opened");
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 0);
    }

    #[test]
    fn copies_that_nothing_refers_to_are_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let artifacts = Artifacts::open(dir.path().to_owned()).expect("opened");
        let file = dir.path().join("source");
        let kept = ["a", "b"].map(|text| {
            fs::write(&file, text).expect("written");
            artifacts.keep(Digest::of(text.as_bytes()), &file).expect("kept")
        });
        let removed = artifacts.retain(&[Digest::of(b"a")].into()).expect("retained");
        assert_eq!(removed, [Digest::of(b"b")]);
        assert_eq!(kept.map(|path| path.exists()), [true, false]);
        assert!(file.exists(), "other files are none of its business");
    }
}
