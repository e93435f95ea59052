//! `status`: a host at a glance.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::{RemoteArgs, client::Target, table};
use crate::output::{self, Style, Tone};

/// What `status` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

/// One line: its heading, and the figures that stand in it.
type Line = (&'static str, &'static [Figure]);

/// Where a figure stands, what it is, and how bad it is when it is not zero.
type Figure = (&'static str, &'static str, Option<Tone>);

/// What is told in figures.
const LINES: [Line; 7] = [
    (
        "plugins",
        &[
            ("/plugins/total", "", None),
            ("/plugins/active", "active", None),
            ("/plugins/loading", "loading", Some(Tone::Warn)),
            ("/plugins/draining", "draining", Some(Tone::Warn)),
            ("/plugins/faulty", "with an error", Some(Tone::Bad)),
        ],
    ),
    (
        "services",
        &[
            ("/services/total", "", None),
            ("/services/healthy", "healthy", None),
            ("/services/unhealthy", "unhealthy", Some(Tone::Bad)),
        ],
    ),
    (
        "breakers",
        &[
            ("/breakers/total", "", None),
            ("/breakers/open", "open", Some(Tone::Bad)),
            ("/breakers/halfOpen", "half-open", Some(Tone::Warn)),
            ("/breakers/forcedOpen", "forced open", Some(Tone::Bad)),
        ],
    ),
    (
        "events",
        &[
            ("/events/published", "published", None),
            ("/events/topics", "topics", None),
            ("/events/subscriptions", "subscriptions", None),
            ("/events/lag", "behind", Some(Tone::Warn)),
            ("/events/blocked", "blocked", Some(Tone::Bad)),
        ],
    ),
    (
        "queues",
        &[("/queues/total", "", None), ("/queues/size", "messages", None), ("/queues/inFlight", "in flight", None)],
    ),
    ("dead letters", &[("/deadLetters", "", Some(Tone::Bad))]),
    (
        "sagas",
        &[
            ("/sagas/open", "open", None),
            ("/sagas/compensating", "compensating", Some(Tone::Warn)),
            ("/sagas/stuck", "stuck", Some(Tone::Bad)),
            ("/sagas/failed", "failed", None),
            ("/sagas/completed", "completed", None),
        ],
    ),
];

/// Shows a host at a glance.
///
/// # Errors
/// When no host answers.
pub(crate) async fn run(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let overview = args.remote.client().get(&Target::new(&["overview"])).await?;
    if args.remote.json {
        args.remote.print_one(&overview);
    } else {
        output::line(glance(&overview, Style::of_stdout()));
    }
    Ok(ExitCode::SUCCESS)
}

fn glance(overview: &Value, style: Style) -> String {
    let text = |place: &str| table::text(overview.pointer(place).unwrap_or(&Value::Null));
    let status = text("/status");
    let painted = table::tone(&status).map_or_else(|| status.clone(), |tone| style.paint(&status, tone));
    let host = format!("{painted}, switchyard {} on {}, up {}", text("/version"), text("/node"), text("/uptime"));
    let listens = format!("{}, admin {}", text("/listeners/gateway"), text("/listeners/admin"));
    let number = |place: &str| overview.pointer(place).and_then(Value::as_f64);
    let rate = |place: &str| number(place).map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}/s"));
    let p95 = number("/requests/p95").map_or_else(String::new, |ms| format!(", p95 {ms:.1} ms"));
    let requests = format!("{}, failing {}{p95}", rate("/requests/rate"), rate("/requests/failureRate"));
    let mut lines = vec![("host", host), ("gateway", listens), ("requests", requests)];
    lines.extend(LINES.iter().map(|(heading, figures)| (*heading, told(overview, figures, style))));
    let size =
        |place: &str| overview.pointer(place).and_then(Value::as_u64).map_or_else(|| "-".to_owned(), table::bytes);
    let store = format!("{}, {} free", size("/store/bytes"), size("/store/diskFree"));
    lines.push(("store", store));
    let width = lines.iter().map(|(heading, _)| heading.len()).max().unwrap_or_default();
    let line = |(heading, text): &(&str, String)| {
        format!("{}  {text}", style.paint(&format!("{heading:<width$}"), Tone::Strong))
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The figures of a line; what would be worth a look is left out while it is zero.
fn told(overview: &Value, figures: &[Figure], style: Style) -> String {
    let mut told = Vec::new();
    for (place, what, tone) in figures {
        let count = overview.pointer(place).and_then(Value::as_u64).unwrap_or_default();
        if count == 0 && tone.is_some() && !what.is_empty() {
            continue;
        }
        let text = format!("{count} {what}").trim_end().to_owned();
        told.push(tone.filter(|_| count > 0).map_or_else(|| text.clone(), |tone| style.paint(&text, tone)));
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_is_told_in_a_few_lines() {
        let overview = json!({
            "status": "degraded", "version": "0.1.0", "node": "n\u{1b}", "uptime": "61s",
            "listeners": {"gateway": "http://127.0.0.1:3000", "admin": "http://127.0.0.1:3900"},
            "requests": {"rate": 12.34, "failureRate": 0.0, "p95": 4.25},
            "plugins": {"total": 3, "active": 2, "faulty": 1}, "breakers": {"total": 2, "open": 1},
            "deadLetters": 0, "sagas": {"open": 1, "stuck": 0}, "store": {"bytes": 2048, "diskFree": 5_000_000_000_u64},
        });
        let told = glance(&overview, Style::PLAIN);
        for expected in [
            "host          degraded, switchyard 0.1.0 on n\\u{1b}, up 61s\n",
            "requests      12.3/s, failing 0.0/s, p95 4.2 ms\n",
            "plugins       3, 2 active, 1 with an error\n",
            "breakers      2, 1 open\n",
            "dead letters  0\n",
            "sagas         1 open, 0 failed, 0 completed\n",
            "store         2.0 KiB, 4.7 GiB free",
        ] {
            assert!(told.contains(expected), "{expected}\n{told}");
        }
        assert!(glance(&overview, Style::COLOURED).contains("\u{1b}[31m1 open\u{1b}[0m"));
    }
}
