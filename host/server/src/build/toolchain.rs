//! Finds, or makes, a toolchain that builds guests.

use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::{io::AsyncWriteExt, process::Command, sync::OnceCell};

/// The project's own script, so that the binary works without the sources beside it.
const SCRIPT: &str = include_str!("../../../../sdk/toolchain.sh");

/// The toolchain for guests, looked for when it is needed first.
#[derive(Debug, Default)]
pub(crate) struct Toolchain(OnceCell<String>);

// === impl Toolchain ===

impl Toolchain {
    /// The rustup name of a toolchain with the target `wasm32-wasip2`. What the script tells goes to standard error.
    ///
    /// # Errors
    /// When there is none and none can be made; the script has said why.
    pub(crate) async fn name(&self) -> anyhow::Result<&str> {
        self.0.get_or_try_init(find).await.map(String::as_str)
    }
}

async fn find() -> anyhow::Result<String> {
    let mut child = Command::new("bash")
        .args(["-s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start bash, which finds the toolchain for guests")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(SCRIPT.as_bytes()).await.context("cannot hand the script to bash")?;
    }
    let output = child.wait_with_output().await.context("cannot wait for the toolchain")?;
    if !output.status.success() {
        bail!("there is no toolchain that builds guests; see above");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let name = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    name.map(str::to_owned).context("the script named no toolchain")
}
