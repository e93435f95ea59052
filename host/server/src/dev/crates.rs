//! The crates under the plugins folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;

/// Something that one `cargo build` builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Where its `Cargo.toml` is.
    pub(super) folder: PathBuf,
    /// Whether it is the workspace of all crates under the plugins folder.
    pub(super) is_workspace: bool,
}

#[derive(Deserialize)]
struct CargoToml {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// The workspace in the plugins folder, or each crate in a folder of its own.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn find(plugins: &Path) -> anyhow::Result<Vec<Unit>> {
    if plugins.join("Cargo.toml").exists() {
        return Ok(vec![Unit { folder: plugins.to_owned(), is_workspace: true }]);
    }
    if !plugins.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(plugins).with_context(|| format!("cannot list {}", plugins.display()))?;
    let mut folders: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    folders.sort();
    Ok(folders.into_iter().map(|folder| Unit { folder, is_workspace: false }).collect())
}

/// The name of the package with this manifest.
pub(super) fn package_name(manifest: &Path) -> Option<String> {
    let text = fs::read_to_string(manifest).ok()?;
    toml::from_str::<CargoToml>(&text).ok()?.package.map(|package| package.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_at(folder: &Path, text: &str) {
        fs::create_dir_all(folder).expect("made");
        fs::write(folder.join("Cargo.toml"), text).expect("written");
    }

    #[test]
    fn a_workspace_is_built_as_one() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(find(&dir.path().join("none")).expect("listed"), []);
        let folder = dir.path().join("a");
        crate_at(&folder, "[package]\nname = 'a-service'");
        fs::create_dir(dir.path().join("no-crate")).expect("made");
        assert_eq!(package_name(&folder.join("Cargo.toml")).as_deref(), Some("a-service"));
        assert_eq!(find(dir.path()).expect("listed"), [Unit { folder, is_workspace: false }]);
        crate_at(dir.path(), "[workspace]\nmembers = ['a']");
        let workspace = Unit { folder: dir.path().to_owned(), is_workspace: true };
        assert_eq!(find(dir.path()).expect("listed"), [workspace]);
    }
}
