//! `host/CONFIG.md` against the schema of the configuration, which is made from the types that read it.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use switchyard_tests::root;

#[test]
fn every_member_of_the_configuration_is_told_of() {
    let schema = fs::read_to_string(root().join("host/switchyard.schema.json")).unwrap();
    let mut members = BTreeSet::new();
    collect(&serde_json::from_str(&schema).unwrap(), &mut members);
    assert!(members.contains("request-timeout") && members.contains("trusted-keys"), "{members:?}");
    let page = fs::read_to_string(root().join("host/CONFIG.md")).unwrap();
    let is_told = |member: &&String| {
        let forms = [
            format!("`{member}`"),
            format!("{member} ="),
            format!("[{member}]"),
            format!("[{member}."),
            format!(".{member}]"),
        ];
        forms.iter().any(|form| page.contains(form))
    };
    let untold: Vec<_> = members.iter().filter(|member| !is_told(member)).collect();
    assert!(untold.is_empty(), "host/CONFIG.md does not tell of {untold:?}");
}

/// The names of all `properties`, however deep.
fn collect(schema: &Value, members: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            if let Some(properties) = parts.get("properties").and_then(Value::as_object) {
                members.extend(properties.keys().cloned());
            }
            parts.values().for_each(|part| collect(part, members));
        }
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, members)),
        _ => {}
    }
}
