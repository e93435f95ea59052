//! Tools of others that a host is shown to get along with.

use std::{path::PathBuf, process::Command};

/// The folder of a tool that `tests/tools/prepare` knows, where it can be had; else one line says what is missing.
pub fn tool(name: &str) -> Option<PathBuf> {
    let folder = crate::root().join("target/tools");
    let script = crate::root().join("tests/tools/prepare");
    let output = Command::new("bash").arg(script).arg(&folder).arg(name).output();
    match output {
        Ok(output) if output.status.success() => Some(folder.join(name)),
        Ok(output) => {
            say(&String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            say(&format!("{name} is missing: bash cannot be started: {error}"));
            None
        }
    }
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to see what they do not show")]
fn say(text: &str) {
    eprintln!("not shown here: {}", text.trim());
}
