//! The schema is that of the code: kept as a file, told in full, and with the defaults that hold.

use std::path::{Path, PathBuf};

use super::*;
use crate::config::{Config, Overrides};

/// How the kept files are made anew.
const AGAIN: &str = "make it anew with SWITCHYARD_REGENERATE=1 cargo test -p switchyard config::schema";

fn host(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

#[track_caller]
fn is_kept(file: &str, schema: &Value) {
    let mut text = serde_json::to_string_pretty(schema).unwrap();
    text.push('\n');
    let path = host(file);
    if std::env::var_os("SWITCHYARD_REGENERATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let line = kept.lines().zip(text.lines()).position(|(kept, new)| kept != new);
    assert!(
        kept == text,
        "host/{file} is not what the code says, from line {:?} on; {AGAIN}",
        line.map(|line| line + 1)
    );
}

/// Every table of a schema: where it stands, and its members.
fn tables(schema: &Value) -> Vec<(&str, &Map<String, Value>)> {
    let root = schema["properties"].as_object().map(|members| ("", members));
    let below = schema["$defs"].as_object().into_iter().flatten();
    let below = below.filter_map(|(name, table)| Some((name.as_str(), table["properties"].as_object()?)));
    root.into_iter().chain(below).collect()
}

#[test]
fn it_is_kept_beside_the_documents() {
    is_kept("switchyard.schema.json", &configuration());
    is_kept("side-file.schema.json", &side_file());
}

#[test]
fn every_member_is_told_of() {
    for schema in [configuration(), side_file()] {
        for (table, members) in tables(&schema) {
            for (name, member) in members {
                assert!(member["description"].is_string(), "{table}.{name} has no description: {member}");
            }
        }
    }
}

#[test]
fn every_table_refuses_what_it_does_not_know() {
    for schema in [configuration(), side_file()] {
        let definitions = schema["$defs"].as_object().unwrap();
        for (name, table) in definitions.iter().chain([(&String::new(), &schema)]) {
            if table["properties"].is_object() {
                assert_eq!(table["additionalProperties"], false, "{name}");
            }
        }
    }
}

/// A file that says all defaults of these tables says nothing.
#[test]
fn the_defaults_are_those_that_hold() {
    let schema = configuration();
    let (mut text, mut said) = (String::new(), 0);
    for (table, member) in schema["properties"].as_object().unwrap() {
        let Some((_, name)) = member["$ref"].as_str().and_then(|to| to.rsplit_once('/')) else { continue };
        text.push_str(&format!("[{table}]\n"));
        for (member, schema) in schema["$defs"][name]["properties"].as_object().unwrap() {
            if let Some(default) = schema.get("default") {
                // What JSON has here, TOML has as well.
                text.push_str(&format!("{member} = {default}\n"));
                said += 1;
            }
        }
    }
    let read = |text: &str| Config::of_text(Path::new("switchyard.toml"), text, &Overrides::default()).unwrap();
    let (with, without) = (read(&text), read(""));
    // What is said holds whatever a later release has for a default, so it is kept apart from what is not said.
    assert_eq!(format!("{:?}", with.gateway.policy), format!("{:?}", without.gateway.policy));
    assert_eq!(with.gateway.fixed.listen, without.gateway.fixed.listen);
    assert_eq!((&with.plugins, &with.admin, &with.breakers), (&without.plugins, &without.admin, &without.breakers));
    assert_eq!((&with.retries, &with.balancers, &with.health), (&without.retries, &without.balancers, &without.health));
    assert!(said > 40, "{said} defaults\n{text}");
}
