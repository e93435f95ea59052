//! Private copies of the components that serve or served: `data/artifacts/DIGEST.wasm`.
//!
//! The folder's own file may change at any time; what is compiled, and what serves again after a restart, is this
//! copy.
//!
//! **Invariant**: a file of that name has that digest: it is written aside, synced and renamed.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use switchyard_core::name::Digest;

/// The longest component, in bytes. Components of interpreted languages are about 20 MiB.
pub(crate) const COMPONENT_MAX: u64 = 256 << 20;

const SUFFIX: &str = ".wasm";

/// The folder of copies.
#[derive(Clone, Debug)]
pub(crate) struct Artifacts {
    dir: PathBuf,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The file is gone or no longer has the digest; it will settle anew.
    #[error("the file changed while it was loaded")]
    Changed,
    /// The side file can never be used.
    #[error("cannot use the side file {}: {why}", file.display())]
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
    /// The copies in this folder, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Self { dir })
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
        let bytes = match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CopyError::Changed),
            bytes => bytes.map_err(failed)?,
        };
        if Digest::of(&bytes) != digest {
            return Err(CopyError::Changed);
        }
        write_atomically(&path, &bytes).map_err(failed)?;
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

/// Writes a private file so that its name stands for the old bytes or the new ones, also after a crash.
///
/// # Errors
/// When writing, syncing or renaming fails; the old file is then still there.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let aside = dir.join(format!(".{}.tmp", uuid::Uuid::now_v7()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        File::open(dir)?.sync_all()
    };
    write().inspect_err(|_| _ = fs::remove_file(&aside))
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
