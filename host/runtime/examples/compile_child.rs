//! The compile child by itself, for the tests of the runtime: they have no host's binary that could be started as one.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchyard_runtime::compile_child(std::env::args_os().skip(2))
}
