//! Every command and every flag that help lists is run: the tree of commands is read from the help itself.
//!
//! Most run here, against one host, in the order of [`Row`]s. What builds projects or tries sagas out takes its own time
//! and its own tests, which [`ELSEWHERE`] names; each flag has to stand in their text.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::event, component, root};

/// A command, and the tests in which it and its flags are run.
const ELSEWHERE: [(&str, &[&str]); 5] = [
    ("build", &["new", "deploy"]),
    ("new", &["new"]),
    ("saga test", &["saga_harness.rs"]),
    ("events tail", &["cli.rs"]),
    ("logs", &["logs.rs"]),
];

/// Flags that are the same everywhere.
const COMMON: [&str; 2] = ["--help", "--version"];

/// What is added to each command that talks to a host.
const TO_A_HOST: [&str; 2] = ["--url", "--token-file"];

const TOKEN: &str = "a-token-of-sixteen-letters\n";

/// A command line as it is typed, `~` being a blank within a word, and how it ends. What says to which host it talks is
/// added where one is needed.
type Row = (i32, String);

/// What help says of the commands, by their names from the first on: the flags of each.
fn tree(setup: &Setup, path: &[String], found: &mut BTreeMap<String, BTreeSet<String>>) {
    let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let (status, help) = setup.run(&words);
    assert!(status.success(), "{words:?}: {help}");
    let (mut section, mut flags, mut inner) = ("", BTreeSet::new(), Vec::new());
    for line in help.lines() {
        match line {
            "Commands:" | "Options:" | "Arguments:" => section = line,
            "" => {}
            line if !line.starts_with(' ') => section = "",
            _ => {}
        }
        let line = line.trim_start();
        if section == "Commands:" && help_indent(line) {
            inner.extend(line.split_whitespace().next().map(str::to_owned));
        } else if section == "Options:" && line.starts_with('-') {
            flags.extend(line.split([' ', ',']).find(|word| word.starts_with("--")).map(str::to_owned));
        }
    }
    if !path.is_empty() {
        found.insert(path.join(" "), flags);
    }
    for name in inner.into_iter().filter(|name| name != "help" && !name.ends_with(':')) {
        tree(setup, &[path, &[name]].concat(), found);
    }
}

/// Whether a line of help begins a command rather than going on with the text of one.
fn help_indent(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_lowercase()) && line.contains("  ")
}

/// The longest command that a command line begins with.
fn command_of<'a>(tree: &'a BTreeMap<String, BTreeSet<String>>, line: &str) -> &'a str {
    let begins = |path: &&String| line == path.as_str() || line.starts_with(&format!("{path} "));
    tree.keys().filter(begins).max_by_key(|path| path.len()).unwrap_or_else(|| panic!("no command: {line}"))
}

