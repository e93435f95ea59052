//! `events`: published and read.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    RemoteArgs,
    payload::{Payload, payload},
    tail,
};

/// What `events` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    command: EventsCommand,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What can be done with events.
#[derive(Clone, Debug, Subcommand)]
enum EventsCommand {
    /// Shows events, the newest last
    Tail(tail::TailArgs),
    /// Publishes one event
    Publish(PublishArgs),
}

/// What `events publish` takes.
#[derive(Clone, Debug, Args)]
struct PublishArgs {
    /// The topic, as in order.created
    topic: String,
    /// The payload, as JSON; @FILE reads it from a file, `-` from standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, value_parser = payload)]
    data: Option<Payload>,
    /// The event's id: a second event of the same source and id is stored once [default: a new one]
    #[arg(long)]
    id: Option<String>,
    /// Where the event comes from, a URI reference [default: the admin API]
    #[arg(long)]
    source: Option<String>,
    /// What the event is about
    #[arg(long)]
    subject: Option<String>,
    /// Events of one key are delivered in order
    #[arg(long)]
    key: Option<String>,
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or it refuses the event.
pub(crate) async fn run(args: EventsArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        EventsCommand::Tail(tail) => tail::run(&tail, &args.remote).await,
        EventsCommand::Publish(publish) => {
            let receipt = args.remote.client().publish(&publish.event()?).await?;
            let (id, sequence) = (receipt["id"].as_str().unwrap_or_default(), &receipt["sequence"]);
            let meaning = match receipt["duplicate"].as_bool() {
                Some(true) => format!("{id} is there already, with sequence {sequence}"),
                _ => format!("{id} is published, with sequence {sequence}"),
            };
            args.remote.print_done(&receipt, &meaning);
            Ok(ExitCode::SUCCESS)
        }
    }
}

// === impl PublishArgs ===

impl PublishArgs {
    /// The event in CloudEvents' JSON format; what is not said the host fills in.
    fn event(&self) -> anyhow::Result<Value> {
        let mut event = json!({"specversion": "1.0", "type": self.topic});
        let said =
            [("id", &self.id), ("source", &self.source), ("subject", &self.subject), ("partitionkey", &self.key)];
        for (name, value) in said {
            if let Some(value) = value {
                event[name] = json!(value);
            }
        }
        if let Some(data) = &self.data {
            event["data"] = data.read()?;
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_is_sent() {
        let args = PublishArgs {
            topic: "order.created".to_owned(),
            data: Some(Payload::Said(json!({"id": 1}))),
            id: None,
            source: None,
            subject: None,
            key: Some("k".to_owned()),
        };
        let expected = json!({"specversion": "1.0", "type": "order.created", "partitionkey": "k", "data": {"id": 1}});
        assert_eq!(args.event().expect("an event"), expected);
    }
}
