//! The disk that everything durable is written to, and what an fsync costs there.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::Instant,
};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::figures::median;

/// Fsyncs that one figure is the median of.
const SYNCS: usize = 100;

pub(crate) struct Disk {
    /// Its folder and file system.
    pub(crate) name: String,
    folder: TempDir,
}

// === impl Disk ===

impl Disk {
    /// The disk of the temporary folders.
    pub(crate) fn find() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let kind = file_system(folder.path());
        ensure!(kind != "tmpfs", "{} is in memory, where an fsync costs nothing: set TMPDIR", folder.path().display());
        Ok(Self { name: format!("{kind} disk"), folder })
    }

    /// Microseconds of an fsync after 4 KiB more.
    pub(crate) fn fsync_us(&self) -> Result<f64> {
        let mut file = File::create(self.folder.path().join("fsync"))?;
        let mut costs = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            file.write_all(&[0; 4096])?;
            let begin = Instant::now();
            file.sync_data()?;
            costs.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        Ok(median(&costs))
    }
}

/// The kind of file system that a folder is on, where the system tells.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let above = mounts.filter(|(mount, _)| folder.starts_with(mount));
    above.max_by_key(|(mount, _)| mount.len()).map_or("unknown", |(_, kind)| kind).to_owned()
}
