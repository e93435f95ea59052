//! Puts a component into a folder by renaming it there, so that a host never sees half of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::Component;

/// A component where it was put.
#[derive(Debug)]
pub(crate) struct Installed {
    /// The file.
    pub(crate) file: PathBuf,
    /// Whether anything changed there.
    pub(crate) is_new: bool,
}

/// Renames a copy to `NAME.wasm` in this folder, unless the same is there: a host would only find out that nothing
/// changed.
///
/// # Errors
/// When it cannot be read or written.
pub(crate) fn install(component: &Component, folder: &Path) -> anyhow::Result<Installed> {
    let Component { name, file } = component;
    let (place, aside) = (folder.join(format!("{name}.wasm")), folder.join(format!(".{name}.wasm.new")));
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if fs::read(&place).is_ok_and(|there| there == bytes) {
        return Ok(Installed { file: place, is_new: false });
    }
    let write = || {
        fs::write(&aside, &bytes)?;
        fs::rename(&aside, &place)
    };
    write().with_context(|| format!("cannot write {}", place.display()))?;
    Ok(Installed { file: place, is_new: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a_shop.wasm");
        let component = Component { name: "a-shop".to_owned(), file: file.clone() };
        assert!(install(&component, dir.path()).is_err());
        for (bytes, is_new) in [("1", true), ("1", false), ("2", true)] {
            fs::write(&file, bytes).unwrap();
            let installed = install(&component, dir.path()).unwrap();
            assert_eq!((installed.file.clone(), installed.is_new), (dir.path().join("a-shop.wasm"), is_new));
            assert_eq!(fs::read(installed.file).unwrap(), bytes.as_bytes());
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside");
    }
}
