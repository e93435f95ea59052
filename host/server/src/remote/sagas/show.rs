//! `sagas show`: one saga, its steps, and what has happened.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    output,
    remote::{
        RemoteArgs,
        client::{Client, Target},
        table::{self, Column, Table},
    },
};

/// What people see of a step, or of the way back of one.
const STEPS: [Column; 9] = [
    ("STEP", &["/index"]),
    ("NAME", &["/name"]),
    ("COMMAND", &["/command"]),
    ("STATUS", &["/status"]),
    ("ATTEMPTS", &["/attempts"]),
    ("STARTED", &["/startedAt"]),
    ("ENDED", &["/endedAt"]),
    ("DUE", &["/dueAt"]),
    ("ERROR", &["/error"]),
];

/// What people see of a line of the history.
const HISTORY: [Column; 8] = [
    ("AT", &["/at"]),
    ("EVENT", &["/event"]),
    ("STEP", &["/step"]),
    ("COMMAND", &["/command", "/name"]),
    ("ATTEMPT", &["/attempt"]),
    ("UNTIL", &["/until"]),
    ("KIND", &["/kind", "/reason"]),
    ("DETAIL", &["/detail"]),
];

/// Lines of the history in one answer.
const PAGE: &str = "1000";

/// Shows a saga.
pub(super) async fn run(id: &str, remote: &RemoteArgs, client: &Client) -> anyhow::Result<ExitCode> {
    let mut saga = client.get(&Target::new(&["sagas", id])).await?;
    let history = client.list(&Target::new(&["sagas", id, "history"]).with("limit", Some(PAGE))).await?;
    if remote.json {
        saga["history"] = history.into();
        output::line(saga);
    } else {
        output::line(text(saga, &history));
    }
    Ok(ExitCode::SUCCESS)
}

fn text(mut saga: Value, history: &[Value]) -> String {
    let steps = saga.as_object_mut().and_then(|members| members.remove("steps")).unwrap_or_default();
    let rows: Vec<Value> = steps.as_array().into_iter().flatten().flat_map(rows).collect();
    format!("{}\n\n{}\n\n{}", table::members(&saga), Table::new(&rows, &STEPS), Table::new(history, &HISTORY))
}

/// A step, and beneath it its way back once that has begun.
fn rows(step: &Value) -> Vec<Value> {
    let mut undo = step["compensation"].clone();
    if undo.is_null() {
        return vec![step.clone()];
    }
    undo["index"] = step["index"].clone();
    undo["name"] = json!("(undo)");
    vec![step.clone(), undo]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saga_is_shown_with_steps_and_history() {
        let saga = json!({"sagaId": "s", "status": "failed", "error": "no\nmoney", "steps": [
            {"index": 0, "name": "reserve", "command": "stock.reserve", "status": "compensated", "attempts": 1,
             "compensation": {"command": "stock.release", "status": "completed", "attempts": 2}},
            {"index": 1, "name": "signal paid", "status": "skipped", "attempts": 0},
        ]});
        let history = [json!({"at": "T", "event": "failed", "step": 1, "name": "pay", "kind": "rejected"})];
        let shown = text(saga, &history);
        let expected = "\
error   no\\nmoney
sagaId  s
status  failed

STEP  NAME         COMMAND        STATUS       ATTEMPTS  STARTED  ENDED  DUE  ERROR
0     reserve      stock.reserve  compensated  1         -        -      -    -
0     (undo)       stock.release  completed    2         -        -      -    -
1     signal paid  -              skipped      0         -        -      -    -

AT  EVENT   STEP  COMMAND  ATTEMPT  UNTIL  KIND      DETAIL
T   failed  1     pay      -        -      rejected  -";
        assert_eq!(shown, expected);
    }
}
