//! Runs cargo, and finds the components that it made.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use super::{Built, Component, progress::Progress, project::package_name};
use crate::output;

const TARGET: &str = "wasm32-wasip2";

/// The lines of `cargo build --message-format=json` that matter.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        manifest_path: PathBuf,
        target: Target,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// Builds the crate or workspace in a folder. What does not compile is told, and stops nothing else.
///
/// # Errors
/// When cargo cannot be run.
pub(super) async fn build(folder: &Path, toolchain: &str) -> anyhow::Result<Built> {
    let progress = Progress::begin();
    let mut child = cargo(folder, toolchain).spawn().context("cannot start cargo")?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let told = tokio::spawn(async move {
        let mut text = String::new();
        match stderr {
            Some(mut stderr) => stderr.read_to_string(&mut text).await.map(|_| text),
            None => Ok(text),
        }
    });
    let mut components = Vec::new();
    if let Some(stdout) = stdout {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.context("cannot read what cargo tells")? {
            if let Ok(Message::CompilerArtifact { manifest_path, target, filenames }) = serde_json::from_str(&line) {
                progress.built(&target.name);
                let made = filenames.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "wasm"));
                for file in made {
                    let Some(name) = package_name(&manifest_path) else {
                        bail!("{} has no package name", manifest_path.display());
                    };
                    components.push(Component { name, file });
                }
            }
        }
    }
    let status = child.wait().await.context("cannot wait for cargo")?;
    let told = told.await.ok().and_then(Result::ok).unwrap_or_default();
    drop(progress);
    if !told.trim().is_empty() {
        output::error_line(told.trim_end());
    }
    // With --keep-going, there is what did compile although something else did not.
    Ok(Built { components, is_complete: status.success() })
}

fn cargo(folder: &Path, toolchain: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--quiet", "--keep-going", "--message-format=json-render-diagnostics"])
        .args(["--target", TARGET])
        .current_dir(folder)
        // Set by the cargo that ran this program; they mean another toolchain and another package.
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env("RUSTUP_TOOLCHAIN", toolchain)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_read_from_what_cargo_tells() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x","manifest_path":"/p/a/Cargo.toml",
            "target":{"kind":["cdylib"],"name":"a"},"filenames":["/t/a.wasm"],"fresh":false}"#;
        let Ok(Message::CompilerArtifact { manifest_path, filenames, .. }) = serde_json::from_str(line) else {
            panic!("it is an artifact")
        };
        assert_eq!((manifest_path, filenames), ("/p/a/Cargo.toml".into(), vec!["/t/a.wasm".into()]));
        let other: Message = serde_json::from_str(r#"{"reason":"build-finished","success":true}"#).expect("read");
        assert!(matches!(other, Message::Other));
    }
}
