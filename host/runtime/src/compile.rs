//! Compiling components, in a child process.
//!
//! A compiler fed by strangers may eat memory, spin, or die; and wasmtime keeps each engine's compiler contexts for
//! ever. In a child all of that ends with the child: it has limits on memory, CPU and wall time, gives way to the services
//! that serve meanwhile, is the first to go when memory runs out, and dies with its parent.

pub mod child;
mod header;
mod limits;

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use switchyard_core::folder::COMPONENT_MAX;

use tokio::{io::AsyncReadExt, process::Command};

use crate::{
    code::{Made, temporary},
    engine::Tier,
};

pub use limits::{COMPILE_MEMORY_MAX, COMPILE_TIME_MAX};

use limits::{ANSWER_MAX, COMPLAINT_MAX, cpu_max, verdict};

/// Why a component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It is no component that this host can run; the text says why and what to do.
    #[error("{0}")]
    Unusable(String),
    /// Compiling it took more than it may.
    #[error("compiling took more than {}: split the component, or strip what it does not need", .0)]
    TooExpensive(String),
    /// The child could not be started, or its result not be stored: a fault of the host, not of the component.
    #[error("cannot compile: {0}")]
    Host(String),
}

/// A file that is removed unless its maker ended well and the path is cleared.
struct Leftover(PathBuf);

impl Drop for Leftover {
    fn drop(&mut self) {
        // Most often it was never made.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Compiles in a child of this program: `EXE compile-child …`. What cannot be a component is told without one.
pub(crate) async fn in_child(exe: &Path, wasm: &Path, folder: &Path, tier: Tier) -> Result<Made, PrepareError> {
    let host = |error: io::Error| PrepareError::Host(error.to_string());
    let length = look(wasm).await?;
    let (mut command, cpu_max) = (Command::new(exe), cpu_max(length));
    let mut out = Leftover(temporary(folder));
    command.arg("compile-child").arg("--wasm").arg(wasm).arg("--out").arg(&out.0);
    command.arg("--cpu-max").arg(cpu_max.as_secs().to_string());
    // Nothing of the host's own, its secrets least of all, belongs where strangers' code is looked at.
    command.env_clear();
    if tier == Tier::Winch {
        command.arg("--winch");
    } else {
        // It runs beside live traffic: one core is enough for it.
        command.arg("--background").env("RAYON_NUM_THREADS", "1");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(host)?;
    let (mut answer, mut complaint) = (Vec::new(), Vec::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let read = async {
        let read_answer = async {
            if let Some(stdout) = stdout {
                stdout.take(ANSWER_MAX).read_to_end(&mut answer).await?;
            }
            io::Result::Ok(())
        };
        let read_complaint = async {
            if let Some(mut stderr) = stderr {
                (&mut stderr).take(COMPLAINT_MAX).read_to_end(&mut complaint).await?;
                tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
            }
            io::Result::Ok(())
        };
        tokio::try_join!(read_answer, read_complaint)?;
        child.wait().await
    };
    let Ok(status) = tokio::time::timeout(COMPILE_TIME_MAX, read).await else {
        return Err(PrepareError::TooExpensive(format!("{COMPILE_TIME_MAX:?}")));
    };
    let status = status.map_err(host)?;
    if !status.success() {
        return Err(verdict(status, &String::from_utf8_lossy(&complaint), cpu_max));
    }
    let made = serde_json::from_slice(&answer).map_err(|error| PrepareError::Host(error.to_string()))?;
    out.0.clear();
    Ok(made)
}

/// The length of what may be a component by its first bytes: thousands of files that are none start no process.
async fn look(wasm: &Path) -> Result<u64, PrepareError> {
    let host = |error: io::Error| PrepareError::Host(format!("{}: {error}", wasm.display()));
    let mut file = tokio::fs::File::open(wasm).await.map_err(host)?;
    let length = file.metadata().await.map_err(host)?.len();
    let mut head = Vec::new();
    (&mut file).take(header::LENGTH).read_to_end(&mut head).await.map_err(host)?;
    header::check(&head).map_err(|what| PrepareError::Unusable(what.to_owned()))?;
    if length > COMPONENT_MAX {
        let text = format!("the component has {length} bytes, more than the {COMPONENT_MAX} that are taken");
        return Err(PrepareError::Unusable(text));
    }
    Ok(length)
}
