//! `remove`: takes a plugin out of the folder.

use std::process::ExitCode;

use clap::Args;

use super::{RemoteArgs, client::Target};

/// What `remove` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The plugin's name: that of its file, without .wasm
    name: String,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Removes, and waits until what was under way has finished.
///
/// # Errors
/// When no host answers, or there is no such plugin.
pub(crate) async fn run(args: RemoveArgs) -> anyhow::Result<ExitCode> {
    let answer = args.remote.client().patient().delete(&Target::new(&["plugins", &args.name])).await?;
    args.remote.print_done(&answer, &format!("{} is removed", args.name));
    Ok(ExitCode::SUCCESS)
}
