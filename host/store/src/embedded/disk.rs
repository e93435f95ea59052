//! How much room the disk has, and a warning before there is none.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use super::folder;

#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    low_bytes: u64,
    is_low: AtomicBool,
}

// === impl Disk ===

impl Disk {
    pub(super) fn new(folder: PathBuf, low_bytes: u64) -> Self {
        Self { folder, low_bytes, is_low: AtomicBool::new(false) }
    }

    /// Bytes of the database's file; 0 when that cannot be found out.
    pub(super) fn file_bytes(&self) -> u64 {
        std::fs::metadata(folder::database(&self.folder)).map_or(0, |meta| meta.len())
    }

    /// Bytes that are free; 0 when that cannot be found out. Warns when they become few.
    pub(super) fn free_bytes(&self) -> u64 {
        let Ok(disk) = rustix::fs::statvfs(&self.folder) else { return 0 };
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        let is_low = free_bytes < self.low_bytes;
        // Once each time it happens, not once each time somebody looks.
        if is_low != self.is_low.swap(is_low, Relaxed) {
            let folder = self.folder.display();
            if is_low {
                tracing::warn!(%folder, free_bytes, low_bytes = self.low_bytes, "the store's disk runs low");
            } else {
                tracing::info!(%folder, free_bytes, "the store's disk has room again");
            }
        }
        free_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_bytes_notes_when_the_disk_is_low() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().to_owned(), u64::MAX);
        assert!(disk.free_bytes() > 0);
        assert!(disk.is_low.load(Relaxed));
        let disk = Disk::new(folder.path().to_owned(), 0);
        disk.free_bytes();
        assert!(!disk.is_low.load(Relaxed));
    }
}
