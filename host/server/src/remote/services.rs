//! `services`: listed with their instances, and upstreams registered and deregistered.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{RemoteArgs, client::Target, table::Column};

/// What people see of an instance.
const COLUMNS: [Column; 9] = [
    ("SERVICE", &["/service"]),
    ("INSTANCE", &["/id"]),
    ("ADDRESS", &["/address"]),
    ("VERSION", &["/version"]),
    ("STATUS", &["/status"]),
    ("SOURCE", &["/source"]),
    ("IN FLIGHT", &["/inFlight"]),
    ("REQUESTS", &["/requests"]),
    ("P95 MS", &["/p95"]),
];

/// What `services` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServicesArgs {
    #[command(subcommand)]
    command: Option<ServicesCommand>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What can be done with services; listed when nothing is said.
#[derive(Clone, Debug, Subcommand)]
enum ServicesCommand {
    /// Lists all with their instances; what happens when nothing is said
    List {
        /// Only the service of this name
        #[arg(long)]
        name: Option<String>,
        /// Only services that have this tag; several must all be there
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Registers an upstream: a server outside of the host that answers for a service
    Register(Box<Register>),
    /// Deregisters an upstream that was registered here
    Deregister {
        /// Its id
        id: String,
    },
    /// Says that an upstream lives
    Heartbeat {
        /// Its id
        id: String,
    },
}

/// What `services register` takes.
#[derive(Clone, Debug, Args)]
struct Register {
    /// The service
    name: String,
    /// Where it is: http://HOST:PORT, https://HOST, h2c://HOST:PORT, or HOST:PORT
    address: String,
    /// Its id [default: NAME-HOST-PORT]
    #[arg(long)]
    id: Option<String>,
    /// A path of it, or a URL, that answers 2xx while it is well
    #[arg(long, value_name = "PATH")]
    health: Option<String>,
    /// Its semantic version
    #[arg(long = "service-version", value_name = "VERSION")]
    version: Option<String>,
    /// A word to discover it by; may be said several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A further fact; may be said several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Its share of the requests, from 1 to 1000
    #[arg(long)]
    weight: Option<u32>,
    /// How long it is kept without a heartbeat or a healthy answer, as in 30s
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    /// A PEM file, on the host's machine, of who may have signed its certificate
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The name that its certificate is for
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or it does not take what is asked.
pub(crate) async fn run(args: ServicesArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    let all = || ServicesCommand::List { name: None, tags: Vec::new() };
    let (answer, meaning) = match args.command.unwrap_or_else(all) {
        ServicesCommand::List { name, tags } => {
            let target = Target::new(&["services"]).with("all", Some("true")).with("name", name.as_deref());
            let target = tags.iter().fold(target, |target, tag| target.with("tag", Some(tag)));
            let services = client.list(&target).await?;
            let rows: Vec<Value> = services.iter().flat_map(rows).collect();
            let shown = if args.remote.json { &services } else { &rows };
            args.remote.print_list(shown, None, &COLUMNS, "no services");
            return Ok(ExitCode::SUCCESS);
        }
        ServicesCommand::Register(register) => {
            let answer = client.post(&Target::new(&["services"]), &register.body()).await?;
            let meaning = format!("{} is registered", answer["id"].as_str().unwrap_or_default());
            (answer, meaning)
        }
        ServicesCommand::Deregister { id } => {
            (client.delete(&Target::new(&["services", &id])).await?, format!("{id} is deregistered"))
        }
        ServicesCommand::Heartbeat { id } => {
            let answer = client.put(&Target::new(&["services", &id, "heartbeat"]), &json!({})).await?;
            (answer, format!("{id} lives"))
        }
    };
    args.remote.print_done(&answer, &meaning);
    Ok(ExitCode::SUCCESS)
}

/// A row for each instance; one for a service that has none.
fn rows(service: &Value) -> Vec<Value> {
    let of_service = |instance: &Value| {
        let mut row = instance.as_object().cloned().unwrap_or_default();
        row.insert("service".to_owned(), service["name"].clone());
        row.insert("requests".to_owned(), service["metrics"]["requestCount"].clone());
        row.insert("p95".to_owned(), service["metrics"]["p95"].clone());
        row.entry("status").or_insert_with(|| service["status"].clone());
        Value::Object(row)
    };
    match service["instances"].as_array() {
        Some(instances) if !instances.is_empty() => instances.iter().map(of_service).collect(),
        _ => vec![of_service(&Value::Null)],
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "write KEY=VALUE".to_owned())
}

// === impl Register ===

impl Register {
    fn body(&self) -> Value {
        let tls: Map<String, Value> =
            [("ca", self.ca.as_ref().map(|ca| json!(ca))), ("serverName", text(&self.server_name))]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect();
        let metadata: Map<String, Value> =
            self.metadata.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let members = [
            ("name", Some(json!(self.name))),
            ("address", Some(json!(self.address))),
            ("id", text(&self.id)),
            ("health", text(&self.health)),
            ("version", text(&self.version)),
            ("tags", Some(json!(self.tags))),
            ("metadata", Some(Value::Object(metadata))),
            ("weight", self.weight.map(Value::from)),
            ("ttl", text(&self.ttl)),
            ("tls", (!tls.is_empty()).then_some(Value::Object(tls))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn text(text: &Option<String>) -> Option<Value> {
    text.as_ref().map(|text| json!(text))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn what_is_said_becomes_a_registration() {
        let cli = Cli::parse_from([
            "switchyard",
            "services",
            "register",
            "users",
            "https://u",
            "--tag",
            "a",
            "--tag",
            "b",
            "--metadata",
            "zone=1",
            "--ttl",
            "30s",
            "--ca",
            "ca.pem",
            "--weight",
            "2",
        ]);
        let Command::Services(ServicesArgs { command: Some(ServicesCommand::Register(register)), .. }) = cli.command
        else {
            panic!("that command was named")
        };
        let expected = json!({
            "name": "users", "address": "https://u", "tags": ["a", "b"], "metadata": {"zone": "1"}, "ttl": "30s",
            "tls": {"ca": "ca.pem"}, "weight": 2,
        });
        assert_eq!(register.body(), expected);
    }

    #[test]
    fn there_is_a_row_for_each_instance() {
        let service = json!({"name": "users", "status": "healthy", "metrics": {"requestCount": 7, "p95": 1.5},
                             "instances": [{"id": "a", "status": "unhealthy"}, {"id": "b"}]});
        let found = rows(&service);
        assert_eq!((&found[0]["status"], &found[1]["status"]), (&json!("unhealthy"), &json!("healthy")));
        assert_eq!((&found[1]["requests"], &found[1]["service"]), (&json!(7), &json!("users")));
        assert_eq!(rows(&json!({"name": "gone", "instances": []})).len(), 1);
    }
}
