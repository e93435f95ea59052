//! `breakers`: listed, forced, and given back to themselves.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{RemoteArgs, client::Target, table::Column};

/// What people see of a breaker.
const COLUMNS: [Column; 9] = [
    ("BREAKER", &["/id"]),
    ("SERVICE", &["/service"]),
    ("STATE", &["/state"]),
    ("FAILED IN A ROW", &["/failureCount"]),
    ("NEXT ATTEMPT", &["/nextAttempt"]),
    ("REQUESTS", &["/metrics/requests"]),
    ("FAILED", &["/metrics/failures"]),
    ("TIMED OUT", &["/metrics/timeouts"]),
    ("REJECTED", &["/metrics/rejected"]),
];

/// What `breakers` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct BreakersArgs {
    #[command(subcommand)]
    command: Option<BreakersCommand>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What can be done with breakers; listed when nothing is said.
#[derive(Clone, Debug, Subcommand)]
enum BreakersCommand {
    /// Lists all; what happens when nothing is said
    List,
    /// Refuses all calls until it is reset, also for new versions of the service
    Open {
        /// Its id, or the name of its service
        id: String,
    },
    /// Lets all calls through until it is reset, whatever becomes of them
    Close {
        /// Its id, or the name of its service
        id: String,
    },
    /// Takes back what was forced, and begins anew
    Reset {
        /// Its id, or the name of its service
        id: String,
    },
    /// Lets all calls through until it is reset, and says in the log when it would have opened
    Measure {
        /// Its id, or the name of its service
        id: String,
    },
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or there is no such breaker.
pub(crate) async fn run(args: BreakersArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    let (id, action) = match args.command.unwrap_or(BreakersCommand::List) {
        BreakersCommand::List => {
            let breakers = client.list(&Target::new(&["breakers"])).await?;
            args.remote.print_list(&breakers, None, &COLUMNS, "no breakers: there is no service");
            return Ok(ExitCode::SUCCESS);
        }
        BreakersCommand::Open { id } => (id, "open"),
        BreakersCommand::Close { id } => (id, "close"),
        BreakersCommand::Reset { id } => (id, "reset"),
        BreakersCommand::Measure { id } => (id, "measure"),
    };
    let answer = client.post(&Target::new(&["breakers", &id, action]), &json!({})).await?;
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    args.remote.print_done(&answer, &format!("{} is {}", text("id"), text("state")));
    Ok(ExitCode::SUCCESS)
}
