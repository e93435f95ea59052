//! `ps`: the plugins, and what becomes of their calls.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Args;
use serde_json::{Value, json};

use super::{
    RemoteArgs,
    client::Target,
    plugins,
    table::{self, Column},
};

/// What people see of a plugin.
const COLUMNS: [Column; 10] = [
    ("PLUGIN", &["/name"]),
    ("SERVICE", &["/service"]),
    ("VERSION", &["/version"]),
    ("STATE", &["/state"]),
    ("GENERATION", &["/generation"]),
    ("DIGEST", &["/digest"]),
    ("CALLS", &["/calls"]),
    ("ERRORS", &["/errors"]),
    ("MEMORY", &["/memory"]),
    ("ERROR", &["/error"]),
];

/// What `ps` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct PsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Lists the plugins.
///
/// # Errors
/// When no host answers.
pub(crate) async fn run(args: PsArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    let found = client.list(&Target::new(&["plugins"])).await?;
    if args.remote.json {
        args.remote.print_list(&found, None, &COLUMNS, "");
        return Ok(ExitCode::SUCCESS);
    }
    let services = client.list(&Target::new(&["services"]).with("all", Some("true"))).await?;
    let services: BTreeMap<&str, &Value> =
        services.iter().filter_map(|service| Some((service["name"].as_str()?, service))).collect();
    let rows: Vec<Value> = found.iter().map(|plugin| row(plugin, &services)).collect();
    args.remote.print_list(&rows, None, &COLUMNS, "no plugins: drop a component into the plugins folder");
    Ok(ExitCode::SUCCESS)
}

/// What is counted is counted for a service, so it stands beside the one that takes its traffic.
fn row(plugin: &Value, services: &BTreeMap<&str, &Value>) -> Value {
    let is_staged = plugin["staged"] == true;
    let counted = plugin["service"].as_str().filter(|_| !is_staged && plugin["state"] == "active");
    let service = counted.and_then(|service| services.get(service).copied()).unwrap_or(&Value::Null);
    let counted = &service["metrics"];
    let state = if is_staged && plugin["state"] == "active" { json!("staged") } else { plugin["state"].clone() };
    json!({
        "name": plugin["name"], "service": plugin["service"], "version": plugin["version"], "state": state,
        "generation": plugin["generation"], "digest": plugin["digest"].as_str().map(plugins::short),
        "calls": counted["requestCount"], "errors": counted["errorCount"],
        "memory": service["memory"].as_u64().map(table::bytes), "error": plugin["error"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_takes_the_traffic_has_its_counts() {
        let counts = json!({"metrics": {"requestCount": 7, "errorCount": 1}, "memory": 2_097_152});
        let services = BTreeMap::from([("users", &counts)]);
        let of = |staged| json!({"name": "a", "service": "users", "state": "active", "staged": staged, "digest": "0123456789abcdef"});
        let main = row(&of(false), &services);
        assert_eq!((&main["calls"], &main["errors"], &main["digest"]), (&json!(7), &json!(1), &json!("0123456789ab")));
        assert_eq!(main["memory"], "2.0 MiB");
        let staged = row(&of(true), &services);
        assert_eq!((&staged["calls"], &staged["state"]), (&Value::Null, &json!("staged")));
    }
}
