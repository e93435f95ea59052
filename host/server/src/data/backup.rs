//! `backup`: copies the store into a file.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::DataArgs;
use crate::output;

/// What `backup` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct BackupArgs {
    /// The copy, which must not be there yet
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

/// Copies the store as it is at one moment.
///
/// # Errors
/// When there is no store, or the copy cannot be written.
pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let folder = args.data.existing_store()?;
    let bytes = switchyard_store::backup(&folder, &args.file)?;
    output::line(format_args!("{} holds all of {} ({bytes} bytes)", args.file.display(), folder.display()));
    Ok(ExitCode::SUCCESS)
}