fn flags_of(line: &str) -> BTreeSet<String> {
    line.split(' ').filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

fn row(code: i32, line: &str) -> Row {
    (code, line.to_owned())
}

/// What is run against the host.
fn remote(dead: &[String]) -> Vec<Row> {
    let hello = component("hello").display().to_string();
    let next = component("hello-next").display().to_string();
    let [show, redrive, discard] = [&dead[0], &dead[0], &dead[1]];
    let lines = [
        row(0, "status"),
        row(0, "status --json"),
        row(0, "health"),
        row(0, "health --json"),
        row(0, "ps"),
        row(0, "ps --json"),
        row(0, &format!("deploy {hello} --name hello --no-side")),
        row(0, &format!("deploy {next} --name hello@2.0.0 --side staged.toml --json")),
        row(1, &format!("deploy {hello} --name hello --signature none.minisig")),
        row(0, "traffic hello 1.0.0=90 2.0.0=10"),
        row(0, "traffic hello --mirror 2.0.0=5 --json"),
        row(0, "traffic hello --clear"),
        row(1, "rollback hello --to 9.9.9 --json"),
        row(0, "services"),
        row(0, "services --json"),
        row(0, "services list --name hello --tag none --json"),
        row(
            0,
            "services register legacy http://127.0.0.1:9 --id l1 --tag eu --service-version 1.2.3 --health /h --ttl 60s",
        ),
        row(0, "services heartbeat l1 --json"),
        row(0, "services register legacy http://127.0.0.1:9 --id l2 --weight 2 --metadata zone=a --json"),
        row(1, "services register safe https://127.0.0.1:9 --id l3 --ca none.pem --server-name safe.test"),
        row(0, "services deregister l2 --json"),
        row(0, "routes"),
        row(0, "routes list --json"),
        row(0, "routes add /cli/* hello --method GET --host cli.test --strip-prefix /cli --timeout 5s"),
        row(1, "routes remove none --json"),
        row(0, "routes --json"),
        row(0, "routes add @route.json --json"),
        row(0, "breakers"),
        row(0, "breakers --json"),
        row(0, "breakers list --json"),
        row(0, "breakers open hello"),
        row(0, "breakers close hello --json"),
        row(0, "breakers measure hello --json"),
        row(0, "breakers reset hello --json"),
        row(0, "breakers open hello --json"),
        row(0, "breakers reset hello"),
        row(0, "events publish c.a --data {\"n\":1} --id c1 --source /cli --subject s --key k"),
        row(0, "events publish c.a --json"),
        row(0, "events tail --topic c.* --from first"),
        row(0, "events tail --json"),
        row(0, "events --json tail --topic c.a"),
        row(0, "topics"),
        row(0, "topics --json"),
        row(0, "subscriptions"),
        row(0, "subscriptions --json"),
        row(0, "subscriptions list --json"),
        row(0, "subscriptions pause broken --json"),
        row(0, "subscriptions seek broken --to latest --json"),
        row(0, "subscriptions resume broken --json"),
        row(0, "queues"),
        row(0, "queues mail --json"),
        row(0, "dead-letters"),
        row(0, "dead-letters --json"),
        row(0, "dead-letters list --subscription broken --topic d.0 --queue none --limit 5 --json"),
        row(0, &format!("dead-letters show {show} --json")),
        row(0, &format!("dead-letters redrive {redrive} --json")),
        row(0, &format!("dead-letters discard {discard} --json")),
        row(
            0,
            "dead-letters redrive-all --subscription broken --topic d.9 --queue none --limit 1 --per-second 5 --json",
        ),
        row(0, "sagas"),
        row(0, "sagas --status stuck --name flow --limit 5 --json"),
        row(0, "sagas list --status completed --name flow --limit 5 --json"),
        row(0, "sagas definitions --json"),
        row(0, "sagas start flow --id s1 --data {\"a\":1} --json"),
        row(0, "sagas signal s1 go --data {\"ok\":true} --json"),
        row(0, "sagas start flow --id s2"),
        row(0, "sagas cancel s2 --json"),
        row(1, "sagas start flow --id s3 --wait --timeout 20ms"),
        row(0, "sagas show s1 --json"),
        row(1, "sagas retry s1 --data {} --json"),
        row(1, "sagas compensate s1 --json"),
        row(0, "kv put users ann 1"),
        row(0, "kv put users bob 2 --json"),
        row(0, "kv ls --json"),
        row(0, "kv ls users --prefix a --json"),
        row(0, "kv get users ann --json"),
        row(0, "kv rm users ann --json"),
        row(0, "logs hello --level info --limit 5 --json"),
        row(0, "logs --since 1h"),
        row(0, "remove hello@2.0.0"),
        row(0, "remove hello --json"),
    ];
    lines.into()
}

/// What is run in the host's folder.
fn local() -> Vec<Row> {
    let trial = "saga test flow --config checked.toml --plugins plugins --simulate undo --log-level error";
    let hello = component("hello").display().to_string();
    let lines = [
        row(0, "check --config checked.toml --plugins good"),
        row(1, "check --json --plugins bad"),
        row(0, &format!("inspect {hello} --config checked.toml")),
        row(0, &format!("inspect {hello} --json")),
        row(0, "check --schema"),
        row(0, &format!("{trial} --fault fail --step 0 --setup GET~/probe/count?kind=s")),
        row(0, "explain SY2007"),
        row(1, "explain SY0000"),
        row(0, "doctor --config checked.toml --data data"),
        row(0, "doctor --json"),
        row(0, "backup store.backup --config checked.toml --data data --json"),
        row(0, "restore store.backup --config checked.toml --data restored --json"),
        row(1, "restore store.backup --data restored"),
        row(0, "completions bash"),
        row(0, "completions zsh"),
        row(0, "completions fish"),
        row(0, "completions powershell"),
        row(0, "completions elvish"),
        row(2, "completions csh"),
    ];
    lines.into()
}

/// The host that they talk to, with something of each kind, and the ids of its dead letters.
async fn host() -> (Host, Vec<String>) {
    let flow = json!({"name": "flow", "steps": [
        {"command": "first", "compensation": "undo"},
        {"wait": {"signal": "go"}},
    ]});
    let side = "commands = ['first', 'undo']\nsubscriptions = [{ topic = 'd.*', name = 'broken', start = 'first' }]";
    let setup = Setup::new().sagas("probe", &[flow], side).plugin("probe", "probe");
    for (name, text) in [
        ("checked.toml", "[telemetry]\nlog-level = 'warn'\n"),
        ("staged.toml", "# as it says itself\n"),
        ("route.json", r#"{"path": "/json/*", "service": "hello"}"#),
        ("token", TOKEN),
    ] {
        fs::write(setup.path().join(name), text).unwrap();
    }
    for (folder, bytes) in [("good", fs::read(component("hello")).unwrap()), ("bad", b"junk".to_vec())] {
        fs::create_dir(setup.path().join(folder)).unwrap();
        fs::write(setup.path().join(folder).join("hello.wasm"), bytes).unwrap();
    }
    let line = "serve --config checked.toml --plugins plugins --data data --log-level info";
    let host = setup.command(line).start().await;
    host.publish_all((0..3).map(|n| event(&format!("d.{n}"), &n.to_string(), json!({"do": "reject-first"})))).await;
    host.enqueue("mail", json!({"data": 1})).await;
    let dead = host.until_dead("", 3).await;
    let ids = dead.iter().map(|dead| dead["id"].as_str().unwrap().to_owned()).collect();
    (host, ids)
}

fn run(host: &Host, (code, line): &Row, is_remote: bool) {
    let url = format!("http://{}", host.admin);
    // A host that needs no token takes one as well.
    let to_it = is_remote.then_some(["--url", &url, "--token-file", "token"]);
    let words: Vec<String> = line.split(' ').map(|word| word.replace('~', " ")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).chain(to_it.into_iter().flatten()).collect();
    let output = host.command(&words).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(*code), "{line}: {out}{error}\n{}", host.log());
    // Nobody reads these in a terminal.
    assert!(!out.contains('\u{1b}') && !error.contains('\u{1b}'), "{line}: {out}{error}");
    match code {
        0 if line.contains("--json") => {
            assert!(error.is_empty(), "{line}: {error}");
            let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&out).into_iter().collect();
            assert!(values.is_ok(), "{line}: {out}");
        }
        0 => assert!(!out.is_empty(), "{line} says nothing"),
        1 => assert!(error.contains("error:") || line.starts_with("check"), "{line}: {error}"),
        _ => assert!(error.contains("error:") && error.contains("--help"), "{line}: {error}"),
    }
}

