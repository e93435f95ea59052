//! A folder of one's own that goes away with the value.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// The folder.
pub(crate) struct Scratch(PathBuf);

// === impl Scratch ===

impl Scratch {
    /// Makes one among the system's temporary files, for this user alone.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("switchyard-{}", uuid::Uuid::now_v7()));
        DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind in the system's temporary folder is removed by the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}
