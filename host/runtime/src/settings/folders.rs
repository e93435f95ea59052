//! Folders of the host's that a service's guests see.
//!
//! Each is opened once, when the service is loaded, and shared by all of its instances: what is done below it cannot
//! lead out of it, by no path and by no link, since every path is resolved from the open folder and never from the
//! root. It stays the same folder when another one is put in its place, which a new load takes up.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use wasmtime_wasi::{FsPerms, WasiCtxBuilder, filesystem::WasiFilesystemCtx};

use super::Access;

/// A folder of the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Whether guests may write there. What they write has no limit but the disk's.
    pub access: Access,
}

/// Why a service cannot be had under its settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Something that it was promised is not there; says what, and how to mend it.
    #[error("{0}")]
    Missing(String),
    /// A folder that it was promised cannot be opened.
    #[error("its folder {guest} is {}, which cannot be used: {source}; make it, or change folders", .path.display())]
    Folder {
        /// What guests call it.
        guest: String,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Opens all of them; none when there is none.
pub(crate) fn open(folders: &BTreeMap<String, Folder>) -> Result<Option<WasiFilesystemCtx>, SettingsError> {
    if folders.is_empty() {
        return Ok(None);
    }
    let mut builder = WasiCtxBuilder::new();
    for (guest, Folder { path, access }) in folders {
        let failed = |source| SettingsError::Folder { guest: guest.clone(), path: path.clone(), source };
        check(path).map_err(failed)?;
        let permissions = match access {
            Access::Read => FsPerms::ReadOnly,
            Access::Write => FsPerms::ReadWrite,
        };
        let opened = builder.preopened_dir(path, guest, permissions);
        opened.map_err(|error| failed(io::Error::other(format!("{error:#}"))))?;
    }
    Ok(Some(builder.build().filesystem().clone()))
}

/// Says more clearly than opening would what is wrong.
fn check(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotADirectory)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &Path) -> BTreeMap<String, Folder> {
        BTreeMap::from([("/data".to_owned(), Folder { path: path.to_owned(), access: Access::Read })])
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_with_both_of_its_names() {
        let program = std::env::current_exe().unwrap();
        assert!(matches!(open(&BTreeMap::new()), Ok(None)));
        assert!(matches!(open(&of(program.parent().unwrap())), Ok(Some(_))));
        for (path, expected) in [(Path::new("/no/such"), "No such file"), (program.as_path(), "not a directory")] {
            let error = open(&of(path)).err().unwrap().to_string();
            assert!(error.contains("its folder /data is") && error.contains(expected), "{error}");
        }
    }
}
