//! `backup`: copies the store into a file.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;

use super::DataArgs;
use crate::{
    output,
    progress::{Audience, Progress},
};

/// What `backup` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct BackupArgs {
    /// The copy, which must not be there yet
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Copies the store as it is at one moment.
///
/// # Errors
/// When there is no store, or the copy cannot be written.
pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let folder = args.data.existing_store()?;
    let progress = Progress::begin("copying the store", Audience::of(args.json));
    let bytes = switchyard_store::backup(&folder, &args.file)?;
    drop(progress);
    let (file, folder) = (args.file.display(), folder.display());
    if args.json {
        output::line(json!({"file": file.to_string(), "store": folder.to_string(), "bytes": bytes}));
    } else {
        output::line(format_args!("{file} holds all of {folder} ({bytes} bytes)"));
    }
    Ok(ExitCode::SUCCESS)
}
