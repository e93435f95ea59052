//! `queues`: what queues there are, or how one of them is.

use std::process::ExitCode;

use clap::Args;

use super::{RemoteArgs, client::Target, table::Column};

/// What people see of a queue.
const COLUMNS: [Column; 8] = [
    ("QUEUE", &["/name"]),
    ("SIZE", &["/currentSize"]),
    ("DELAYED", &["/delayed"]),
    ("IN FLIGHT", &["/inFlight"]),
    ("DONE", &["/dequeued"]),
    ("FAILED", &["/failed"]),
    ("DEAD", &["/deadLetters"]),
    ("CONSUMERS", &["/consumers"]),
];

/// What `queues` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct QueuesArgs {
    /// Only this queue, with everything about it
    queue: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Lists the queues, or shows one.
///
/// # Errors
/// When no host answers, or there is no such queue.
pub(crate) async fn run(args: QueuesArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    if let Some(queue) = &args.queue {
        args.remote.print_one(&client.get(&Target::new(&["queues", queue])).await?);
    } else {
        let queues = client.list(&Target::new(&["queues"])).await?;
        args.remote.print_list(&queues, None, &COLUMNS, "no queues yet: the first message of a queue makes it");
    }
    Ok(ExitCode::SUCCESS)
}
