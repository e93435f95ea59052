//! `health`: whether a host takes requests; for whatever looks after processes.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::RemoteArgs;

/// What `health` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Asks `/readyz`. The exit code says whether the host takes requests.
///
/// # Errors
/// When no host answers, or it is starting or stopping.
pub(crate) async fn run(args: HealthArgs) -> anyhow::Result<ExitCode> {
    let (is_ready, said) = args.remote.client().ready().await?;
    if !is_ready {
        bail!("the host takes no requests: it is {}", super::table::printable(said.trim()));
    }
    args.remote.print_done(&json!({"ready": true}), "the host takes requests");
    Ok(ExitCode::SUCCESS)
}
