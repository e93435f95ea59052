//! `sagas`: listed, started, looked at, and moved when they do not move by themselves.

mod definitions;
mod show;
mod start;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    RemoteArgs,
    client::{Client, Target},
    payload::{Payload, payload},
    table::Column,
};
use crate::output;

/// What people see of a saga in a list.
const COLUMNS: [Column; 7] = [
    ("SAGA", &["/sagaId"]),
    ("NAME", &["/sagaName"]),
    ("STATUS", &["/status"]),
    ("STEP", &["/currentStep"]),
    ("STARTED", &["/startedAt"]),
    ("ENDED", &["/endedAt"]),
    ("ERROR", &["/error"]),
];

/// Sagas that are listed when nothing says how many.
const LIMIT: usize = 100;

/// The exit code of a wrong command line.
const USAGE: u8 = 2;

/// What `sagas` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct SagasArgs {
    #[command(subcommand)]
    command: Option<SagasCommand>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What can be done with sagas; listed when nothing is said.
#[derive(Clone, Debug, Subcommand)]
enum SagasCommand {
    /// Lists them; what happens when nothing is said
    List(Which),
    /// Lists the definitions that live services declare
    Definitions,
    /// Shows one: its steps, and what has happened
    Show {
        /// Its id
        id: String,
    },
    /// Starts one
    Start(start::StartArgs),
    /// Has one undone; it ends failed
    Cancel {
        /// Its id
        id: String,
    },
    /// Has one that is stuck tried again from the step that failed
    Retry {
        /// Its id
        id: String,
        /// Other data for it, a JSON object; @FILE reads it from a file, `-` from standard input
        #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, value_parser = payload)]
        data: Option<Payload>,
    },
    /// Has one undone that is stuck
    Compensate {
        /// Its id
        id: String,
    },
    /// Hands one a signal that a step of it waits for
    Signal {
        /// Its id
        id: String,
        /// The signal's name
        name: String,
        /// What the step answers, as JSON; @FILE reads it from a file, `-` from standard input
        #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, value_parser = payload)]
        data: Option<Payload>,
    },
}

/// Which sagas are meant: those that fit everything that is said.
#[derive(Clone, Debug, Default, PartialEq, Args)]
struct Which {
    /// Only those that stand here: running, waiting, compensating, stuck, failed or completed
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of this definition
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// At most so many [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: Option<u32>,
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, there is no such saga, or it does not stand where this can be done.
pub(crate) async fn run(args: SagasArgs) -> anyhow::Result<ExitCode> {
    let (remote, client) = (&args.remote, args.remote.client());
    let (id, act, body) = match args.command {
        None => return list(&args.which, remote, &client).await,
        Some(_) if args.which != Which::default() => {
            output::error_line("error: --status, --name and --limit stand behind `list`");
            return Ok(USAGE.into());
        }
        Some(SagasCommand::List(which)) => return list(&which, remote, &client).await,
        Some(SagasCommand::Definitions) => return definitions::run(remote, &client).await,
        Some(SagasCommand::Show { id }) => return show::run(&id, remote, &client).await,
        Some(SagasCommand::Start(start)) => return start::run(&start, remote, &client).await,
        Some(SagasCommand::Cancel { id }) => (id, "cancel", json!({})),
        Some(SagasCommand::Compensate { id }) => (id, "compensate", json!({})),
        Some(SagasCommand::Retry { id, data }) => (id, "retry", with_data(json!({}), data.as_ref())?),
        Some(SagasCommand::Signal { id, name, data }) => {
            (id, "signal", with_data(json!({"name": name}), data.as_ref())?)
        }
    };
    let saga = client.post(&Target::new(&["sagas", &id, act]), &body).await?;
    remote.print_done(&saga, &format!("{id} is {}", status(&saga)));
    Ok(ExitCode::SUCCESS)
}

async fn list(which: &Which, remote: &RemoteArgs, client: &Client) -> anyhow::Result<ExitCode> {
    let limit = which.limit.map_or(LIMIT, |limit| limit as usize);
    let (mut items, mut next) = (Vec::new(), None::<String>);
    // A page may hold less than was asked for, and more follow.
    loop {
        let page = which.target(limit - items.len()).with("cursor", next.as_deref());
        let (more, after) = client.page(&page).await?;
        items.extend(more);
        next = after;
        if next.is_none() || items.len() >= limit {
            break;
        }
    }
    remote.print_list(&items, next.as_deref(), &COLUMNS, "no sagas");
    Ok(ExitCode::SUCCESS)
}

/// A body with data, if some is said.
fn with_data(mut body: Value, data: Option<&Payload>) -> anyhow::Result<Value> {
    if let Some(data) = data {
        body["data"] = data.read()?;
    }
    Ok(body)
}

/// Where a saga stands.
fn status(saga: &Value) -> &str {
    saga["status"].as_str().unwrap_or("unknown")
}

// === impl Which ===

impl Which {
    fn target(&self, limit: usize) -> Target {
        Target::new(&["sagas"])
            .with("status", self.status.as_deref())
            .with("name", self.name.as_deref())
            .with("limit", Some(&limit.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SagasArgs,
    }

    fn parse(words: &str) -> Result<SagasArgs, clap::Error> {
        Line::try_parse_from(words.split(' ')).map(|line| line.args)
    }

    #[tokio::test]
    async fn what_a_list_takes_stands_with_the_list() {
        assert_eq!(parse("sagas --status stuck").unwrap().which.status.as_deref(), Some("stuck"));
        let listed = parse("sagas list --name order --limit 5").unwrap();
        let Some(SagasCommand::List(which)) = listed.command else { panic!("a list: {listed:?}") };
        assert_eq!((which.name.as_deref(), which.limit), (Some("order"), Some(5)));
        let misplaced = run(parse("sagas --status stuck cancel s").unwrap()).await.unwrap();
        assert_eq!(misplaced, ExitCode::from(USAGE));
        for wrong in ["sagas --limit 0", "sagas start", "sagas start order --timeout 1s", "sagas retry s --data x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("sagas --json start order --wait --timeout 1s --data -").unwrap().remote.json);
    }

    #[test]
    fn only_data_that_is_said_is_sent() {
        assert_eq!(with_data(json!({"name": "n"}), None).unwrap(), json!({"name": "n"}));
        let null = with_data(json!({}), Some(&Payload::Said(Value::Null))).unwrap();
        assert_eq!(null, json!({"data": null}));
    }
}