/// All that stands in these tests.
fn texts(names: &[&str]) -> String {
    fn read(path: &Path, text: &mut String) {
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                read(&entry.unwrap().path(), text);
            }
        } else {
            text.push_str(&fs::read_to_string(path).unwrap_or_default());
        }
    }
    let mut text = String::new();
    let files: Vec<PathBuf> = names.iter().map(|name| root().join("tests/tests").join(name)).collect();
    files.iter().for_each(|file| read(file, &mut text));
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_and_flag_is_run() {
    let (host, dead) = host().await;
    let mut tree_of = BTreeMap::new();
    let setup = Setup::new();
    tree(&setup, &[], &mut tree_of);
    assert!(tree_of.len() > 40, "{:?}", tree_of.keys());
    let mut missing = tree_of.clone();
    let mut ran = |line: &str, url: bool| {
        let command = command_of(&tree_of, line);
        let flags = missing.get_mut(command).unwrap();
        flags_of(line).iter().for_each(|flag| _ = flags.remove(flag));
        if url {
            TO_A_HOST.iter().for_each(|flag| _ = flags.remove(*flag));
        }
        flags.insert("ran".to_owned());
    };
    for row in remote(&dead) {
        tokio::task::block_in_place(|| run(&host, &row, true));
        ran(&row.1, true);
    }
    for row in local() {
        tokio::task::block_in_place(|| run(&host, &row, false));
        ran(&row.1, false);
    }
    // The host itself is one that `serve` made, with --listen and --admin; `dev` without a project serves as well.
    let serving = "--config checked.toml --plugins plugins --data data --log-level info --listen l --admin a";
    ran(&format!("serve {serving} --admin-token-file token"), false);
    let dev = "dev --config checked.toml --plugins plugins --data data --log-level info --admin-token-file token";
    fs::write(setup.path().join("checked.toml"), "").unwrap();
    fs::write(setup.path().join("token"), TOKEN).unwrap();
    let developing = setup.command(dev).start().await;
    assert!(developing.stop().1.success());
    ran(&format!("dev {serving} --admin-token-file token"), false);
    for (command, tests) in ELSEWHERE {
        let text = texts(tests);
        missing.get_mut(command).unwrap().retain(|flag| !text.contains(&format!("\"{flag}\"")));
        missing.get_mut(command).unwrap().insert("ran".to_owned());
    }
    for (command, flags) in &mut missing {
        // One that has commands below it is run by these.
        let has_inner = tree_of.keys().any(|other| other.starts_with(&format!("{command} ")));
        if !flags.remove("ran") && !has_inner {
            flags.insert("it is not run at all".to_owned());
        }
        if has_inner {
            flags.clear();
        }
        COMMON.iter().for_each(|flag| _ = flags.remove(*flag));
    }
    missing.retain(|_, flags| !flags.is_empty());
    assert!(missing.is_empty(), "{missing:#?}");
}
