//! Hosts that stop, and participants that go away and come back, while sagas run.

use std::{fs, time::Duration};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::texts, component_bytes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_good_order_is_no_crash_and_what_was_open_goes_on() {
    let definition = json!({"name": "flow", "steps": [
        {"command": "first", "compensation": "undo"},
        {"wait": {"timer": "300ms"}},
        {"command": "last", "irreversible": true},
    ]});
    let side = "commands = ['first', 'undo', 'last']";
    let mut host = Setup::new().sagas("probe", &[definition], side).plugin("probe", "probe").start().await;
    let slow = json!({"deeds": {"first": {"do": "slow", "ms": 400, "result": {"n": 1}}}});
    let ids: Vec<String> = (0..20).map(|n| format!("s-{n:02}")).collect();
    for id in &ids {
        host.start_saga("flow", id, slow.clone()).await;
    }
    host.until_commanded("probe", 1).await;
    for _ in 0..3 {
        let (setup, status) = host.stop();
        assert!(status.success(), "{status}");
        host = setup.start().await;
        assert_eq!(host.sagas("").await, ids);
    }
    for id in &ids {
        let saga = host.until_saga(id, "completed").await;
        assert_eq!(saga["data"]["n"], 1, "{saga:#}");
        let history = host.saga_history(id).await;
        let resumed = history.iter().filter(|line| line["event"] == "resumed");
        assert!(resumed.clone().all(|line| line["detail"] == "after an orderly stop"), "{history:#?}");
        let first = history.iter().filter(|line| line["event"] == "succeeded" && line["step"] == 0).count();
        assert_eq!(first, 1, "{history:#?}");
    }
    assert!(!host.log().contains("panicked"), "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_is_told_apart_and_what_was_under_way_is_sent_again_with_its_key() {
    let definition = json!({"name": "flow", "steps": [{"command": "first", "compensation": "undo"}]});
    let side = "commands = ['first', 'undo']";
    let host = Setup::new().sagas("probe", &[definition], side).plugin("probe", "probe").start().await;
    host.start_saga("flow", "s-1", json!({"deeds": {"first": {"do": "slow", "ms": 1_000}}})).await;
    host.until_commanded("probe", 1).await;
    let host = host.kill().start().await;
    host.until_saga("s-1", "completed").await;
    let history = host.saga_history("s-1").await;
    assert_eq!(texts(&history, "event"), ["started", "intended", "resumed", "succeeded", "completed"]);
    assert_eq!(history[2]["detail"], "after a crash");
    let commands = host.commands("probe").await;
    assert_eq!(texts(&commands, "idempotencyKey"), ["s-1/0/forward/1"; 2]);
    assert_eq!((&commands[0]["attempt"], &commands[1]["attempt"]), (&json!(1), &json!(1)), "it is the same attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_need_wait_until_all_sagas_are_taken_over() {
    let definition = json!({"name": "flow", "steps": [{"wait": {"signal": "go"}}]});
    let host = Setup::new().sagas("probe", &[definition], "").plugin("probe", "probe").start().await;
    let draft = |n: u32| json!({"startSaga": {"name": "flow", "id": format!("s-{n:03}")}});
    for first in (0..600).step_by(100) {
        let batch: Vec<Value> = (first..first + 100).map(draft).collect();
        let (status, done) = host.probe("/probe/batch", batch.into()).await;
        assert_eq!(status, 200, "{done}");
    }
    // From the last one on, which is the last that is taken over.
    let host = host.kill().start_unready().await;
    for n in (500..600).rev() {
        host.move_saga(&format!("s-{n}"), "signal", json!({"name": "go", "data": {"n": n}})).await;
    }
    for n in 500..600 {
        assert_eq!(host.until_saga(&format!("s-{n}"), "completed").await["data"]["n"], n);
    }
    let counts = async || {
        let stats = host.saga_stats().await;
        let counts = ["open", "owned", "waiting", "completed"].map(|name| stats[name].clone());
        (counts == [500, 500, 500, 100].map(Value::from)).then_some(())
    };
    host.eventually("the others wait as before", counts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_waits_for_its_participant_to_come_back() {
    let definition = json!({"name": "flow", "steps": [
        {"command": "work", "compensation": "undo"},
        {"command": "post", "compensation": "unpost", "via": "http", "service": "worker", "path": "/step"},
    ]});
    let setup = Setup::new().sagas("probe", &[definition], "").plugin("probe", "probe");
    let side = "name = 'worker'\nroutes = []\ncommands = ['work', 'undo']";
    let host = setup.side("worker", side).plugin("worker", "probe").start().await;
    let away = async || {
        fs::remove_file(host.plugin_file("worker")).unwrap();
        let gone = async || host.plugin("worker").await.is_null().then_some(());
        host.eventually("the worker is gone", gone).await;
    };
    away().await;
    host.start_saga("flow", "s-1", json!({})).await;
    let sent = async || (host.saga_stats().await["commandsInFlight"] == 1).then_some(());
    host.eventually("the command is on its way", sent).await;
    let saga = host.saga("s-1").await;
    let first = &saga["steps"][0];
    assert_eq!(
        (&saga["status"], &first["status"], &first["attempts"]),
        (&json!("running"), &json!("running"), &json!(1))
    );
    fs::write(host.path().join("plugins/worker.toml"), side).unwrap();
    host.rename_into_place("worker", &component_bytes("probe"));
    let saga = host.until_saga("s-1", "completed").await;
    assert_eq!(saga["steps"][0]["attempts"], 1, "waiting is no attempt: {saga:#}");

    // The one that declares a saga is not needed for those that run.
    away().await;
    host.start_saga("flow", "s-2", json!({})).await;
    fs::remove_file(host.plugin_file("probe")).unwrap();
    let gone = async || host.items("/api/v1/sagas/definitions").await.is_empty().then_some(());
    host.eventually("the definition is gone", gone).await;
    let host = host.kill().start().await;
    assert_eq!(host.saga("s-2").await["status"], "running");
    fs::write(host.path().join("plugins/worker.toml"), side).unwrap();
    host.rename_into_place("worker", &component_bytes("probe"));
    host.until_saga("s-2", "completed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_breaker_is_waited_for_on_the_way_there_and_back() {
    let definition = json!({"name": "flow", "steps": [
        {"command": "first", "compensation": "undo", "retry": {"maxAttempts": 1}, "compensationRetry": {"maxAttempts": 1}},
        {"command": "post", "compensation": "unpost", "via": "http", "service": "probe", "path": "/step",
         "retry": {"maxAttempts": 1}},
        {"wait": {"signal": "go"}},
    ]});
    let setup = Setup::new().sagas("probe", &[definition], "commands = ['first', 'undo']").plugin("probe", "probe");
    let host = setup.start().await;
    let breaker = async |action: &str| {
        let id = host.items("/api/v1/breakers").await.remove(0)["id"].as_str().unwrap().to_owned();
        let answer = host.ask(Method::POST, &format!("/api/v1/breakers/{id}/{action}"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    breaker("open").await;
    host.start_saga("flow", "s-1", json!({})).await;
    let refused = async || (breakers_rejected(&host).await > 0).then_some(());
    host.eventually("a command is refused", refused).await;
    breaker("close").await;
    let saga = host.until_saga("s-1", "waiting").await;
    let attempts = [0, 1].map(|step: usize| saga["steps"][step]["attempts"].clone());
    assert_eq!(attempts, [json!(1), json!(1)], "what is refused is no attempt: {saga:#}");
    breaker("open").await;
    let before = breakers_rejected(&host).await;
    host.move_saga("s-1", "cancel", json!({})).await;
    let refused = async || (breakers_rejected(&host).await > before).then_some(());
    host.eventually("a compensation is refused", refused).await;
    assert_eq!(host.saga("s-1").await["status"], "compensating");
    breaker("close").await;
    host.until_saga("s-1", "failed").await;
    let history = texts(&host.saga_history("s-1").await, "event");
    assert!(!history.iter().any(|word| word == "deferred"), "it does not ask again and again: {history:?}");
}

/// Calls that the only breaker has refused.
async fn breakers_rejected(host: &Host) -> u64 {
    host.items("/api/v1/breakers").await[0]["metrics"]["rejected"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_store_has_its_open_sagas_and_goes_on_with_them() {
    let definition = json!({"name": "flow", "steps": [
        {"command": "first", "compensation": "undo"},
        {"wait": {"signal": "go"}},
        {"command": "last", "irreversible": true},
    ]});
    let setup = || {
        let setup =
            Setup::new().sagas("probe", std::slice::from_ref(&definition), "commands = ['first', 'undo', 'last']");
        setup.plugin("probe", "probe")
    };
    let host = setup().start().await;
    host.start_saga("flow", "s-1", json!({"n": 1})).await;
    host.until_saga("s-1", "waiting").await;
    let file = host.path().join("copy.backup");
    let (status, text) = host.run(&["backup", file.to_str().unwrap()]);
    assert!(status.success(), "{text}");
    let target = setup();
    let (status, text) = target.run(&["restore", file.to_str().unwrap()]);
    assert!(status.success(), "{text}");
    let restored = target.start().await;
    assert_eq!(restored.saga("s-1").await["status"], "waiting");
    restored.move_saga("s-1", "signal", json!({"name": "go"})).await;
    assert_eq!(restored.until_saga("s-1", "completed").await["data"], json!({"n": 1}));
    assert_eq!(host.saga("s-1").await["status"], "waiting", "the other one is not moved by that");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_goes_on_while_no_host_runs() {
    let retry = |delay: &str| json!({"maxAttempts": 2, "backoff": {"linear": delay}});
    let definitions = [
        json!({"name": "rests", "steps": [{"wait": {"timer": "400ms"}}]}),
        json!({"name": "waits", "steps": [{"wait": {"signal": "go", "timeout": "400ms"}}]}),
        json!({"name": "tries", "steps": [{"command": "first", "compensation": "undo", "retry": retry("400ms")}]}),
        json!({"name": "hurries", "steps": [
            {"command": "first", "compensation": "undo", "timeout": "400ms", "retry": retry("10ms")},
        ]}),
    ];
    let setup = Setup::new().sagas("probe", &definitions, "commands = ['first', 'undo']").plugin("probe", "probe");
    let host = setup.start().await;
    host.start_saga("rests", "rests", json!({})).await;
    host.start_saga("waits", "waits", json!({})).await;
    host.start_saga("tries", "tries", json!({"do": "fail-times", "times": 1})).await;
    host.until_saga_is("tries", "between two attempts", |saga| saga["steps"][0]["status"] == "retrying").await;
    host.start_saga("hurries", "hurries", json!({"do": "slow-times", "times": 1, "ms": 20_000})).await;
    host.until_commanded("probe", 2).await;
    let setup = host.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let host = setup.start().await;
    host.until_saga("rests", "completed").await;
    host.until_saga("waits", "failed").await;
    for id in ["tries", "hurries"] {
        let saga = host.until_saga(id, "completed").await;
        assert_eq!(saga["steps"][0]["attempts"], 2, "{saga:#}");
        let mut commands = host.commands("probe").await;
        commands.retain(|command| command["sagaId"] == id);
        let attempts: Vec<u64> = commands.iter().map(|command| command["attempt"].as_u64().unwrap()).collect();
        assert_eq!(attempts, [1, 2], "what is past its time is not sent again: {commands:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_outlasts_the_stop_is_sent_again_and_is_no_crash() {
    let definition = json!({"name": "flow", "steps": [{"command": "first", "compensation": "undo"}]});
    let setup = Setup::new().config("[plugins]\ndrain-timeout = '200ms'\n");
    let setup = setup.sagas("probe", &[definition], "commands = ['first', 'undo']").plugin("probe", "probe");
    let mut host = setup.start().await;
    host.start_saga("flow", "s-1", json!({"do": "slow", "ms": 1_500})).await;
    for times in 1..=3 {
        host.until_commanded("probe", times).await;
        let (setup, status) = host.stop();
        assert!(status.success(), "{status}");
        host = setup.start().await;
    }
    host.until_saga("s-1", "completed").await;
    let history = host.saga_history("s-1").await;
    let resumed: Vec<_> = history.iter().filter(|line| line["event"] == "resumed").cloned().collect();
    assert_eq!(texts(&resumed, "detail"), ["after an orderly stop"; 3], "{history:#?}");
    assert_eq!(texts(&host.commands("probe").await, "idempotencyKey"), ["s-1/0/forward/1"; 4]);
}
