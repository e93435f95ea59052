//! `logs`: the latest lines of services, and with `--follow` those that are written.

use std::{process::ExitCode, time::SystemTime};

use clap::Args;
use serde_json::Value;
use switchyard_core::{timestamp::Timestamp, units::HumanDuration};

use super::{
    RemoteArgs,
    client::{Client, Target},
    table,
};
use crate::output::{self, Style, Tone};

/// How many lines are shown when nothing says otherwise.
const NEWEST: u32 = 100;

/// What `logs` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogsArgs {
    /// Only lines of this service
    service: Option<String>,
    /// Only lines that are as grave, or graver
    #[arg(long, value_name = "LEVEL", value_parser = ["debug", "info", "warn", "error"])]
    level: Option<String>,
    /// So many of the newest lines [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: Option<u32>,
    /// All lines from then on: a time as in 2026-01-31T12:00:00Z, or how long ago it is, as in 10m
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "limit")]
    since: Option<Timestamp>,
    /// Goes on with what is written from now on
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Shows lines.
///
/// # Errors
/// When no host answers, or it ends what is followed.
pub(crate) async fn run(args: LogsArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    let style = Style::of_stdout();
    let lines = match args.since {
        Some(since) => args.since(&client, since).await?,
        None => args.newest(&client).await?,
    };
    if !args.follow {
        if args.remote.json {
            args.remote.print_list(&lines, None, &[], "");
        } else if lines.is_empty() {
            output::line("no lines");
        } else {
            lines.iter().for_each(|found| output::line(line(found, style)));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let show = |found: &Value| match args.remote.json {
        true => output::write_line(found).is_ok(),
        false => output::write_line(line(found, style)).is_ok(),
    };
    if !lines.iter().all(show) {
        return Ok(ExitCode::SUCCESS);
    }
    let last = lines.last().and_then(|line| line["id"].as_str()).map(str::to_owned);
    let target = args.target().with("follow", Some("true"));
    client
        .follow(&target, last.as_deref(), |kind, found| {
            if kind == "gap" {
                output::error_line("some lines were missed");
                return true;
            }
            show(found)
        })
        .await?;
    Ok(ExitCode::SUCCESS)
}

/// A moment, or how long ago it is.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let wrong = |_| "write a time as in 2026-01-31T12:00:00Z, or how long ago it is, as in 10m".to_owned();
    let ago = text.parse::<HumanDuration>().map_err(wrong)?;
    Ok(SystemTime::now().checked_sub(ago.0).unwrap_or(SystemTime::UNIX_EPOCH).into())
}

/// A line as people read it. What it says moves no cursor.
fn line(line: &Value, style: Style) -> String {
    let text = |name: &str| table::text(&line[name]);
    let level = text("level");
    let tone = match level.as_str() {
        "error" => Tone::Bad,
        "warn" => Tone::Warn,
        "debug" => Tone::Faint,
        _ => Tone::Good,
    };
    let (time, level) = (style.paint(&text("time"), Tone::Faint), style.paint(&format!("{level:<5}"), tone));
    format!("{time}  {level}  {}  {}  {}", text("service"), style.paint(&text("source"), Tone::Faint), text("message"))
}

// === impl LogsArgs ===

impl LogsArgs {
    fn target(&self) -> Target {
        Target::new(&["logs"]).with("service", self.service.as_deref()).with("level", self.level.as_deref())
    }

    async fn newest(&self, client: &Client) -> anyhow::Result<Vec<Value>> {
        let limit = self.limit.unwrap_or(NEWEST).to_string();
        Ok(client.page(&self.target().with("limit", Some(&limit))).await?.0)
    }

    /// All from a moment on, which are looked for backwards.
    async fn since(&self, client: &Client, since: Timestamp) -> anyhow::Result<Vec<Value>> {
        let is_older = |line: &Value| {
            line["time"].as_str().and_then(|time| time.parse().ok()).is_some_and(|time: Timestamp| time < since)
        };
        let (mut lines, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let target = self.target().with("limit", Some("1000")).with("cursor", cursor.as_deref());
            let (mut page, next) = client.page(&target).await?;
            let is_last = next.is_none() || page.first().is_some_and(is_older);
            page.retain(|line| !is_older(line));
            page.append(&mut lines);
            lines = page;
            if is_last {
                return Ok(lines);
            }
            cursor = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_one_line_that_moves_no_cursor() {
        let found = json!({
            "time": "2026-01-02T03:04:05.000Z", "level": "warn", "service": "shop", "source": "std\rout",
            "message": "a\u{1b}[2J\nb\u{202e}c",
        });
        let expected = r"2026-01-02T03:04:05.000Z  warn   shop  std\rout  a\u{1b}[2J\nb\u{202e}c";
        assert_eq!(line(&found, Style::PLAIN), expected);
        assert!(line(&found, Style::COLOURED).contains("\u{1b}[33mwarn \u{1b}[0m"));
    }

    #[test]
    fn a_moment_is_said_as_such_or_by_how_long_ago_it_is() {
        assert_eq!(since("2026-01-31T12:00:00Z").map(|time| time.to_string()), Ok("2026-01-31T12:00:00.000Z".into()));
        let now = Timestamp::from(SystemTime::now());
        let ago = since("10m").expect("a moment");
        assert!(now.0.abs_diff(ago.0).abs_diff(600_000) < 60_000, "{ago}");
        assert!(since("yesterday").is_err());
    }
}
