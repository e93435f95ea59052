//! `rollback`: brings an artifact back that served before.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{RemoteArgs, client::Target, plugins};

/// What `rollback` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The service, or its plugin's name
    service: String,
    /// The artifact: the first digits of its digest (8 at least), or its version [default: what served before]
    #[arg(long, value_name = "DIGEST|VERSION")]
    to: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Rolls back.
///
/// # Errors
/// When no host answers, or there is nothing to go back to.
pub(crate) async fn run(args: RollbackArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client().patient();
    let stem = plugins::find(&client, &args.service).await?;
    let answer = client.post(&Target::new(&["plugins", &stem, "rollback"]), &body(args.to.as_deref())).await?;
    args.remote.print_done(&answer, &plugins::live(&answer));
    Ok(ExitCode::SUCCESS)
}

/// What is a version is taken for one; a digest has no dots.
fn body(to: Option<&str>) -> Value {
    match to {
        None => json!({}),
        Some(to) if to.contains('.') => json!({"version": to}),
        Some(to) => json!({"digest": to.to_lowercase()}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_digests() {
        assert_eq!(body(None), json!({}));
        assert_eq!(body(Some("1.2.0-rc.1")), json!({"version": "1.2.0-rc.1"}));
        assert_eq!(body(Some("0123ABCD")), json!({"digest": "0123abcd"}));
    }
}
