//! `events tail`: what was published, and with `--follow` what is.

use std::{collections::VecDeque, process::ExitCode, time::Duration};

use clap::Args;
use serde_json::Value;

use super::{
    RemoteArgs,
    client::{Client, Target},
    table,
};
use crate::output;

/// How many events are shown when nothing says where to begin.
const NEWEST: usize = 20;

/// Events of one answer.
const PAGE: &str = "100";

/// The time between two looks at what is new.
const PERIOD: Duration = Duration::from_millis(500);

/// What `events tail` takes.
#[derive(Clone, Debug, Args)]
pub(super) struct TailArgs {
    /// Only events of topics that fit this pattern: `*` is one word, a final `>` the rest
    #[arg(long, value_name = "PATTERN")]
    topic: Option<String>,
    /// Where to begin: first, a sequence, or a time as in 2026-01-31T12:00:00Z [default: the newest 20]
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Goes on with what is published from now on
    #[arg(long)]
    follow: bool,
}

/// A way through the log.
struct Tail<'a> {
    client: Client,
    topic: Option<&'a str>,
    follow: bool,
    json: bool,
    /// The newest sequence that has been looked at.
    seen: u64,
    /// Whether what is followed is a topic that had no event yet.
    waits: bool,
}

/// Whether somebody still reads what is shown.
type IsRead = bool;

/// Shows events.
///
/// # Errors
/// When no host answers, or the place or pattern is none.
pub(super) async fn run(args: &TailArgs, remote: &RemoteArgs) -> anyhow::Result<ExitCode> {
    let topic = args.topic.as_deref();
    let mut tail =
        Tail { client: remote.client(), topic, follow: args.follow, json: remote.json, seen: 0, waits: false };
    let head = tail.head().await?;
    let mut is_read = match &args.from {
        Some(from) => tail.show_from(("from", from)).await?,
        None => tail.show_newest(head).await?,
    };
    // What has been published meanwhile, and was not shown, comes after this; so does a place that is still to come.
    let asked = args.from.as_ref().and_then(|from| from.parse::<u64>().ok()).unwrap_or_default();
    tail.seen = tail.seen.max(head).max(asked.saturating_sub(1));
    while args.follow && is_read {
        tokio::time::sleep(PERIOD).await;
        // The head is asked for first: what it names is in the log when that is read.
        let head = tail.head().await?;
        if head > tail.seen {
            let after = tail.seen.to_string();
            is_read = tail.show_from(("cursor", &after)).await?;
            tail.seen = tail.seen.max(head);
        }
    }
    Ok(ExitCode::SUCCESS)
}

// === impl Tail ===

impl Tail<'_> {
    /// The newest sequence of all topics.
    async fn head(&mut self) -> anyhow::Result<u64> {
        let topics = self.client.list(&Target::new(&["topics"])).await?;
        let exact = self.topic.filter(|topic| !topic.contains(['*', '>']));
        self.waits = self.follow && exact.is_some_and(|exact| !topics.iter().any(|topic| topic["name"] == exact));
        Ok(topics.iter().filter_map(|topic| topic["lastSequence"].as_u64()).max().unwrap_or_default())
    }

    /// Shows all from a place on.
    async fn show_from(&mut self, place: (&str, &str)) -> anyhow::Result<IsRead> {
        let mut next = Some((place.0.to_owned(), place.1.to_owned()));
        while let Some((name, value)) = next {
            let (events, cursor) = self.page(&name, &value).await?;
            for event in &events {
                self.seen = self.seen.max(sequence(event));
                if !self.show(event) {
                    return Ok(false);
                }
            }
            next = cursor.map(|cursor| ("cursor".to_owned(), cursor));
        }
        Ok(true)
    }

    /// Shows the newest: looks back ten times further each time, until there are enough of the topics asked for.
    async fn show_newest(&mut self, head: u64) -> anyhow::Result<IsRead> {
        let mut back = NEWEST as u64;
        loop {
            let after = head.saturating_sub(back);
            let newest = self.newest_after(after).await?;
            if newest.len() < NEWEST && after > 0 {
                back = back.saturating_mul(10);
                continue;
            }
            self.seen = newest.back().map_or(self.seen, sequence);
            return Ok(newest.iter().all(|event| self.show(event)));
        }
    }

    async fn newest_after(&self, after: u64) -> anyhow::Result<VecDeque<Value>> {
        let (mut newest, mut next) = (VecDeque::new(), Some(after.to_string()));
        while let Some(cursor) = next {
            let (events, after) = self.page("cursor", &cursor).await?;
            newest.extend(events);
            newest.drain(..newest.len().saturating_sub(NEWEST));
            next = after;
        }
        Ok(newest)
    }

    async fn page(&self, place: &str, value: &str) -> anyhow::Result<(Vec<Value>, Option<String>)> {
        if self.waits {
            return Ok((Vec::new(), None));
        }
        let target = Target::new(&["events"]).with("topic", self.topic).with("limit", Some(PAGE));
        self.client.page(&target.with(place, Some(value))).await
    }

    fn show(&self, event: &Value) -> IsRead {
        let shown = if self.json { output::write_line(event) } else { output::write_line(line(event)) };
        shown.is_ok()
    }
}

fn sequence(event: &Value) -> u64 {
    event["sequence"].as_u64().unwrap_or_default()
}

/// An event in one line.
fn line(event: &Value) -> String {
    let data = event.get("data").or_else(|| event.get("data_base64")).unwrap_or(&Value::Null);
    let members = [&event["sequence"], &event["time"], &event["type"], &event["source"]].map(table::text);
    format!("{}  {}", members.join("  "), table::text(data))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event = json!({
            "sequence": 7, "time": "2026-01-02T03:04:05Z", "type": "a.b", "source": "/s", "data": {"text": "x\ny"},
        });
        assert_eq!(line(&event), r#"7  2026-01-02T03:04:05Z  a.b  /s  {"text":"x\ny"}"#);
        assert_eq!(line(&json!({"sequence": 7})), "7  -  -  -  -");
    }
}
