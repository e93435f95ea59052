//! `completions`: what a shell needs to complete command lines of this program.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, Command};
use clap_complete::Shell;

use crate::cli;

/// What is completed.
const PROGRAM: &str = "switchyard";

/// What `completions` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script of a shell.
pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    // A reader that went away is its own business.
    let _ = io::stdout().write_all(&script(args.shell));
    ExitCode::SUCCESS
}

fn script(shell: Shell) -> Vec<u8> {
    let all = cli::command();
    let shown = all.get_subcommands().filter(|inner| !inner.is_hide_set()).cloned();
    let mut command = Command::new(PROGRAM).version(env!("CARGO_PKG_VERSION")).subcommands(shown);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, PROGRAM, &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_learns_the_commands_and_their_flags() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).expect("text");
            for word in ["dead-letters", "redrive-all", "per-second", "completions"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
            assert!(!script.contains("compile-child"), "{shell}");
        }
    }
}
