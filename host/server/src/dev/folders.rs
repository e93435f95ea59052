//! Where sources lie, and what lies between them.

use std::path::{Path, PathBuf};

use crate::build::Project;

/// Names of what builds make, and of what they take from elsewhere.
const MADE: [&str; 6] = ["target", "node_modules", "dist", "__pycache__", "Cargo.lock", "package-lock.json"];

/// The folders of one `dev`, as canonical paths.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    /// Where components go. Projects may lie in folders of it.
    pub(super) plugins: PathBuf,
    /// Where the host writes all the time.
    pub(super) data: PathBuf,
    /// The project in the working folder, which the others may lie in.
    pub(super) project: Option<Project>,
}

/// What a saved file belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// To the project in this folder.
    Of(PathBuf),
    /// To the workspace of all plugins.
    OfAny,
    /// To none: it is something that a build, or the host, makes.
    None,
}

// === impl Folders ===

impl Folders {
    /// The folders to be followed.
    pub(super) fn roots(&self) -> Vec<&Path> {
        let project = self.project.as_ref().map(|project| project.folder.as_path());
        match project {
            Some(project) if self.plugins.starts_with(project) => vec![project],
            Some(project) => vec![project, &self.plugins],
            None => vec![&self.plugins],
        }
    }

    /// What a path, as notified, belongs to.
    pub(super) fn source(&self, path: &Path) -> Source {
        if path.starts_with(&self.data) {
            return Source::None;
        }
        if let Ok(inside) = path.strip_prefix(&self.plugins) {
            return self.source_of_plugins(inside);
        }
        let Some(project) = &self.project else { return Source::None };
        match path.strip_prefix(&project.folder) {
            // The host follows its configuration itself.
            Ok(inside) if is_written(inside) && inside != Path::new(crate::config::DEFAULT_FILE) => {
                Source::Of(project.folder.clone())
            }
            _ => Source::None,
        }
    }

    fn source_of_plugins(&self, inside: &Path) -> Source {
        let mut parts = inside.iter();
        match (parts.next(), parts.next()) {
            _ if !is_written(inside) => Source::None,
            (Some(folder), Some(_)) => Source::Of(self.plugins.join(folder)),
            (Some(name), None) if name == "Cargo.toml" => Source::OfAny,
            _ => Source::None,
        }
    }
}

/// Whether it is something that somebody writes, rather than something that is made.
fn is_written(inside: &Path) -> bool {
    let is_made = |part: &str| MADE.contains(&part) || part.starts_with('.') || part.ends_with('~');
    !inside.iter().any(|part| is_made(&part.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_makes_is_no_source() {
        let folders = Folders { plugins: "/x/plugins".into(), data: "/x/data".into(), project: None };
        assert_eq!(folders.roots(), [Path::new("/x/plugins")]);
        for yes in ["a/src/lib.rs", "a/Cargo.toml", "a/data/x.json", "a/app.py"] {
            assert_eq!(folders.source(&folders.plugins.join(yes)), Source::Of("/x/plugins/a".into()), "{yes}");
        }
        assert_eq!(folders.source(Path::new("/x/plugins/Cargo.toml")), Source::OfAny);
        for no in [
            "plugins/a.wasm",
            "plugins/target/x",
            "plugins/a/target/x",
            "plugins/a/node_modules/b/x.js",
            "plugins/a/dist/a.wasm",
            "plugins/a/src/.lib.rs.swp",
            "plugins/Cargo.lock",
            "other/a/b",
            "src/lib.rs",
        ] {
            assert_eq!(folders.source(&Path::new("/x").join(no)), Source::None, "{no}");
        }
    }

    #[test]
    fn a_project_that_is_worked_in_is_followed_around_what_the_host_writes() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        std::fs::write(root.join("Cargo.toml"), "[package]\nname = 'a'\n[lib]\ncrate-type = ['cdylib']").unwrap();
        let project = Project::of(&root);
        let folders = Folders { plugins: root.join("plugins"), data: root.join("state"), project };
        assert_eq!(folders.roots(), [&root]);
        for yes in ["src/lib.rs", "Cargo.toml", "assets/a.json"] {
            assert_eq!(folders.source(&root.join(yes)), Source::Of(root.clone()), "{yes}");
        }
        assert_eq!(folders.source(&root.join("plugins/b/src/lib.rs")), Source::Of(root.join("plugins/b")));
        for no in ["state/store/db", "plugins/a.wasm", "target/x", "Cargo.lock", "switchyard.toml", ".git/HEAD"] {
            assert_eq!(folders.source(&root.join(no)), Source::None, "{no}");
        }
    }
}
