//! `sagas definitions`: what can be started, and which service declares it.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::remote::{
    RemoteArgs,
    client::{Client, Target},
    table::Column,
};

/// What people see of a definition.
const COLUMNS: [Column; 4] =
    [("NAME", &["/name"]), ("SERVICE", &["/service"]), ("ON FAILURE", &["/onFailure"]), ("STEPS", &["/steps"])];

/// What people read when there are none.
const NOTHING: &str = "no saga definitions: a plugin declares them in its manifest or side file";

/// Lists the definitions.
pub(super) async fn run(remote: &RemoteArgs, client: &Client) -> anyhow::Result<ExitCode> {
    let definitions = client.list(&Target::new(&["sagas", "definitions"])).await?;
    let items = if remote.json { definitions } else { definitions.iter().map(for_people).collect() };
    remote.print_list(&items, None, &COLUMNS, NOTHING);
    Ok(ExitCode::SUCCESS)
}

/// A definition with its steps in words.
fn for_people(definition: &Value) -> Value {
    let mut shown = definition.clone();
    shown["steps"] = labels(&definition["steps"]).into();
    shown
}

/// What each step is called, those of a group together.
fn labels(steps: &Value) -> Vec<String> {
    steps.as_array().into_iter().flatten().map(label).collect()
}

fn label(step: &Value) -> String {
    let wait = &step["wait"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if step["parallel"].is_array() {
        return format!("({})", labels(&step["parallel"]).join(" + "));
    }
    let of_wait = || text(&wait["signal"]).map(|signal| format!("signal {signal}"));
    let of_timer = || text(&wait["timer"]).map(|timer| format!("timer {timer}"));
    let named = text(&step["name"]).or_else(|| text(&step["command"]));
    named.or_else(of_wait).or_else(of_timer).unwrap_or_else(|| json!(step).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_in_words() {
        let definition = json!({"name": "order", "steps": [
            {"command": "reserve"},
            {"name": "approval", "wait": {"signal": "approved"}},
            {"wait": {"signal": "paid"}},
            {"parallel": [{"command": "mail"}, {"wait": {"timer": "5m"}}]},
        ]});
        let shown = for_people(&definition);
        assert_eq!(shown["steps"], json!(["reserve", "approval", "signal paid", "(mail + timer 5m)"]));
        assert_eq!(shown["name"], "order");
    }
}
