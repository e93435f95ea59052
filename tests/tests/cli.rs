//! The commands for events, queues and the store, as an operator types them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    sync::Arc,
};

use serde_json::{Value, json};
use switchyard_tests::{
    Client, Host, Setup,
    bus::{event, ids},
};

/// Runs a command against this host, which succeeds, and answers what it printed.
fn ok(host: &Host, arguments: &[&str]) -> String {
    let url = format!("http://{}", host.admin);
    let (status, text) = host.run(&[arguments, &["--url", &url]].concat());
    assert!(status.success(), "{arguments:?}: {text}\n{}", host.log());
    text
}

/// The same with `--json`.
fn json_of(host: &Host, arguments: &[&str]) -> Value {
    let text = ok(host, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?} printed no JSON, {error}: {text}"))
}

/// Runs a command against this host, which fails, and answers what it printed.
fn fails(host: &Host, arguments: &[&str]) -> String {
    let url = format!("http://{}", host.admin);
    let (status, text) = host.run(&[arguments, &["--url", &url]].concat());
    assert_eq!(status.code(), Some(1), "{arguments:?}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_published_and_tailed() {
    let host = Setup::new().start().await;
    let publish = ["events", "publish", "order.created", "--data", r#"{"total":5}"#, "--id", "17", "--source", "/shop"];
    let receipt = json_of(&host, &[&publish[..], &["--subject", "s", "--key", "k"]].concat());
    assert_eq!((&receipt["id"], &receipt["duplicate"]), (&json!("17"), &json!(false)));
    let stored = host.events("order.created").await.remove(0);
    let members = ["source", "subject", "partitionkey", "data"].map(|name| stored[name].clone());
    assert_eq!(members, [json!("/shop"), json!("s"), json!("k"), json!({"total": 5})]);
    assert!(ok(&host, &publish).contains("17"));
    assert!(fails(&host, &["events", "publish", "order..created"]).contains("order..created"));
    let (status, text) = host.run(&["events", "publish", "a", "--data", "text"]);
    assert!(status.code() == Some(2) && text.contains("JSON"), "{text}");
    let tail = ok(&host, &["events", "tail", "--topic", "order.*", "--from", "first"]);
    assert!(tail.contains("order.created") && tail.contains("/shop") && tail.contains("total"), "{tail}");
    let sequence = receipt["sequence"].to_string();
    assert!(ok(&host, &["events", "tail", "--topic", "order.*", "--from", &sequence]).contains("order.created"));
    assert!(!ok(&host, &["events", "tail", "--topic", "user.*", "--from", "first"]).contains("order.created"));
    assert!(fails(&host, &["events", "tail", "--from", "yesterday"]).contains("yesterday"));

    let url = format!("http://{}", host.admin);
    let follow = ["events", "tail", "--topic", "order.>", "--from", "first", "--follow", "--json", "--url", &url];
    let mut child = host.command(&follow).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(tokio::task::block_in_place(&mut next)["id"], "17");
    host.publish(event("user.created", "18", json!({}))).await;
    host.publish(event("order.item.added", "19", json!({}))).await;
    let followed = tokio::task::block_in_place(&mut next);
    assert_eq!((&followed["id"], &followed["type"]), (&json!("19"), &json!("order.item.added")));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_shown_redriven_and_discarded() {
    let side = "subscriptions = [{ topic = 'd.*', name = 'broken', start = 'first' }]";
    let host = Setup::new().probe(side).start().await;
    assert_eq!(json_of(&host, &["dead-letters"])["items"], json!([]));
    host.publish_all((0..5).map(|n| event(&format!("d.{n}"), &n.to_string(), json!({"do": "reject-first"})))).await;
    let dead = host.until_dead("", 5).await;
    let id = |n: usize| dead[n]["id"].as_str().unwrap();
    let listed = ok(&host, &["dead-letters", "list"]);
    assert!(listed.contains(id(0)) && listed.contains("broken") && listed.contains("asked to"), "{listed}");
    assert_eq!(json_of(&host, &["dead-letters", "list", "--topic", "d.1"])["items"].as_array().unwrap().len(), 1);
    assert_eq!(json_of(&host, &["dead-letters", "show", id(0)]), dead[0]);
    ok(&host, &["dead-letters", "discard", id(0)]);
    assert!(fails(&host, &["dead-letters", "show", id(0)]).contains(id(0)));
    ok(&host, &["dead-letters", "redrive", id(1)]);
    let all = ["dead-letters", "redrive-all", "--subscription", "broken", "--limit", "2", "--per-second", "50"];
    assert_eq!(json_of(&host, &all)["redriving"], 2);
    host.until_subscription("broken", "settled", |shown| shown["processed"] == 3).await;
    assert_eq!(host.dead_letters("").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_topics_and_subscriptions_are_shown_and_steered() {
    let host =
        Setup::new().probe("subscriptions = [{ topic = 's.*', name = 'shop/s', start = 'first' }]").start().await;
    host.enqueue("mail", json!({"data": 1})).await;
    host.publish(event("s.a", "1", json!({}))).await;
    let queues = ok(&host, &["queues"]);
    assert!(queues.contains("mail") && queues.contains('1'), "{queues}");
    assert_eq!(json_of(&host, &["queues", "mail"])["currentSize"], 1);
    assert!(fails(&host, &["queues", "unknown"]).contains("unknown"));
    assert!(ok(&host, &["topics"]).contains("s.a"));
    host.until_subscription("shop/s", "done", |shown| shown["processed"] == 1).await;
    assert!(ok(&host, &["subscriptions"]).contains("shop/s"));
    ok(&host, &["subscriptions", "pause", "shop/s"]);
    assert_eq!(host.subscription("shop/s").await["state"], "paused");
    ok(&host, &["subscriptions", "resume", "shop/s"]);
    assert_eq!(host.subscription("shop/s").await["state"], "active");
    ok(&host, &["subscriptions", "seek", "shop/s", "--to", "first"]);
    host.until_subscription("shop/s", "replayed", |shown| shown["processed"] == 2).await;
    assert!(fails(&host, &["subscriptions", "seek", "shop/s", "--to", "never"]).contains("never"));
    assert!(fails(&host, &["subscriptions", "pause", "nobody"]).contains("nobody"));
}

#[test]
fn a_host_that_is_not_there_is_said_with_the_remedy() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    for command in [&["queues"][..], &["topics"], &["events", "tail"], &["dead-letters"], &["subscriptions"]] {
        let (status, text) = Setup::new().run(&[command, &["--url", &url]].concat());
        assert_eq!(status.code(), Some(1), "{command:?}: {text}");
        assert!(text.contains(&url) && text.contains("switchyard serve") && text.contains("--url"), "{text}");
    }
    let (status, _) = Setup::new().run(&["queues", "--no-such-flag"]);
    assert_eq!(status.code(), Some(2));
}

/// Publishes and enqueues until its host is gone or it is aborted; acknowledged ids are kept.
async fn keep_publishing(mut client: Client, number: u32, acknowledged: Arc<std::sync::Mutex<Vec<String>>>) {
    for n in 0.. {
        let id = format!("p{number}-{n}");
        let headers = [("content-type", "application/cloudevents+json")];
        let body = event("backup", &id, json!({})).to_string();
        let answer = client.send_with(http::Method::POST, "/api/v1/events", &headers, body).await;
        let Ok(answer) = answer else { return };
        assert!(answer.status.is_success(), "{}", answer.text());
        let body = json!({"data": id}).to_string();
        let Ok(answer) = client.post("/api/v1/queues/backup/messages", body).await else { return };
        assert!(answer.status.is_success(), "{}", answer.text());
        acknowledged.lock().unwrap().push(id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_restores_everything_that_was_acknowledged_before_it() {
    let host = Setup::new().config("[queues.backup]\nmax-size = 1000000\n").plugin("rogue", "rogue").start().await;
    assert_eq!(host.get("/rogue/kv-set?k=a&v=kept").await.status, 200);
    let acknowledged = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut publishers = tokio::task::JoinSet::new();
    for number in 0..4 {
        let client = Client::connect(host.admin).await.unwrap();
        publishers.spawn(keep_publishing(client, number, acknowledged.clone()));
    }
    let enough = async || (acknowledged.lock().unwrap().len() >= 200).then_some(());
    host.eventually("two hundred are published", enough).await;
    let before: BTreeSet<String> = acknowledged.lock().unwrap().iter().cloned().collect();
    let file = host.path().join("copy.backup");
    let path = file.to_str().unwrap();
    let (status, text) = tokio::task::block_in_place(|| host.run(&["backup", path]));
    assert!(status.success(), "{text}");
    publishers.shutdown().await;
    let (status, text) = host.run(&["backup", path]);
    assert!(!status.success(), "a copy is not written over: {text}");
    let (status, text) = host.run(&["restore", path]);
    assert!(!status.success(), "a host holds the folder: {text}");

    let target = Setup::new().config("[queues.backup]\nmax-size = 1000000\n").plugin("rogue", "rogue");
    let (status, text) = target.run(&["restore", path]);
    assert!(status.success(), "{text}");
    let (status, text) = target.run(&["restore", path]);
    assert!(!status.success(), "there is a store already: {text}");
    let (status, text) = target.run(&["doctor"]);
    assert!(status.success(), "{text}");
    let restored = target.start().await;
    let events: BTreeSet<String> = ids(&restored.events("backup").await).into_iter().collect();
    assert_eq!(before.difference(&events).collect::<Vec<_>>(), Vec::<&String>::new(), "events are missing");
    let mut messages = BTreeSet::new();
    loop {
        let leased = restored.lease("backup", json!({"max": 100})).await;
        if leased.is_empty() {
            break;
        }
        messages.extend(leased.iter().map(|message| message["data"].as_str().unwrap().to_owned()));
    }
    assert_eq!(before.difference(&messages).collect::<Vec<_>>(), Vec::<&String>::new(), "messages are missing");
    assert_eq!(restored.get("/rogue/kv-get?k=a").await.text(), "kept");
    // The copy is of one moment: it has a message for each event but those under way then.
    assert!(events.len() - events.intersection(&messages).count() <= 4, "{} {}", events.len(), messages.len());
    // It goes on from there.
    assert_eq!(restored.publish(event("backup", "p0-0", json!({}))).await["duplicate"], true);
    assert_eq!(restored.publish(event("backup", "new", json!({}))).await["duplicate"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_a_damaged_record() {
    let host = Setup::new().start().await;
    let marker = "find-this-marker-in-the-file";
    host.publish_all((0..50).map(|n| event("d", &n.to_string(), json!({"text": marker})))).await;
    let (status, text) = host.run(&["doctor"]);
    assert!(status.success(), "a running host is looked at too: {text}");
    let (setup, _) = host.stop();
    let (status, text) = setup.run(&["doctor"]);
    assert!(status.success(), "{text}");
    let damaged = damage(&setup.path().join("data"), marker.as_bytes());
    assert!(damaged > 0, "the marker stands in the store");
    let (status, text) = setup.run(&["doctor"]);
    assert_eq!(status.code(), Some(1), "{text}");
    let (status, text) = Setup::new().run(&["doctor", "--data", "nowhere"]);
    assert!(!status.success() && text.contains("nowhere"), "{text}");
}

/// Flips a bit in each place where this text stands in a file of a folder; answers how many there were.
fn damage(folder: &Path, text: &[u8]) -> usize {
    let mut damaged = 0;
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            damaged += damage(&entry.path(), text);
            continue;
        }
        let mut bytes = fs::read(entry.path()).unwrap();
        let places: Vec<usize> =
            bytes.windows(text.len()).enumerate().filter(|(_, w)| *w == text).map(|(at, _)| at).collect();
        for place in &places {
            bytes[*place] ^= 1;
        }
        if !places.is_empty() {
            fs::write(entry.path(), bytes).unwrap();
            damaged += places.len();
        }
    }
    damaged
}

#[test]
fn help_names_every_command() {
    let output = Setup::new().run(&["--help"]);
    for command in ["events", "topics", "subscriptions", "queues", "dead-letters", "doctor", "backup", "restore"] {
        assert!(output.1.contains(command), "{command}: {}", output.1);
    }
}
