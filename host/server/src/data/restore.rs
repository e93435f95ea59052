//! `restore`: puts a copy of the store where there is none.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::DataArgs;
use crate::output;

/// What `restore` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The copy, as `backup` made it
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

/// Checks the copy, and puts it where the store of a host would be.
///
/// # Errors
/// When the copy is damaged, or there is a store already, or a host holds the folder.
pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let folder = args.data.store()?;
    // As `serve` makes it.
    folder.parent().map_or(Ok(()), super::make_private)?;
    switchyard_store::restore(&args.file, &folder)?;
    output::line(format_args!("{} holds all of {}", folder.display(), args.file.display()));
    Ok(ExitCode::SUCCESS)
}
