//! What can be built: a crate, a workspace of crates, or a project that `new` made in another language.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;

use super::{Built, Toolchain, cargo, javascript, python};

/// Something that one command builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    /// Where its `Cargo.toml`, `package.json` or `app.py` is.
    pub(crate) folder: PathBuf,
    kind: Kind,
}

/// What it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A crate, which may be the root of its own workspace.
    Crate {
        /// Whether it makes a component: its library is a `cdylib`.
        is_service: bool,
        /// Whether it belongs to no other workspace.
        is_root: bool,
    },
    /// A workspace that is no crate itself.
    Workspace,
    JavaScript,
    Python,
}

#[derive(Deserialize)]
struct CargoToml {
    package: Option<Package>,
    lib: Option<Library>,
    workspace: Option<toml::Table>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Library {
    #[serde(default)]
    crate_type: Vec<String>,
}

// === impl Project ===

impl Project {
    /// The project in this folder, if there is one. One in another language than Rust is known by what `new` made there:
    /// anybody's `package.json` is not to be run.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let has = |name: &str| folder.join(name).exists();
        let kind = match read(&folder.join("Cargo.toml")) {
            Some(CargoToml { package: Some(_), lib, workspace }) => Kind::Crate {
                is_service: lib.is_some_and(|lib| lib.crate_type.iter().any(|kind| kind == "cdylib")),
                is_root: workspace.is_some(),
            },
            Some(_) => Kind::Workspace,
            // It cannot be read: cargo says why.
            None if has("Cargo.toml") => Kind::Crate { is_service: true, is_root: true },
            None if has(".switchyard") && has("package.json") => Kind::JavaScript,
            None if has(".switchyard") && has("app.py") => Kind::Python,
            None => return None,
        };
        Some(Self { folder: folder.to_owned(), kind })
    }

    /// All in this folder of plugins: the workspace that it is, or each in a folder of its own. Beside a workspace those
    /// count that cannot belong to it.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(crate) fn all_in(plugins: &Path) -> anyhow::Result<Vec<Self>> {
        if !plugins.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(plugins).with_context(|| format!("cannot list {}", plugins.display()))?;
        let mut folders: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        folders.retain(|folder| !folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
        folders.sort();
        let mut all: Vec<_> = folders.iter().filter_map(|folder| Self::of(folder)).collect();
        if let Some(workspace) = Self::of(plugins).filter(Self::is_cargo) {
            all.retain(|project| !matches!(project.kind, Kind::Crate { is_root: false, .. }));
            all.insert(0, workspace);
        }
        Ok(all)
    }

    /// Whether cargo builds it.
    pub(crate) fn is_cargo(&self) -> bool {
        matches!(self.kind, Kind::Crate { .. } | Kind::Workspace)
    }

    /// Whether it is one service, rather than a workspace or some other program.
    pub(crate) fn is_service(&self) -> bool {
        !matches!(self.kind, Kind::Workspace | Kind::Crate { is_service: false, .. })
    }

    /// Builds it. What does not compile is told on standard error, and is no error here.
    ///
    /// # Errors
    /// When what builds it cannot be run.
    pub(crate) async fn build(&self, toolchain: &Toolchain) -> anyhow::Result<Built> {
        match self.kind {
            Kind::Crate { .. } | Kind::Workspace => cargo::build(&self.folder, toolchain.name().await?).await,
            Kind::JavaScript => javascript::build(&self.folder).await,
            Kind::Python => python::build(&self.folder).await,
        }
    }
}

/// The name of the package with this manifest.
pub(super) fn package_name(manifest: &Path) -> Option<String> {
    read(manifest)?.package.map(|package| package.name)
}

fn read(manifest: &Path) -> Option<CargoToml> {
    toml::from_str(&fs::read_to_string(manifest).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn folders(plugins: &Path) -> Vec<PathBuf> {
        let all = Project::all_in(plugins).unwrap().into_iter();
        all.map(|project| project.folder.strip_prefix(plugins).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_workspace_is_built_as_one_and_what_is_apart_from_it_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let plugins = dir.path();
        assert_eq!(folders(&plugins.join("none")), [] as [&Path; 0]);
        file(&plugins.join("a/Cargo.toml"), "[package]\nname = 'a-service'");
        file(&plugins.join("b/Cargo.toml"), "[package]\nname = 'b'\n[workspace]");
        file(&plugins.join("c/package.json"), "{}");
        file(&plugins.join("c/.switchyard/wit/x"), "");
        file(&plugins.join("d/package.json"), "{}");
        file(&plugins.join(".e/Cargo.toml"), "[package]\nname = 'e'");
        assert_eq!(package_name(&plugins.join("a/Cargo.toml")).as_deref(), Some("a-service"));
        assert_eq!(folders(plugins), [Path::new("a"), Path::new("b"), Path::new("c")]);
        file(&plugins.join("Cargo.toml"), "[workspace]\nmembers = ['a']");
        assert_eq!(folders(plugins), [Path::new(""), Path::new("b"), Path::new("c")]);
    }

    #[test]
    fn a_service_is_told_from_other_programs() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        let is_service = || Project::of(folder).map(|project| project.is_service());
        assert_eq!(is_service(), None);
        file(&folder.join("app.py"), "");
        assert_eq!(is_service(), None, "it may be anything");
        file(&folder.join(".switchyard/wit/x"), "");
        assert_eq!(is_service(), Some(true));
        for (manifest, expected) in [
            ("[workspace]\nmembers = []", false),
            ("[package]\nname = 'a'", false),
            ("[package]\nname = 'a'\n[lib]\ncrate-type = ['cdylib', 'rlib']", true),
            ("[package", true),
        ] {
            file(&folder.join("Cargo.toml"), manifest);
            assert_eq!(is_service(), Some(expected), "{manifest}");
        }
    }
}
