//! `traffic`: how the calls of a service are shared between its versions.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{RemoteArgs, client::Target, table::Column};
use crate::output;

/// What people see of a version.
const COLUMNS: [Column; 8] = [
    ("VERSION", &["/version"]),
    ("PLUGIN", &["/plugin"]),
    ("WEIGHT", &["/weight"]),
    ("SHARE %", &["/share"]),
    ("REQUESTS", &["/metrics/requestCount"]),
    ("FAILURES", &["/failures"]),
    ("P50 MS", &["/metrics/p50"]),
    ("P95 MS", &["/metrics/p95"]),
];

/// What `traffic` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrafficArgs {
    /// The service
    service: String,
    /// A version and its weight, as in 2.0.0=10; shown when nothing is said
    #[arg(value_name = "VERSION=WEIGHT", value_parser = pair)]
    versions: Vec<(String, u32)>,
    /// A version that gets copies of so many of a hundred calls, as in 2.0.0=5
    #[arg(long, value_name = "VERSION=PERCENT", value_parser = pair)]
    mirror: Option<(String, u32)>,
    /// Gives all calls back to the main version
    #[arg(long, conflicts_with_all = ["versions", "mirror"])]
    clear: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or it does not take what is asked.
pub(crate) async fn run(args: TrafficArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    let target = Target::new(&["services", &args.service, "traffic"]);
    if args.clear {
        let answer = client.delete(&target).await?;
        args.remote.print_done(&answer, &format!("all calls of {} go to its main version", args.service));
        return Ok(ExitCode::SUCCESS);
    }
    let answer = match args.body() {
        Some(body) => client.put(&target, &body).await?,
        None => client.get(&target).await?,
    };
    args.print(&answer);
    Ok(ExitCode::SUCCESS)
}

/// A version and a number.
fn pair(text: &str) -> Result<(String, u32), String> {
    let read = text.split_once('=').and_then(|(version, number)| Some((version.to_owned(), number.parse().ok()?)));
    read.ok_or_else(|| "write VERSION=NUMBER, as in 2.0.0=10".to_owned())
}

// === impl TrafficArgs ===

impl TrafficArgs {
    /// What is asked for, if anything is.
    fn body(&self) -> Option<Value> {
        if self.versions.is_empty() && self.mirror.is_none() {
            return None;
        }
        let version = |(version, weight): &(String, u32)| json!({"version": version, "weight": weight});
        let mut body = json!({"versions": self.versions.iter().map(version).collect::<Vec<_>>()});
        if let Some((version, percent)) = &self.mirror {
            body["mirror"] = json!({"version": version, "percent": percent});
        }
        Some(body)
    }

    fn print(&self, answer: &Value) {
        if self.remote.json {
            self.remote.print_one(answer);
            return;
        }
        let versions = answer["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.remote.print_list(versions, None, &COLUMNS, "no plugin of this host answers for it");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mirror = &answer["mirror"];
        if mirror.is_object() {
            output::line(format_args!("copies of {} % go to {}", mirror["percent"], text(&mirror["version"])));
        }
        let rollout = &answer["rollout"];
        if rollout.is_object() {
            let (from, to) = (text(&rollout["from"]), text(&rollout["to"]));
            output::line(format_args!("{to} replaces {from} step by step; its share is {} %", rollout["percent"]));
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn body(arguments: &[&str]) -> Result<Option<Value>, clap::Error> {
        let cli = Cli::try_parse_from([&["switchyard", "traffic", "users"], arguments].concat())?;
        match cli.command {
            Command::Traffic(args) => Ok(args.body()),
            _ => panic!("that command was named"),
        }
    }

    #[test]
    fn versions_with_weights_and_copies_are_said() {
        assert_eq!(body(&[]).unwrap(), None);
        let versions = json!([{"version": "1.0.0", "weight": 90}, {"version": "2.0.0-rc.1", "weight": 10}]);
        assert_eq!(body(&["1.0.0=90", "2.0.0-rc.1=10"]).unwrap(), Some(json!({ "versions": versions })));
        let mirror = json!({"version": "2.0.0", "percent": 5});
        assert_eq!(body(&["--mirror", "2.0.0=5"]).unwrap(), Some(json!({"versions": [], "mirror": mirror})));
        for wrong in [&["2.0.0"][..], &["2.0.0=x"], &["--mirror", "5"], &["--clear", "2.0.0=1"]] {
            assert!(body(wrong).is_err(), "{wrong:?}");
        }
    }
}
