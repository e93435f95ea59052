//! `routes`: listed, added and removed.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{RemoteArgs, client::Target, payload::payload, table::Column};

/// What people see of a route.
const COLUMNS: [Column; 7] = [
    ("PATH", &["/path"]),
    ("METHODS", &["/methods"]),
    ("HOST", &["/host"]),
    ("LEADS TO", &["/to"]),
    ("FROM", &["/origin/layer"]),
    ("OF", &["/origin/owner"]),
    ("ID", &["/id"]),
];

/// What `routes` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct RoutesArgs {
    #[command(subcommand)]
    command: Option<RoutesCommand>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What can be done with routes; listed when nothing is said.
#[derive(Clone, Debug, Subcommand)]
enum RoutesCommand {
    /// Lists all; what happens when nothing is said
    List,
    /// Adds one, which wins over those of the configuration and of plugins
    Add(Add),
    /// Removes one that was added here
    Remove {
        /// Its id
        id: String,
    },
}

/// What `routes add` takes.
#[derive(Clone, Debug, Args)]
struct Add {
    /// A path, as in /shop/*; or the whole route as JSON, @FILE, or - for standard input
    route: String,
    /// The service, with a path
    service: Option<String>,
    /// The only host that it answers to
    #[arg(long, requires = "service")]
    host: Option<String>,
    /// A method that it takes; may be said several times [default: all]
    #[arg(long = "method", value_name = "METHOD", requires = "service")]
    methods: Vec<String>,
    /// What is cut off the front of the path
    #[arg(long, value_name = "PREFIX", requires = "service")]
    strip_prefix: Option<String>,
    /// Time until the response's head, as in 5s
    #[arg(long, value_name = "DURATION", requires = "service")]
    timeout: Option<String>,
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or it does not take what is asked.
pub(crate) async fn run(args: RoutesArgs) -> anyhow::Result<ExitCode> {
    let client = args.remote.client();
    let (answer, meaning) = match args.command.unwrap_or(RoutesCommand::List) {
        RoutesCommand::List => {
            let mut routes = client.list(&Target::new(&["routes"])).await?;
            if !args.remote.json {
                routes.iter_mut().for_each(|route| route["to"] = destination(route).into());
            }
            args.remote.print_list(&routes, None, &COLUMNS, "no routes");
            return Ok(ExitCode::SUCCESS);
        }
        RoutesCommand::Add(add) => {
            let answer = client.post(&Target::new(&["routes"]), &add.body()?).await?;
            let meaning = format!("the route {} is there", answer["id"].as_str().unwrap_or_default());
            (answer, meaning)
        }
        RoutesCommand::Remove { id } => {
            (client.delete(&Target::new(&["routes", &id])).await?, format!("the route {id} is removed"))
        }
    };
    args.remote.print_done(&answer, &meaning);
    Ok(ExitCode::SUCCESS)
}

/// Where a route leads, in few words.
fn destination(route: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(parts) = route["split"].as_array() {
        let version = |part: &Value| part["version"].as_str().map(|version| format!("@{version}")).unwrap_or_default();
        let parts = parts.iter().map(|part| format!("{}{} {}", text(&part["service"]), version(part), part["weight"]));
        return parts.collect::<Vec<_>>().join(", ");
    }
    let redirect = &route["redirect"];
    if redirect.is_object() {
        let scheme = redirect["scheme"].as_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
        let path = redirect["path"].as_str().or(redirect["prefix"].as_str()).unwrap_or_default();
        return format!("{} to {scheme}{}{path}", redirect["status"], text(&redirect["host"]));
    }
    text(&route["service"])
}

// === impl Add ===

impl Add {
    fn body(&self) -> anyhow::Result<Value> {
        match &self.service {
            Some(service) => Ok(self.of_path(service)),
            None if self.route.starts_with('/') => bail!("name the service behind the path, as in /shop/* shop"),
            None => payload(&self.route).map_err(anyhow::Error::msg)?.read(),
        }
    }

    fn of_path(&self, service: &str) -> Value {
        let mut body = json!({"path": self.route, "service": service});
        if !self.methods.is_empty() {
            body["methods"] = json!(self.methods);
        }
        let texts = [("host", &self.host), ("stripPrefix", &self.strip_prefix), ("timeout", &self.timeout)];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            body[name] = json!(text);
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn body(arguments: &[&str]) -> anyhow::Result<Value> {
        let cli = Cli::try_parse_from([&["switchyard", "routes", "add"], arguments].concat())?;
        match cli.command {
            Command::Routes(RoutesArgs { command: Some(RoutesCommand::Add(add)), .. }) => add.body(),
            _ => panic!("that command was named"),
        }
    }

    #[test]
    fn a_route_is_a_path_and_a_service_or_json() {
        let said = ["/a/*", "a", "--method", "GET", "--method", "PUT", "--strip-prefix", "/a", "--host", "h"];
        let expected =
            json!({"path": "/a/*", "service": "a", "methods": ["GET", "PUT"], "stripPrefix": "/a", "host": "h"});
        assert_eq!(body(&said).unwrap(), expected);
        let json = r#"{"path": "/b", "redirect": {"host": "x"}}"#;
        assert_eq!(body(&[json]).unwrap(), json!({"path": "/b", "redirect": {"host": "x"}}));
        assert!(body(&["/a"]).unwrap_err().to_string().contains("name the service"));
        assert!(body(&[json, "--host", "h"]).is_err());
    }

    #[test]
    fn where_it_leads_is_said_in_few_words() {
        for (route, expected) in [
            (json!({"service": "a"}), "a"),
            (json!({"split": [{"service": "a", "weight": 9}, {"service": "b", "weight": 1}]}), "a 9, b 1"),
            (json!({"split": [{"service": "a", "version": "2.0.0", "weight": 1}]}), "a@2.0.0 1"),
            (
                json!({"redirect": {"scheme": "https", "host": "h", "prefix": "/p", "status": 308}}),
                "308 to https://h/p",
            ),
        ] {
            assert_eq!(destination(&route), expected);
        }
    }
}
