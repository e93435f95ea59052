//! Backups: a copy of the store's state in one file, and the way back.
//!
//! The copy is made by SQLite in one read transaction, so it is the state between two commits. It stands under its
//! name only once it is whole and on the disk.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{
    doctor::examine,
    folder::{Folder, PRIVATE_FILE, database},
    visit,
};
use crate::StoreError;

/// Copies the store of a folder into a file that is not there yet, also while a host runs, and answers the copy's
/// bytes.
///
/// While it runs, the host's write-ahead log cannot start over: it grows by what is written meanwhile.
///
/// # Errors
/// [`Exists`](StoreError::Exists) when the file is there, [`Copy`](StoreError::Copy) when it cannot be written,
/// [`Open`](StoreError::Open) when there is no store.
pub fn backup(folder: &Path, file: &Path) -> Result<u64, StoreError> {
    let failed = |source| copy_error(file, source);
    let (conn, _) = visit::folder(folder)?;
    refuse_to_overwrite(file)?;
    let partial = Partial::beside(file).map_err(failed)?;
    let path = partial.path.to_str().ok_or_else(|| failed(io::Error::other("its path is no UTF-8")))?;
    conn.execute("VACUUM INTO ?1", [path]).map_err(|source| copy_error(file, source))?;
    partial.finish(file)
}

/// Puts a backup into a folder that has no store, once every record of it was checked.
///
/// A backup of an older host is brought up to date when the store is opened.
///
/// # Errors
/// [`Damaged`](StoreError::Damaged) when something is wrong with the backup, [`Exists`](StoreError::Exists) when
/// the folder has a store, [`Locked`](StoreError::Locked) when a host holds the folder,
/// [`NewerSchema`](StoreError::NewerSchema), [`Open`](StoreError::Open) when the file is no backup,
/// [`Copy`](StoreError::Copy) when it cannot be copied. Where it fails, the folder has no store.
pub fn restore(file: &Path, folder: &Path) -> Result<(), StoreError> {
    let target = database(folder);
    refuse_to_overwrite(&target)?;
    verify(file)?;
    let folder = Folder::open(folder)?;
    // Another one may have restored or started meanwhile.
    refuse_to_overwrite(&target)?;
    let partial = Partial::beside(&target).map_err(|source| copy_error(file, source))?;
    fs::copy(file, &partial.path).map_err(|source| copy_error(file, source))?;
    // What the disk took is what counts.
    verify(&partial.path)?;
    // A log of a store that is gone would be taken for this one's.
    for left in ["-wal", "-shm"] {
        let mut name = target.clone().into_os_string();
        name.push(left);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(copy_error(file, error)),
            _ => {}
        }
    }
    partial.finish(&target)?;
    folder.sync()
}

fn verify(file: &Path) -> Result<(), StoreError> {
    let (conn, schema) = visit::file(file)?;
    let report = examine(&conn, schema);
    match report.findings.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::Damaged {
            file: file.to_owned(),
            faults: report.findings_total,
            first: first.to_string().into(),
        }),
    }
}

fn refuse_to_overwrite(path: &Path) -> Result<(), StoreError> {
    // Also a link that leads nowhere.
    if path.symlink_metadata().is_ok() { Err(StoreError::Exists { path: path.to_owned() }) } else { Ok(()) }
}

fn copy_error(file: &Path, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Copy { file: file.to_owned(), source: Arc::new(source) }
}

/// A file that is being written; it goes away unless it is finished.
struct Partial {
    path: PathBuf,
}

// === impl Partial ===

impl Partial {
    /// An empty file beside another one, for its owner alone.
    fn beside(file: &Path) -> io::Result<Self> {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".partial-{}", std::process::id()));
        let path = PathBuf::from(name);
        // What a crash of a process of the same number left.
        let _ = fs::remove_file(&path);
        OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(&path)?;
        Ok(Self { path })
    }

    /// Makes it durable and gives it its name, unless something has that name; answers its bytes.
    fn finish(self, file: &Path) -> Result<u64, StoreError> {
        let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
        sync(&self.path).map_err(|source| copy_error(file, source))?;
        let bytes = fs::metadata(&self.path).map_err(|source| copy_error(file, source))?.len();
        match renameat_with(CWD, &self.path, CWD, file, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) => return Err(StoreError::Exists { path: file.to_owned() }),
            // Not every file system can refuse; it was asked a moment ago.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                fs::rename(&self.path, file).map_err(|source| copy_error(file, source))?;
            }
            Err(errno) => return Err(copy_error(file, io::Error::from(errno))),
        }
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync(parent).map_err(|source| copy_error(file, source))?;
        Ok(bytes)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After finishing there is nothing under this name.
        let _ = fs::remove_file(&self.path);
    }
}
