//! `topics`: what topics there are.

use std::process::ExitCode;

use clap::Args;

use super::{RemoteArgs, client::Target, table::Column};

/// What people see of a topic.
const COLUMNS: [Column; 8] = [
    ("TOPIC", &["/name"]),
    ("EVENTS", &["/events"]),
    ("LAST", &["/lastPublished"]),
    ("SUBSCRIBERS", &["/subscribers"]),
    ("PROCESSED", &["/processed"]),
    ("ERRORS", &["/errors"]),
    ("DEAD", &["/deadLetters"]),
    ("DURABILITY", &["/durability"]),
];

/// What `topics` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct TopicsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Lists the topics.
///
/// # Errors
/// When no host answers.
pub(crate) async fn run(args: TopicsArgs) -> anyhow::Result<ExitCode> {
    let topics = args.remote.client().list(&Target::new(&["topics"])).await?;
    args.remote.print_list(&topics, None, &COLUMNS, "no topics yet: the first event of a topic makes it");
    Ok(ExitCode::SUCCESS)
}
