//! `switchyard sagas`, as an operator types it.

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

/// Runs `sagas` with these words, which succeeds, and answers what it printed.
fn ok(host: &Host, words: &[&str]) -> String {
    let (code, text) = host.tell(&[&["sagas"], words].concat());
    assert_eq!(code, Some(0), "{words:?}: {text}\n{}", host.log());
    text
}

/// The same with `--json`.
fn json_of(host: &Host, words: &[&str]) -> Value {
    let text = ok(host, &[words, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?} printed no JSON, {error}: {text}"))
}

/// Runs `sagas` with these words, which fails, and answers what it printed.
fn fails(host: &Host, words: &[&str]) -> String {
    let (code, text) = host.tell(&[&["sagas"], words].concat());
    assert_eq!(code, Some(1), "{words:?}: {text}");
    text
}

#[track_caller]
fn shows(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word} is not shown: {text}");
    }
}

/// Waits for a word, and may be broken on the way there and back.
fn trip() -> Value {
    let once = json!({"maxAttempts": 1});
    json!({"name": "trip", "steps": [
        {"command": "book", "compensation": "unbook", "retry": once, "compensationRetry": once},
        {"wait": {"signal": "approved"}},
        {"command": "pay", "irreversible": true, "retry": once},
    ]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sagas_are_started_shown_listed_and_moved() {
    let setup = Setup::new().sagas("probe", &[trip()], "commands = ['book', 'unbook', 'pay']");
    let host = setup.plugin("probe", "probe").start().await;
    shows(&ok(&host, &[]), &["no sagas"]);
    shows(&ok(&host, &["definitions"]), &["trip", "probe", "book", "signal approved", "pay"]);
    assert_eq!(json_of(&host, &["definitions"])["items"][0]["name"], "trip");

    shows(&ok(&host, &["start", "trip", "--id", "t-1", "--data", r#"{"to":"Rome"}"#]), &["t-1", "started"]);
    shows(&ok(&host, &["start", "trip", "--id", "t-1"]), &["t-1", "there already"]);
    let made = json_of(&host, &["start", "trip"])["sagaId"].as_str().unwrap().to_owned();
    host.until_saga("t-1", "waiting").await;
    shows(&ok(&host, &["show", "t-1"]), &["Rome", "book", "completed", "signal approved", "waiting", "intended"]);
    let shown = json_of(&host, &["show", "t-1"]);
    assert_eq!((&shown["sagaId"], &shown["history"][0]["event"]), (&json!("t-1"), &json!("started")));
    shows(&ok(&host, &["signal", "t-1", "approved", "--data", r#"{"by":"ann"}"#]), &["t-1"]);
    assert_eq!(host.until_saga("t-1", "completed").await["data"], json!({"to": "Rome", "by": "ann"}));
    shows(&ok(&host, &["cancel", &made]), &[&made]);
    assert_eq!(host.until_saga(&made, "failed").await["error"], "cancelled");

    // One that cannot be undone is stuck, and goes on when what is wrong is mended.
    let broken = r#"{"deeds":{"pay":{"do":"reject"},"unbook":{"do":"reject","text":"the hotel says no"}}}"#;
    std::fs::write(host.path().join("broken.json"), broken).unwrap();
    ok(&host, &["start", "trip", "--id", "t-2", "--data", "@broken.json"]);
    ok(&host, &["signal", "t-2", "approved"]);
    let text = fails(&host, &["start", "trip", "--id", "t-2", "--wait"]);
    shows(
        &text,
        &["t-2", "stuck", "the hotel says no", "switchyard sagas retry t-2", "switchyard sagas compensate t-2"],
    );
    shows(&ok(&host, &["list", "--status", "stuck"]), &["t-2", "trip", "the hotel says no"]);
    let listed = json_of(&host, &["list", "--name", "trip", "--status", "stuck"]);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    shows(&ok(&host, &["compensate", "t-2"]), &["t-2", "compensating"]);
    let again = |saga: &Value| saga["status"] == "stuck" && saga["steps"][0]["compensation"]["round"] == 2;
    host.until_saga_is("t-2", "stuck again", again).await;
    shows(&ok(&host, &["retry", "t-2", "--data", "{}"]), &["t-2", "compensating"]);
    host.until_saga("t-2", "failed").await;
    shows(&fails(&host, &["start", "trip", "--id", "t-2", "--wait"]), &["t-2", "failed", "undone"]);
    shows(&ok(&host, &["start", "trip", "--id", "t-1", "--wait"]), &["t-1", "completed"]);
    ok(&host, &["start", "trip", "--id", "t-3"]);
    host.until_saga("t-3", "waiting").await;
    shows(&fails(&host, &["start", "trip", "--id", "t-3", "--wait", "--timeout", "200ms"]), &["still waiting", "t-3"]);

    let all = json_of(&host, &[]);
    let statuses = |status: &str| all["items"].as_array().unwrap().iter().filter(|s| s["status"] == status).count();
    assert_eq!(["completed", "failed", "waiting"].map(statuses), [1, 2, 1], "{all:#}");
    let few = json_of(&host, &["list", "--limit", "2"]);
    assert_eq!((few["items"].as_array().unwrap().len(), few["next"].is_string()), (2, true), "{few:#}");

    for (words, told) in [
        (&["show", "nobody"][..], "nobody"),
        (&["cancel", "nobody"], "nobody"),
        (&["cancel", "t-1"], "the saga is completed"),
        (&["retry", "t-3"], "only one that is stuck"),
        (&["compensate", "t-2"], "the saga is failed"),
        (&["signal", "t-3", "denied"], "'denied'"),
        (&["start", "tripp"], "tripp"),
        (&["start", "trip", "--data", "[1]"], "object"),
        (&["list", "--status", "done"], "completed"),
    ] {
        shows(&fails(&host, words), &[told]);
    }
    for (words, told) in
        [(&["start", "trip", "--data", "{"][..], "JSON"), (&["start"], "NAME"), (&["signal", "x"], "NAME")]
    {
        let (code, text) = host.tell(&[&["sagas"], words].concat());
        assert!(code == Some(2) && text.contains(told), "{words:?}: {text}");
    }
}
