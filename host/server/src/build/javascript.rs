//! Builds a project in JavaScript by its own script.

use std::{ffi::OsStr, fs, path::Path};

use anyhow::Context;
use serde::Deserialize;

use super::{Built, Component, tool};

const REMEDY: &str = "install Node.js 20 or later, which brings it";

#[derive(Deserialize)]
struct PackageJson {
    name: String,
}

/// Installs what the project depends on, unless that was done, and runs its script `build`.
///
/// # Errors
/// When npm cannot be started, or `package.json` has no name.
pub(super) async fn build(folder: &Path) -> anyhow::Result<Built> {
    let text = fs::read(folder.join("package.json")).context("cannot read package.json")?;
    let PackageJson { name } = serde_json::from_slice(&text).context("package.json gives the project no name")?;
    let npm = |arguments: &'static [&str]| tool::run(OsStr::new("npm"), arguments, folder, REMEDY);
    let is_installed = folder.join("node_modules").exists();
    if !is_installed && !npm(&["install", "--no-audit", "--no-fund", "--loglevel=error"]).await? {
        // Half of it would pass for all of it the next time.
        let _ = fs::remove_dir_all(folder.join("node_modules"));
        return Ok(Built { components: Vec::new(), is_complete: false });
    }
    if !npm(&["run", "build", "--silent"]).await? {
        return Ok(Built { components: Vec::new(), is_complete: false });
    }
    let file = folder.join("dist").join(format!("{name}.wasm"));
    Ok(Built { components: vec![Component { name, file }], is_complete: true })
}
