//! Examples for the help of each command, each of which is a command line that holds.

use clap::Command;

/// What one starts with.
const FIRST: &str = "\
First steps:
  switchyard new greeter && cd greeter && switchyard dev
  curl http://127.0.0.1:3000/greeter/

Commands that talk to a host find it at http://127.0.0.1:3900, or at --url or SWITCHYARD_URL. With --json they print what
its API answers. Exit codes: 0 well, 1 failed (standard error says why), 2 the command line is wrong.";

/// A command, and how it is used.
type Example = (&'static str, &'static [&'static str]);

/// Those of all commands, by their names from the first on.
const EXAMPLES: &[Example] = &[
    (
        "serve",
        &["switchyard serve", "switchyard serve --config prod.toml --data /var/lib/switchyard --listen 0.0.0.0:80"],
    ),
    ("dev", &["switchyard dev", "switchyard dev --plugins services --listen 127.0.0.1:8080"]),
    ("new", &["switchyard new greeter", "switchyard new audit --template events --path services/audit"]),
    ("build", &["switchyard build", "switchyard build services/audit --plugins plugins"]),
    ("check", &["switchyard check", "switchyard check --config prod.toml --plugins build --json"]),
    ("inspect", &["switchyard inspect greeter.wasm", "switchyard inspect greeter.wasm --config prod.toml --json"]),
    ("explain", &["switchyard explain SY2007"]),
    ("status", &["switchyard status", "switchyard status --url http://127.0.0.1:3901 --json"]),
    ("health", &["switchyard health", "switchyard health --url http://127.0.0.1:3901"]),
    (
        "deploy",
        &[
            "switchyard deploy target/greeter.wasm",
            "switchyard deploy greeter.wasm --name greeter@2.0.0 --side staged.toml",
        ],
    ),
    ("rollback", &["switchyard rollback greeter", "switchyard rollback greeter --to 1.4.2"]),
    ("remove", &["switchyard remove greeter"]),
    ("ps", &["switchyard ps", "switchyard ps --json"]),
    (
        "services",
        &[
            "switchyard services",
            "switchyard services list --tag eu",
            "switchyard services register legacy http://10.0.0.7:8080 --health /health",
        ],
    ),
    ("services list", &["switchyard services list --name users"]),
    (
        "services register",
        &["switchyard services register legacy http://10.0.0.7:8080 --health /health --tag eu --ttl 30s"],
    ),
    ("services deregister", &["switchyard services deregister legacy-10.0.0.7-8080"]),
    ("services heartbeat", &["switchyard services heartbeat legacy-10.0.0.7-8080"]),
    ("routes", &["switchyard routes", "switchyard routes add /shop/* shop --strip-prefix /shop"]),
    ("routes list", &["switchyard routes list --json"]),
    (
        "routes add",
        &["switchyard routes add /shop/* shop --method GET --strip-prefix /shop", "switchyard routes add @route.json"],
    ),
    ("routes remove", &["switchyard routes remove r-1"]),
    (
        "traffic",
        &[
            "switchyard traffic greeter",
            "switchyard traffic greeter 1.0.0=90 2.0.0=10",
            "switchyard traffic greeter --mirror 2.0.0=5",
            "switchyard traffic greeter --clear",
        ],
    ),
    ("breakers", &["switchyard breakers", "switchyard breakers open legacy", "switchyard breakers reset legacy"]),
    ("breakers list", &["switchyard breakers list"]),
    ("breakers open", &["switchyard breakers open legacy"]),
    ("breakers close", &["switchyard breakers close legacy"]),
    ("breakers reset", &["switchyard breakers reset legacy"]),
    ("breakers measure", &["switchyard breakers measure legacy"]),
    (
        "events",
        &[
            "switchyard events tail --topic order.* --follow",
            "switchyard events publish order.created --data '{\"id\":1}'",
        ],
    ),
    ("events tail", &["switchyard events tail --topic order.> --from first", "switchyard events tail --follow --json"]),
    (
        "events publish",
        &[
            "switchyard events publish order.created --data '{\"id\":1}' --key customer-7",
            "switchyard events publish order.created --data @order.json --id 17 --source /shop",
        ],
    ),
    ("topics", &["switchyard topics"]),
    (
        "subscriptions",
        &[
            "switchyard subscriptions",
            "switchyard subscriptions pause billing/orders",
            "switchyard subscriptions seek billing/orders --to first",
        ],
    ),
    ("subscriptions list", &["switchyard subscriptions list"]),
    ("subscriptions pause", &["switchyard subscriptions pause billing/orders"]),
    ("subscriptions resume", &["switchyard subscriptions resume billing/orders"]),
    ("subscriptions seek", &["switchyard subscriptions seek billing/orders --to 2026-01-31T12:00:00Z"]),
    ("queues", &["switchyard queues", "switchyard queues emails"]),
    ("sagas", &["switchyard sagas --status stuck", "switchyard sagas show 01J", "switchyard sagas retry 01J"]),
    ("sagas list", &["switchyard sagas list --name process-order --limit 20"]),
    ("sagas definitions", &["switchyard sagas definitions"]),
    ("sagas show", &["switchyard sagas show 01J"]),
    ("sagas start", &["switchyard sagas start process-order --data @order.json --wait --timeout 30s"]),
    ("sagas cancel", &["switchyard sagas cancel 01J"]),
    ("sagas retry", &["switchyard sagas retry 01J --data '{\"card\":\"4242\"}'"]),
    ("sagas compensate", &["switchyard sagas compensate 01J"]),
    ("sagas signal", &["switchyard sagas signal 01J approved --data '{\"by\":\"ann\"}'"]),
    ("saga", &["switchyard saga test process-order"]),
    (
        "saga test",
        &["switchyard saga test process-order --fault fail --step 2", "switchyard saga test order.json --json"],
    ),
    (
        "dead-letters",
        &[
            "switchyard dead-letters",
            "switchyard dead-letters show 7",
            "switchyard dead-letters redrive-all --subscription billing/orders --per-second 10",
        ],
    ),
    ("dead-letters list", &["switchyard dead-letters list --topic order.created --limit 20"]),
    ("dead-letters show", &["switchyard dead-letters show 7"]),
    ("dead-letters redrive", &["switchyard dead-letters redrive 7"]),
    ("dead-letters redrive-all", &["switchyard dead-letters redrive-all --queue emails --per-second 10"]),
    ("dead-letters discard", &["switchyard dead-letters discard 7"]),
    ("kv", &["switchyard kv ls", "switchyard kv get users ann", "switchyard kv put users ann @ann.json"]),
    ("kv ls", &["switchyard kv ls", "switchyard kv ls users --prefix a"]),
    ("kv get", &["switchyard kv get users ann", "switchyard kv get users ann --json"]),
    ("kv put", &["switchyard kv put users ann @ann.json"]),
    ("kv rm", &["switchyard kv rm users ann"]),
    (
        "logs",
        &["switchyard logs", "switchyard logs greeter --follow --level warn", "switchyard logs greeter --since 10m"],
    ),
    ("doctor", &["switchyard doctor", "switchyard doctor --data /var/lib/switchyard --json"]),
    ("backup", &["switchyard backup store.backup"]),
    ("restore", &["switchyard restore store.backup --data new-data"]),
    ("completions", &["switchyard completions bash > ~/.local/share/bash-completion/completions/switchyard"]),
];

/// Adds them to the help of each command.
pub(super) fn add_to(command: Command) -> Command {
    within(command.after_help(FIRST), "")
}

fn within(command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}").trim_start().to_owned();
        command.mut_subcommand(name, |inner| {
            let inner = match examples(&path) {
                Some(lines) => inner.after_help(format!("Examples:\n  {}", lines.join("\n  "))),
                None => inner,
            };
            within(inner, &path)
        })
    })
}

fn examples(path: &str) -> Option<&'static [&'static str]> {
    EXAMPLES.iter().find(|(known, _)| *known == path).map(|(_, lines)| *lines)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli;

    /// Every command that help lists, from the first name on.
    fn paths(command: &Command, path: &str, found: &mut BTreeSet<String>) {
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
            let path = format!("{path} {}", inner.get_name()).trim_start().to_owned();
            paths(inner, &path, found);
            found.insert(path);
        }
    }

    #[test]
    fn every_command_has_examples_and_no_other() {
        let mut there = BTreeSet::new();
        paths(&cli::command(), "", &mut there);
        let told: BTreeSet<String> = EXAMPLES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(told, there);
    }

    #[test]
    fn every_example_is_a_command_line_that_holds() {
        for (path, lines) in EXAMPLES {
            for line in *lines {
                assert!(line.starts_with(&format!("switchyard {path}")), "{path}: {line}");
                let line = line.split(" > ").next().unwrap_or_default();
                let words = line.split(' ').map(|word| word.trim_matches('\''));
                let parsed = cli::command().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }
}
