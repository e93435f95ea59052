//! `dead-letters`: listed, looked at, redriven and discarded.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{RemoteArgs, client::Target, table::Column};

/// What people see of a dead letter.
const COLUMNS: [Column; 6] = [
    ("ID", &["/id"]),
    ("FROM", &["/subscription", "/queue"]),
    ("TOPIC", &["/topic"]),
    ("FAILED AT", &["/failedAt"]),
    ("ATTEMPTS", &["/attempts"]),
    ("ERROR", &["/error"]),
];

/// What `dead-letters` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeadLettersArgs {
    #[command(subcommand)]
    command: Option<DeadLettersCommand>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What can be done with dead letters; the oldest are listed when nothing is said.
#[derive(Clone, Debug, Subcommand)]
enum DeadLettersCommand {
    /// Lists the oldest; what happens when nothing is said
    List(Which),
    /// Shows one with all that it holds
    Show {
        /// Its id
        id: String,
    },
    /// Delivers one again, to the subscription or queue that it came from
    Redrive {
        /// Its id
        id: String,
    },
    /// Delivers many again, the oldest first
    RedriveAll {
        #[command(flatten)]
        which: Which,
        /// So many a second; the host's own rate when nothing is said
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        per_second: Option<u32>,
    },
    /// Removes one for good
    Discard {
        /// Its id
        id: String,
    },
}

/// Which dead letters are meant: those that fit everything that is said.
#[derive(Clone, Debug, Default, Args)]
struct Which {
    /// Only those of this subscription
    #[arg(long, value_name = "NAME")]
    subscription: Option<String>,
    /// Only events of this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only messages of this queue
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: Option<u32>,
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or there is no such dead letter.
pub(crate) async fn run(args: DeadLettersArgs) -> anyhow::Result<ExitCode> {
    let (remote, client) = (&args.remote, args.remote.client());
    match args.command.unwrap_or(DeadLettersCommand::List(Which::default())) {
        DeadLettersCommand::List(which) => {
            let (items, next) = client.page(&which.target()).await?;
            remote.print_list(&items, next.as_deref(), &COLUMNS, "no dead letters");
        }
        DeadLettersCommand::Show { id } => {
            remote.print_one(&client.get(&Target::new(&["dead-letters", &id])).await?);
        }
        DeadLettersCommand::Redrive { id } => {
            let answer = client.post(&Target::new(&["dead-letters", &id, "redrive"]), &json!({})).await?;
            remote.print_done(&answer, &format!("{id} is delivered again"));
        }
        DeadLettersCommand::RedriveAll { which, per_second } => {
            let body = which.body(per_second);
            let answer = client.post(&Target::new(&["dead-letters", "redrive"]), &body).await?;
            remote.print_done(&answer, &format!("{} are delivered again", answer["redriving"]));
        }
        DeadLettersCommand::Discard { id } => {
            let answer = client.delete(&Target::new(&["dead-letters", &id])).await?;
            remote.print_done(&answer, &format!("{id} is gone"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

// === impl Which ===

impl Which {
    fn target(&self) -> Target {
        let limit = self.limit.map(|limit| limit.to_string());
        Target::new(&["dead-letters"])
            .with("subscription", self.subscription.as_deref())
            .with("topic", self.topic.as_deref())
            .with("queue", self.queue.as_deref())
            .with("limit", limit.as_deref())
    }

    /// The body that redrives them; what is not said is left to the host.
    fn body(&self, per_second: Option<u32>) -> Value {
        let members = [
            ("subscription", json!(self.subscription)),
            ("topic", json!(self.topic)),
            ("queue", json!(self.queue)),
            ("limit", json!(self.limit)),
            ("perSecond", json!(per_second)),
        ];
        members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_is_sent() {
        let which = Which { queue: Some("emails".to_owned()), limit: Some(5), ..Which::default() };
        assert_eq!(which.body(None), json!({"queue": "emails", "limit": 5}));
        assert_eq!(Which::default().body(Some(9)), json!({"perSecond": 9}));
    }
}
