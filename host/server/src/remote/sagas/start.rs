//! `sagas start`: begins a saga, and with `--wait` says how it ended.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use switchyard_core::units::HumanDuration;

use super::{status, with_data};
use crate::{
    output,
    remote::{
        RemoteArgs,
        client::{Client, Target},
        payload::{Payload, payload},
        table,
    },
};

/// The first pause between two looks at a saga that is waited for; each is half as long again as the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(20);

/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What `sagas start` takes.
#[derive(Clone, Debug, Args)]
pub(super) struct StartArgs {
    /// The name of its definition
    name: String,
    /// Its id: starting a second one of the same id finds the first [default: a new one]
    #[arg(long)]
    id: Option<String>,
    /// What it is about, a JSON object; @FILE reads it from a file, `-` from standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, value_parser = payload)]
    data: Option<Payload>,
    /// Waits for its end; the exit code is 0 only if it is completed
    #[arg(long)]
    wait: bool,
    /// How long to wait; the saga goes on all the same
    #[arg(long, value_name = "DURATION", default_value = "60s", requires = "wait")]
    timeout: HumanDuration,
}

/// Starts a saga.
pub(super) async fn run(args: &StartArgs, remote: &RemoteArgs, client: &Client) -> anyhow::Result<ExitCode> {
    let started = client.post(&Target::new(&["sagas"]), &args.body()?).await?;
    let id = started["sagaId"].as_str().unwrap_or_default();
    if args.wait {
        let ended = wait(id, status(&started), args.timeout, client).await?;
        return Ok(tell(id, &ended, remote));
    }
    let how = if started["existing"] == true { "is there already" } else { "is started" };
    remote.print_done(&started, &format!("{id} {how}, and is {}", status(&started)));
    Ok(ExitCode::SUCCESS)
}

/// The saga once it has ended, or does not go on by itself.
async fn wait(id: &str, first: &str, within: HumanDuration, client: &Client) -> anyhow::Result<Value> {
    let (target, mut last, mut pause) = (Target::new(&["sagas", id]), first.to_owned(), PAUSE_FIRST);
    let ended = tokio::time::timeout(within.0, async {
        loop {
            let saga = client.get(&target).await?;
            status(&saga).clone_into(&mut last);
            if matches!(status(&saga), "completed" | "failed" | "stuck") {
                return anyhow::Ok(saga);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(PAUSE_MAX);
        }
    });
    match ended.await {
        Ok(saga) => saga.with_context(|| format!("the saga {id} is started; how it ends cannot be seen")),
        Err(_) => {
            let shown = table::printable(id);
            bail!("the saga {shown} is still {last} after {within}; look at it with `switchyard sagas show {shown}`")
        }
    }
}

/// Says how a saga ended. What went wrong is for people, on standard error.
fn tell(id: &str, saga: &Value, remote: &RemoteArgs) -> ExitCode {
    match trouble(id, saga) {
        None => {
            remote.print_done(saga, &format!("{id} is completed"));
            ExitCode::SUCCESS
        }
        Some(trouble) => {
            if remote.json {
                output::line(saga);
            }
            output::error_line(format_args!("error: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with a saga that has ended otherwise than hoped, and what helps.
fn trouble(id: &str, saga: &Value) -> Option<String> {
    let (id, error) = (table::printable(id), table::text(&saga["error"]));
    match status(saga) {
        "completed" => None,
        "stuck" => Some(format!(
            "the saga {id} is stuck: {error}; mend what is wrong and use `switchyard sagas retry {id}`, or undo it with \
             `switchyard sagas compensate {id}`"
        )),
        _ => Some(format!(
            "the saga {id} has failed, and what it did is undone: {error}; see `switchyard sagas show {id}`"
        )),
    }
}

// === impl StartArgs ===

impl StartArgs {
    /// The body that starts it; what is not said is left to the host.
    fn body(&self) -> anyhow::Result<Value> {
        let mut body = json!({"sagaName": self.name});
        if let Some(id) = &self.id {
            body["sagaId"] = json!(id);
        }
        with_data(body, self.data.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A host that tells of a saga that it stands here, then there, and at last for ever where it stood last.
    async fn host<const N: usize>(statuses: [&'static str; N]) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for place in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                // A request of this test comes in one piece.
                let _ = stream.read(&mut [0; 4096]).await.unwrap();
                let body = json!({"sagaId": "s", "status": statuses[place.min(N - 1)]}).to_string();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Client::new(url.parse().unwrap())
    }

    #[tokio::test]
    async fn an_end_is_waited_for() {
        for end in ["completed", "failed", "stuck"] {
            let host = host(["running", "waiting", end]).await;
            let ended = wait("s", "running", "20s".parse().unwrap(), &host).await.unwrap();
            assert_eq!(ended["status"], end);
        }
    }

    #[tokio::test]
    async fn waiting_ends_with_its_time() {
        let host = host(["waiting"]).await;
        let error = wait("s", "running", "100ms".parse().unwrap(), &host).await.unwrap_err().to_string();
        assert!(error.contains("still") && error.contains("after 100ms; look at it with"), "{error}");
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let args = StartArgs {
            name: "order".to_owned(),
            id: None,
            data: Some(Payload::Said(json!({"n": 1}))),
            wait: false,
            timeout: "60s".parse().unwrap(),
        };
        assert_eq!(args.body().unwrap(), json!({"sagaName": "order", "data": {"n": 1}}));
        let args = StartArgs { id: Some("a".to_owned()), data: None, ..args };
        assert_eq!(args.body().unwrap(), json!({"sagaName": "order", "sagaId": "a"}));
    }

    #[test]
    fn only_a_completed_saga_is_as_hoped() {
        assert_eq!(trouble("s", &json!({"status": "completed"})), None);
        let stuck = trouble("s", &json!({"status": "stuck", "error": "no\nanswer"})).unwrap();
        assert!(stuck.contains(r"stuck: no\nanswer") && stuck.contains("sagas retry s"), "{stuck}");
        let failed = trouble("s", &json!({"status": "failed", "error": "cancelled"})).unwrap();
        assert!(failed.contains("undone: cancelled"), "{failed}");
    }
}
