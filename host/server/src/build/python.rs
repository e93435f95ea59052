//! Builds a project in Python by componentize-py, in an environment of its own.

use std::{ffi::OsStr, fs, path::Path};

use anyhow::Context;
use serde::Deserialize;

use super::{Built, Component, tool};

const REMEDY: &str = "install Python 3.10 or later";

#[derive(Deserialize)]
struct PyProject {
    project: Head,
}

#[derive(Deserialize)]
struct Head {
    name: String,
}

/// Makes the environment with what `requirements.txt` asks for, unless there is one, and builds.
///
/// # Errors
/// When Python cannot be started, or `pyproject.toml` has no name.
pub(super) async fn build(folder: &Path) -> anyhow::Result<Built> {
    let text = fs::read_to_string(folder.join("pyproject.toml")).context("cannot read pyproject.toml")?;
    let PyProject { project: Head { name } } = toml::from_str(&text).context("pyproject.toml names no project")?;
    let failed = || Ok(Built { components: Vec::new(), is_complete: false });
    let programs = folder.join(".venv/bin");
    let componentize = programs.join("componentize-py");
    if !componentize.exists() {
        let pip = programs.join("pip");
        let install = ["install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
        if !tool::run(OsStr::new("python3"), &["-m", "venv", ".venv"], folder, REMEDY).await?
            || !tool::run(pip.as_os_str(), &install, folder, REMEDY).await?
        {
            return failed();
        }
    }
    fs::create_dir_all(folder.join("dist")).context("cannot make the folder dist")?;
    let file = format!("dist/{name}.wasm");
    // As its README tells.
    let arguments = ["-d", ".switchyard/wit", "-w", "service", "componentize", "app", "-o", &file];
    if !tool::run(componentize.as_os_str(), &arguments, folder, "install it as the README tells").await? {
        return failed();
    }
    Ok(Built { components: vec![Component { name, file: folder.join(file) }], is_complete: true })
}
