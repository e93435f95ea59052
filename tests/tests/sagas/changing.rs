//! Definitions and participants that change while sagas run.

use std::fs;

use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{event, texts},
    component_bytes,
    sagas::definitions_toml,
};

/// The commands that the probe takes in these tests.
const COMMANDS: &str = "commands = ['first', 'undo', 'before', 'after']";

/// Does something, waits, and then does this.
fn flow(last: &str) -> Value {
    json!({"name": "flow", "steps": [
        {"command": "first", "compensation": "undo"},
        {"wait": {"signal": "go"}},
        {"command": last, "irreversible": true},
    ]})
}

/// Declares other definitions in the probe's side file, and waits until they are live.
async fn declare(host: &Host, definitions: &[Value]) {
    let before = host.items("/api/v1/sagas/definitions").await;
    let side = format!("{}\n{COMMANDS}", definitions_toml(definitions));
    fs::write(host.path().join("plugins/probe.toml"), side).unwrap();
    let changed = async || (host.items("/api/v1/sagas/definitions").await != before).then_some(());
    host.eventually("the definitions have changed", changed).await;
}

/// What a saga had the probe do.
async fn done(host: &Host, id: &str) -> Vec<String> {
    let mut commands = host.commands("probe").await;
    commands.retain(|command| command["sagaId"] == id);
    texts(&commands, "name")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_keeps_the_definition_that_it_began_with_and_a_new_one_gets_the_new() {
    let host = Setup::new().sagas("probe", &[flow("before")], COMMANDS).plugin("probe", "probe").start().await;
    for id in ["old-1", "old-2", "old-3"] {
        host.start_saga("flow", id, json!({})).await;
        host.until_saga(id, "waiting").await;
    }
    declare(&host, &[flow("after")]).await;
    let digest = host.items("/api/v1/sagas/definitions").await[0]["digest"].clone();
    host.start_saga("flow", "new-1", json!({})).await;
    host.until_saga("new-1", "waiting").await;
    assert_eq!(host.saga("new-1").await["definition"], digest);
    assert_ne!(host.saga("old-1").await["definition"], digest);
    // It is the same after a start, and when nobody declares it any more.
    let host = host.kill().start().await;
    for (id, last) in [("old-1", "before"), ("new-1", "after")] {
        host.move_saga(id, "signal", json!({"name": "go"})).await;
        host.until_saga(id, "completed").await;
        assert_eq!(done(&host, id).await, ["first", last]);
    }
    declare(&host, &[]).await;
    assert_eq!(host.ask_for_saga("flow", "new-2", json!({})).await.status, 404);
    host.move_saga("old-2", "signal", json!({"name": "go"})).await;
    host.until_saga("old-2", "completed").await;
    host.move_saga("old-3", "cancel", json!({})).await;
    host.until_saga("old-3", "failed").await;
    assert_eq!(done(&host, "old-3").await, ["first", "undo"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_by_event_reaches_a_saga_whose_definition_nobody_declares_any_more() {
    let by_event = json!({"name": "flow", "steps": [
        {"command": "first", "compensation": "undo", "via": "event", "topic": "mail.commands"},
    ]});
    let host = Setup::new().sagas("probe", &[by_event], COMMANDS).plugin("probe", "probe").start().await;
    for id in ["changed", "gone"] {
        host.start_saga("flow", id, json!({})).await;
        host.until_saga(id, "waiting").await;
    }
    let answer = |id: &str| event("saga.step.completed", id, json!({"sagaId": id, "stepIndex": 0}));
    declare(&host, &[flow("after")]).await;
    host.publish(answer("changed")).await;
    host.until_saga("changed", "completed").await;
    declare(&host, &[]).await;
    let host = host.kill().start().await;
    host.publish(answer("gone")).await;
    host.until_saga("gone", "completed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_broke_is_mended_by_its_next_version() {
    let mut kept = flow("after");
    kept["name"] = "kept".into();
    kept["onFailure"] = "stuck".into();
    let setup = Setup::new().sagas("probe", &[flow("before"), kept], COMMANDS).plugin("probe", "probe");
    let host = setup.start().await;
    let broken = json!({"do": "reject-before", "version": 2, "text": "a bug"});
    host.start_saga("flow", "back", json!({"deeds": {"undo": broken}})).await;
    host.start_saga("kept", "on", json!({"deeds": {"after": broken}})).await;
    host.until_saga("back", "waiting").await;
    host.move_saga("back", "cancel", json!({})).await;
    host.until_saga("on", "waiting").await;
    host.move_saga("on", "signal", json!({"name": "go"})).await;
    for id in ["back", "on"] {
        let stuck = host.until_saga(id, "stuck").await;
        assert!(stuck["error"].as_str().unwrap().contains("a bug"), "{stuck:#}");
        // The same version makes the same mistake.
        host.move_saga(id, "retry", json!({})).await;
        let again = |saga: &Value| saga["status"] == "stuck" && rounds(saga).contains(&2);
        host.until_saga_is(id, "stuck again", again).await;
    }
    host.rename_into_place("probe", &component_bytes("probe-next"));
    host.until("probe", "of version 2", |plugin| plugin["version"] == "2.0.0" && plugin["state"] == "active").await;
    for (id, end) in [("back", "failed"), ("on", "completed")] {
        host.move_saga(id, "retry", json!({})).await;
        let ended = host.until_saga(id, end).await;
        assert!(rounds(&ended).contains(&3), "each retry of what was not done has a key of its own: {ended:#}");
    }
    assert_eq!(done(&host, "back").await, ["first", "undo", "undo", "undo"]);
    assert_eq!(done(&host, "on").await, ["first", "after", "after", "after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_go_to_the_main_version_of_a_service() {
    let setup = Setup::new().sagas("probe", &[flow("before")], COMMANDS).plugin("probe", "probe");
    let host = setup.plugin("probe@2.0.0", "probe-next").start().await;
    host.until("probe@2.0.0", "active", |plugin| plugin["state"] == "active").await;
    let deeds = json!({"first": {"do": "reject-before", "version": 2, "text": "an old version"}});
    for n in 0..8 {
        let id = format!("s-{n}");
        host.start_saga("flow", &id, json!({"deeds": deeds})).await;
        let failed = host.until_saga(&id, "failed").await;
        assert!(failed["error"].as_str().unwrap().contains("an old version"), "{failed:#}");
    }
}

/// The rounds of all commands of a saga.
fn rounds(saga: &Value) -> Vec<u64> {
    let steps = saga["steps"].as_array().unwrap();
    steps.iter().flat_map(|step| [&step["round"], &step["compensation"]["round"]]).filter_map(Value::as_u64).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_service_declares_is_refused_to_another_until_it_is_given_up() {
    let host = Setup::new().sagas("probe", &[flow("before")], COMMANDS).plugin("probe", "probe").start().await;
    let side = format!("name = 'rival'\nroutes = []\n{}\n{COMMANDS}", definitions_toml(&[flow("after")]));
    fs::write(host.path().join("plugins/rival.toml"), side).unwrap();
    host.rename_into_place("rival", &component_bytes("probe"));
    let rival = host.until("rival", "active", |plugin| plugin["state"] == "active").await;
    assert_eq!(rival["refusedSagas"][0]["name"], "flow", "{rival:#}");
    assert!(rival["refusedSagas"][0]["error"].as_str().unwrap().contains("held by the service probe"), "{rival:#}");
    assert_eq!(rival["refusedCommands"].as_array().unwrap().len(), 4, "{rival:#}");
    assert_eq!(host.items("/api/v1/sagas/definitions").await[0]["service"], "probe");
    fs::remove_file(host.path().join("plugins/probe.wasm")).unwrap();
    let taken = async || {
        let definitions = host.items("/api/v1/sagas/definitions").await;
        (definitions.len() == 1 && definitions[0]["service"] == "rival").then_some(())
    };
    host.eventually("the rival has it", taken).await;
    host.start_saga("flow", "rivals", json!({})).await;
    host.move_saga("rivals", "signal", json!({"name": "go"})).await;
    assert_eq!(host.until_saga("rivals", "completed").await["steps"][2]["command"], "after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_does_not_hold_is_refused_and_the_good_one_stays() {
    let host = Setup::new().sagas("probe", &[flow("before")], COMMANDS).plugin("probe", "probe").start().await;
    let step = json!({"command": "first"});
    let broken = json!({"name": "flow", "steps": [step]});
    let side = format!("{}\n{COMMANDS}", definitions_toml(&[broken]));
    fs::write(host.path().join("plugins/probe.toml"), side).unwrap();
    let told = |plugin: &Value| plugin["error"].as_str().is_some_and(|error| error.contains("the saga 'flow'"));
    let plugin = host.until("probe", "refused", told).await;
    let error = plugin["error"].as_str().unwrap();
    assert!(error.contains("the step 0 ('first')") && error.contains("irreversible"), "{error}");
    host.start_saga("flow", "still", json!({})).await;
    host.until_saga("still", "waiting").await;
}
