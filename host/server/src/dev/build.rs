//! Runs cargo, and puts the components that it made into the plugins folder.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use super::{
    crates::{self, Unit},
    progress::Progress,
};
use crate::output;

const TARGET: &str = "wasm32-wasip2";

/// Builds the crates of one plugins folder.
pub(super) struct Builder {
    plugins: PathBuf,
    toolchain: String,
}

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

// === impl Builder ===

impl Builder {
    pub(super) fn new(plugins: PathBuf, toolchain: String) -> Self {
        Self { plugins, toolchain }
    }

    /// Builds every crate. One that does not compile is told, and stops no other.
    ///
    /// # Errors
    /// When cargo cannot be run.
    pub(super) async fn build_all(&self) -> anyhow::Result<()> {
        for unit in crates::find(&self.plugins)? {
            self.build(&unit).await?;
        }
        Ok(())
    }

    /// Builds the crates in these folders under the plugins folder. In a workspace, cargo itself knows which crates a
    /// change concerns.
    ///
    /// # Errors
    /// When cargo cannot be run.
    pub(super) async fn build_changed(&self, folders: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
        for unit in crates::find(&self.plugins)? {
            if unit.is_workspace || folders.contains(&unit.folder) {
                self.build(&unit).await?;
            }
        }
        Ok(())
    }

    async fn build(&self, unit: &Unit) -> anyhow::Result<()> {
        let (began, progress) = (Instant::now(), Progress::begin());
        let mut child = self.cargo(unit).spawn().context("cannot start cargo")?;
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
                if let Ok(Message::CompilerArtifact { manifest_path, target, filenames }) = serde_json::from_str(&line)
                {
                    progress.built(&target.name);
                    let made = filenames.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "wasm"));
                    components.extend(made.map(|file| (manifest_path.clone(), file)));
                }
            }
        }
        let status = child.wait().await.context("cannot wait for cargo")?;
        let told = told.await.ok().and_then(Result::ok).unwrap_or_default();
        drop(progress);
        if !told.trim().is_empty() {
            output::error_line(told.trim_end());
        }
        // With --keep-going, what did compile is put in place although something else did not.
        for (manifest, component) in components {
            self.install(&manifest, &component, began)?;
        }
        if !status.success() {
            output::error_line("the build failed; what served before serves on");
        }
        Ok(())
    }

    fn cargo(&self, unit: &Unit) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--quiet", "--keep-going", "--message-format=json-render-diagnostics"])
            .args(["--target", TARGET])
            .current_dir(&unit.folder)
            // Set by the cargo that ran this program; they mean another toolchain and another package.
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .env("RUSTUP_TOOLCHAIN", &self.toolchain)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        cargo
    }

    /// Renames a copy into place, unless the same is there: the host would only find out that nothing changed.
    fn install(&self, manifest: &Path, component: &Path, began: Instant) -> anyhow::Result<()> {
        let Some(name) = crates::package_name(manifest) else {
            bail!("{} has no package name", manifest.display());
        };
        let (place, aside) =
            (self.plugins.join(format!("{name}.wasm")), self.plugins.join(format!(".{name}.wasm.new")));
        let bytes = fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
        if fs::read(&place).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let write = || {
            fs::write(&aside, &bytes)?;
            fs::rename(&aside, &place)
        };
        write().with_context(|| format!("cannot write {}", place.display()))?;
        output::error_line(format_args!("built {name} in {:.1} s", began.elapsed().as_secs_f64()));
        Ok(())
    }
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
