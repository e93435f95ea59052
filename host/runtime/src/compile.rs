//! Compiling components, in a child process.
//!
//! A compiler fed by strangers may eat memory, spin, or die; and wasmtime keeps each engine's compiler contexts for
//! ever. In a child all of that ends with the child: it has limits on memory, CPU and wall time, and dies with its
//! parent.

pub mod child;

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{io::AsyncReadExt, process::Command};

use crate::{
    code::{Made, temporary},
    engine::Tier,
};

/// Memory of a compile child: a 20 MB component takes about one.
pub const COMPILE_MEMORY_MAX: u64 = 3 << 30;

/// Wall time of a compile child: a 20 MB component takes half a minute on a slow core.
pub const COMPILE_TIME_MAX: Duration = Duration::from_secs(180);

/// The largest component that is taken.
pub const COMPONENT_BYTES_MAX: u64 = 256 << 20;

/// How much of a child's complaint is kept.
const COMPLAINT_MAX: u64 = 16 << 10;

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

/// Compiles in a child of this program: `EXE compile-child …`.
pub(crate) async fn in_child(exe: &Path, wasm: &Path, folder: &Path, tier: Tier) -> Result<Made, PrepareError> {
    let host = |error: io::Error| PrepareError::Host(error.to_string());
    let mut command = Command::new(exe);
    let mut out = Leftover(temporary(folder));
    command.arg("compile-child").arg("--wasm").arg(wasm).arg("--out").arg(&out.0);
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
                stdout.take(1 << 20).read_to_end(&mut answer).await?;
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
    match status.code() {
        Some(0) => {
            let made = serde_json::from_slice(&answer).map_err(|error| PrepareError::Host(error.to_string()))?;
            out.0.clear();
            Ok(made)
        }
        Some(child::UNUSABLE) => Err(PrepareError::Unusable(String::from_utf8_lossy(&complaint).trim().to_owned())),
        _ => Err(died(&status, &String::from_utf8_lossy(&complaint))),
    }
}

/// A child that died without a verdict: of its limits, usually.
fn died(status: &std::process::ExitStatus, complaint: &str) -> PrepareError {
    let out_of_memory = complaint.contains("memory allocation");
    let by_signal = std::os::unix::process::ExitStatusExt::signal(status).is_some();
    if out_of_memory {
        return PrepareError::TooExpensive(format!("{} GiB of memory", COMPILE_MEMORY_MAX >> 30));
    }
    let complaint = complaint.lines().last().unwrap_or_default();
    let text = format!("the compiler gave up on the component ({status}) {complaint}");
    if by_signal { PrepareError::Unusable(text) } else { PrepareError::Host(text) }
}
