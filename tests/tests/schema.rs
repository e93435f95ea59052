//! The schemas of the configuration and of side files say what the host says: of each example of the documents, and of
//! files that are wrong. A validator of others holds them against the schema (jsonschema, in Python); without it, one
//! line says so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use switchyard_tests::{Setup, component_bytes, root, tool};

/// Which schema, and a file's text.
type File = (&'static str, String);

const CONFIGURATION: &str = "configuration";
const SIDE: &str = "side-file";

/// What in an example only its reader has.
const READERS_OWN: [&str; 3] = ["RW…", "/etc/switchyard/token", "https://id.example.com"];

/// Reads `{"schemas": {NAME: SCHEMA}, "files": [[NAME, TEXT]]}`, and says of each file what is wrong with it.
const VALIDATE: &str = "
import json, sys, tomllib, jsonschema_rs
asked = json.load(sys.stdin)
validators = {name: jsonschema_rs.validator_for(schema) for name, schema in asked['schemas'].items()}
def wrong(name, text):
    return [error.message for error in validators[name].iter_errors(json.loads(json.dumps(tomllib.loads(text), default=str)))]
json.dump([wrong(*file) for file in asked['files']], sys.stdout)
";

/// The schema that the binary prints.
fn schema(of: &str) -> Value {
    let (status, text) = Setup::new().run(&["check", "--schema", of]);
    assert!(status.success(), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// What the validator finds wrong with each of these; none without one.
fn validate(files: &[File]) -> Option<Vec<Vec<String>>> {
    let python = tool("python")?.join("bin/python");
    let schemas = json!({CONFIGURATION: schema(CONFIGURATION), SIDE: schema(SIDE)});
    let asked = json!({"schemas": schemas, "files": files});
    let mut child = Command::new(python)
        .args(["-c", VALIDATE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// What the host finds wrong with a file; empty when it takes it.
fn refused((of, text): &File) -> String {
    let setup = Setup::new();
    match *of {
        SIDE => {
            fs::create_dir_all(setup.plugins()).unwrap();
            fs::write(setup.plugins().join("hello.wasm"), component_bytes("hello")).unwrap();
            fs::write(setup.plugins().join("hello.toml"), text).unwrap();
        }
        _ => fs::write(setup.path().join("switchyard.toml"), text).unwrap(),
    }
    let (status, said) = setup.run(&["check"]);
    if status.success() { String::new() } else { said }
}

/// The examples of a document, told apart by the heading that they stand under.
fn examples(document: &Path) -> Vec<File> {
    let text = fs::read_to_string(document).unwrap();
    let (mut found, mut heading, mut inside): (Vec<File>, String, Option<String>) = (Vec::new(), String::new(), None);
    for line in text.lines() {
        match (&mut inside, line.trim()) {
            (None, "```toml") => inside = Some(String::new()),
            (None, line) if line.starts_with('#') => heading = line.to_lowercase(),
            (Some(_), "```") => {
                let of = if heading.contains("side file") { SIDE } else { CONFIGURATION };
                found.push((of, inside.take().unwrap()));
            }
            (Some(example), _) => {
                example.push_str(line);
                example.push('\n');
            }
            _ => {}
        }
    }
    found
}

/// All of them that are of the host, not of a package.
fn all_examples() -> Vec<File> {
    let documents = fs::read_dir(root().join("host")).unwrap().map(|entry| entry.unwrap().path());
    let documents = documents.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let found = documents.chain([root().join("README.md")]).flat_map(|document| examples(&document));
    found.filter(|(_, text)| !text.contains("[dependencies]") && !text.contains("[package]")).collect()
}

#[test]
fn every_example_of_the_documents_is_right() {
    let examples = all_examples();
    assert!(examples.len() >= 6 && examples.iter().any(|(of, _)| *of == SIDE), "{examples:?}");
    for example in &examples {
        if !READERS_OWN.iter().any(|own| example.1.contains(own)) {
            assert_eq!(refused(example), "", "{}", example.1);
        }
    }
    let Some(wrong) = validate(&examples) else { return };
    for (example, wrong) in examples.iter().zip(wrong) {
        assert!(wrong.is_empty(), "{wrong:?}\n{}", example.1);
    }
}

#[test]
fn what_is_wrong_is_wrong_for_both() {
    let files = [
        "[gatway]",
        "[gateway]\nlissten = '127.0.0.1:1'",
        "[gateway]\nbody-max = 10",
        "[gateway]\nbody-max = '10 megs'",
        "[gateway]\nrequest-timeout = 'soon'",
        "[gateway]\nconnections-max = 0",
        "[gateway]\nconnections-max = -1",
        "[gateway.tls]\ncert = 'a.pem'",
        "[gateway.cors]\norigins = '*'",
        "[gateway.auth]\nkind = 'basic'",
        "[gateway.rate-limit]\nrequests = 0",
        "[plugins]\nreload = 'slow'",
        "[plugins]\nkeep = 101",
        "[[route]]\nservice = 'a'",
        "[[route]]\npath = '/a'\nservice = 'A'",
        "[[route]]\npath = '/a'\nsplit = [{ service = 'a' }]",
        "[[route]]\npath = '/a'\nsplit = [{ service = 'a', weight = 9999999 }]",
        "[[route]]\npath = '/a'\nredirect = { status = 200 }",
        "[[route]]\npath = '/a'\nservice = 'a'\nheaders = { x = false }",
        "[[upstream]]\nname = 'a'",
        "[[upstream]]\nname = 'a'\naddress = '10.0.0.1:80'\nport = 0",
        "[[upstream]]\nname = 'a'\naddress = '10.0.0.1:80'\nweight = 0",
        "[services.A]",
        "[services.a]\nguests = 'new'",
        "[services.a]\nfolders = { '/a' = { write = true } }",
        "[services.a]\nsecrets = { A = 'text' }",
        "[breaker]\nfailure-percent = 101",
        "[breaker]\nslow = { percent = 5 }",
        "[retry]\nattempts = 11",
        "[balancer]\nkind = 'fair'",
        "[health]\nunhealthy = 0",
        "[topics.a]\ndurability = 'some'",
        "[queues.a]\nmax-attempts = 1001",
        "[[subscription]]\nservice = 'a'",
        "[[subscription]]\ntopic = 'a..b'\nservice = 'a'",
        "[[subscription]]\ntopic = 'a'\nservice = 'a'\nbackoff = { squared = '1s' }",
        "[[schedule]]\ncron = '* * * * *'\ntopic = 'a'",
        "[telemetry]\nlog-format = 'xml'",
        "[telemetry]\nsample = 2.0",
    ];
    let side = [
        "rout = []",
        "version = '1'",
        "routes = [{ methods = ['GET'] }]",
        "guests = 'new'",
        "sagas = [{ name = 'a' }]",
    ];
    let files: Vec<File> = files
        .map(|text| (CONFIGURATION, text.to_owned()))
        .into_iter()
        .chain(side.map(|text| (SIDE, text.to_owned())))
        .collect();
    for file in &files {
        assert_ne!(refused(file), "", "the host takes: {}", file.1);
    }
    let Some(wrong) = validate(&files) else { return };
    for (file, wrong) in files.iter().zip(wrong) {
        assert!(!wrong.is_empty(), "the schema takes: {}", file.1);
    }
}

#[test]
fn the_schemas_are_those_that_are_kept() {
    for (of, file) in [(CONFIGURATION, "switchyard.schema.json"), (SIDE, "side-file.schema.json")] {
        let kept: Value = serde_json::from_slice(&fs::read(root().join("host").join(file)).unwrap()).unwrap();
        assert_eq!(schema(of), kept, "host/{file}");
    }
    let (status, plain) = Setup::new().run(&["check", "--schema"]);
    assert!(status.success() && serde_json::from_str::<Value>(&plain).unwrap() == schema(CONFIGURATION));
}
