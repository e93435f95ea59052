//! Runs a program that builds.

use std::{ffi::OsStr, path::Path, process::Stdio};

use anyhow::Context;
use tokio::process::Command;

use super::progress::Progress;
use crate::output;

/// Runs a program in a folder, and answers whether it succeeded. What it says is shown when it did not.
///
/// # Errors
/// When it cannot be started, with what to do about it.
pub(super) async fn run(program: &OsStr, arguments: &[&str], folder: &Path, remedy: &str) -> anyhow::Result<bool> {
    let progress = Progress::begin();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await;
    drop(progress);
    let shown = program.display();
    let output = output.with_context(|| format!("cannot start {shown}; {remedy}"))?;
    if !output.status.success() {
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            if !text.trim().is_empty() {
                output::error_line(text.trim_end());
            }
        }
        output::error_line(format_args!("`{shown} {}` failed in {}", arguments.join(" "), folder.display()));
    }
    Ok(output.status.success())
}
