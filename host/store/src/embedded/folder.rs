//! The store's folder: private to its owner, and held by one process.
//!
//! The lock is an `flock`, which the kernel lets go when the process ends however it ends, so there is never a
//! stale one. The process id in the file only tells whom to stop.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::StoreError;

const DATABASE: &str = "store.sqlite";
const LOCK: &str = "lock";
const PRIVATE_FOLDER: u32 = 0o700;
pub(super) const PRIVATE_FILE: u32 = 0o600;

/// An open folder; dropping it lets go of the lock.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held for its lock only.
    _lock: File,
}

// === impl Folder ===

impl Folder {
    /// Makes the folder if need be, makes it private, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        make_private(path).map_err(|source| open_error(path, source))?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE_FILE)
            .open(path.join(LOCK))
            .map_err(|source| open_error(path, source))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(StoreError::Locked { folder: path.to_owned(), pid: holder(&mut lock) });
            }
            Err(errno) => return Err(open_error(path, io::Error::from(errno))),
        }
        sign(&mut lock).map_err(|source| open_error(path, source))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn database(&self) -> PathBuf {
        database(&self.path)
    }

    /// Makes the names of new files durable. SQLite syncs the folder for its log but not for the folder's own
    /// name in its parent.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let sync = |path: &Path| File::open(path)?.sync_all();
        let parent = self.path.canonicalize().map(|path| path.parent().map(Path::to_owned));
        sync(&self.path)
            .and_then(|()| parent?.map_or(Ok(()), |parent| sync(&parent)))
            .map_err(|source| open_error(&self.path, source))
    }
}

/// The database of a folder.
pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// The error of a store that cannot be opened.
pub(super) fn open_error(folder: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Open { folder: folder.to_owned(), source: Arc::from(source.into()) }
}

fn make_private(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(PRIVATE_FOLDER).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // The folder holds tokens and people's data whoever made it.
            let mode = fs::metadata(path)?.permissions().mode() & 0o777;
            if mode == PRIVATE_FOLDER {
                Ok(())
            } else {
                fs::set_permissions(path, Permissions::from_mode(PRIVATE_FOLDER))
            }
        }
        made => made,
    }
}

fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_refuses_a_folder_that_is_held_and_names_the_holder() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/store");
        let first = Folder::open(&path).unwrap();
        match Folder::open(&path) {
            Err(StoreError::Locked { folder, pid }) => {
                assert_eq!((folder, pid), (path.clone(), Some(std::process::id())));
            }
            other => unreachable!("opened twice: {other:?}"),
        }
        drop(first);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn open_makes_a_loose_folder_private() {
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), Permissions::from_mode(0o755)).unwrap();
        Folder::open(base.path()).unwrap();
        assert_eq!(fs::metadata(base.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
