//! `subscriptions`: listed, paused, resumed and moved.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{RemoteArgs, client::Target, table::Column};

/// What people see of a subscription.
const COLUMNS: [Column; 9] = [
    ("SUBSCRIPTION", &["/name"]),
    ("TOPIC", &["/topic"]),
    ("CALLS", &["/endpoint/service", "/endpoint/url", "/endpoint"]),
    ("STATE", &["/state"]),
    ("LAG", &["/lag"]),
    ("IN FLIGHT", &["/inFlight"]),
    ("PROCESSED", &["/processed"]),
    ("ERRORS", &["/errors"]),
    ("DEAD", &["/deadLetters"]),
];

/// What `subscriptions` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct SubscriptionsArgs {
    #[command(subcommand)]
    command: Option<SubscriptionsCommand>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What can be done with subscriptions; listed when nothing is said.
#[derive(Clone, Debug, Subcommand)]
enum SubscriptionsCommand {
    /// Lists all; what happens when nothing is said
    List,
    /// Delivers nothing more until it is resumed
    Pause {
        /// Its name or id
        id: String,
    },
    /// Goes on where it was paused
    Resume {
        /// Its name or id
        id: String,
    },
    /// Moves its cursor
    Seek {
        /// Its name or id
        id: String,
        /// Where to: first, latest, a sequence, or a time as in 2026-01-31T12:00:00Z
        #[arg(long, value_name = "PLACE")]
        to: String,
    },
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or there is no such subscription.
pub(crate) async fn run(args: SubscriptionsArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    let target = |id: &str, act: &str| Target::new(&["subscriptions", id, act]);
    let (answer, meaning) = match args.command.unwrap_or(SubscriptionsCommand::List) {
        SubscriptionsCommand::List => {
            let subscriptions = client.list(&Target::new(&["subscriptions"])).await?;
            args.remote.print_list(&subscriptions, None, &COLUMNS, "no subscriptions");
            return Ok(ExitCode::SUCCESS);
        }
        SubscriptionsCommand::Pause { id } => {
            (client.post(&target(&id, "pause"), &json!({})).await?, format!("{id} is paused"))
        }
        SubscriptionsCommand::Resume { id } => {
            (client.post(&target(&id, "resume"), &json!({})).await?, format!("{id} goes on"))
        }
        SubscriptionsCommand::Seek { id, to } => {
            let answer = client.post(&target(&id, "seek"), &json!({"to": to})).await?;
            let meaning = format!("{id} has been moved: it goes on after sequence {}", answer["cursor"]);
            (answer, meaning)
        }
    };
    args.remote.print_done(&answer, &meaning);
    Ok(ExitCode::SUCCESS)
}
