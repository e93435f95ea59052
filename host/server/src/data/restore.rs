//! `restore`: puts a copy of the store where there is none.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;

use super::DataArgs;
use crate::{
    output,
    progress::{Audience, Progress},
};

/// What `restore` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The copy, as `backup` made it
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks the copy, and puts it where the store of a host would be.
///
/// # Errors
/// When the copy is damaged, or there is a store already, or a host holds the folder.
pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let folder = args.data.store()?;
    // As `serve` makes it.
    folder.parent().map_or(Ok(()), super::make_private)?;
    let progress = Progress::begin("checking the copy, and putting it in place", Audience::of(args.json));
    switchyard_store::restore(&args.file, &folder)?;
    drop(progress);
    let (file, folder) = (args.file.display(), folder.display());
    if args.json {
        output::line(json!({"file": file.to_string(), "store": folder.to_string()}));
    } else {
        output::line(format_args!("{folder} holds all of {file}"));
    }
    Ok(ExitCode::SUCCESS)
}
