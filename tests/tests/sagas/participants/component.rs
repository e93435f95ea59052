//! Components, by their `command-handler`.

use serde_json::{Value, json};
use switchyard_tests::{Setup, bus::texts};

use super::{of, quickly};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_gets_one_key_for_all_attempts_and_answers_in_its_own_time() {
    let step = |command: &str| {
        let compensation = format!("undo-{command}");
        json!({"command": command, "compensation": compensation, "retry": quickly(3), "compensationRetry": quickly(3)})
    };
    let mut first = step("first");
    first["data"] = json!({"n": 2, "static": true});
    let definition = json!({"name": "trip", "steps": [first, step("second")]});
    let side = "commands = ['first', 'second', 'undo-first', 'undo-second']";
    let host = Setup::new().sagas("probe", &[definition], side).plugin("probe", "probe").start().await;

    let result = json!({"do": "ok", "result": {"n": 3, "more": [1]}});
    host.start_saga("trip", "plain", json!({"n": 1, "deeds": {"first": result}})).await;
    let saga = host.until_saga("plain", "completed").await;
    assert_eq!(
        (&saga["data"]["n"], &saga["data"]["more"], &saga["data"]["static"]),
        (&json!(3), &json!([1]), &Value::Null)
    );
    let commands = host.commands("probe").await;
    let sent = &commands[0];
    let payload = json!({"sagaId": "plain", "stepIndex": 0, "n": 2, "static": true, "deeds": {"first": result}});
    assert_eq!((&sent["payload"], &sent["sagaName"]), (&payload, &json!("trip")), "{sent:#}");
    let members = ["name", "direction", "idempotencyKey"].map(|name| sent[name].as_str().unwrap().to_owned());
    assert_eq!(members, ["first", "forward", "plain/0/forward/1"]);
    assert_eq!((&sent["attempt"], &sent["stepIndex"]), (&json!(1), &json!(0)));

    // Each of these gets there, the way that it takes being seen in the attempts that count.
    for (id, deed, came, counted) in [
        ("later", json!({"do": "fail-times", "times": 2}), 3, 3),
        ("pauses", json!({"do": "defer", "times": 3, "ms": 10}), 4, 1),
        ("traps", json!({"do": "trap-times", "times": 1}), 2, 2),
        ("says", json!({"do": "ok", "result": 5}), 1, 1),
    ] {
        host.start_saga("trip", id, json!({"deeds": {"second": deed}})).await;
        let saga = host.until_saga(id, "completed").await;
        assert_eq!(saga["steps"][1]["attempts"], counted, "{saga:#}");
        assert_eq!(saga["data"], json!({"deeds": {"second": deed}}), "only objects are laid over it");
        let commands = host.commands("probe").await;
        let keys = of(&commands, id, "idempotencyKey");
        let expected = vec![format!("{id}/1/forward/1"); came];
        assert_eq!((&keys[0], &keys[1..]), (&format!("{id}/0/forward/1"), &expected[..]));
    }

    // And each of these does not; what may have been done is undone, and what was not is not.
    for (id, deed, came, undone) in [
        ("rejects", json!({"do": "reject", "text": "no room"}), 1, false),
        ("never", json!({"do": "retry", "text": "not today"}), 3, false),
        ("broken", json!({"do": "trap"}), 3, true),
        ("babbles", json!({"do": "ok", "raw": "{no json"}), 3, true),
    ] {
        host.start_saga("trip", id, json!({"deeds": {"second": deed}})).await;
        let saga = host.until_saga(id, "failed").await;
        assert_eq!(saga["steps"][1]["attempts"], came, "{saga:#}");
        let names = of(&host.commands("probe").await, id, "name");
        let way = [&["first"][..], &vec!["second"; came], if undone { &["undo-second"] } else { &[] }, &["undo-first"]];
        assert_eq!(names, way.concat(), "{id}");
    }
    let undo = host.commands("probe").await.into_iter().rfind(|command| command["name"] == "undo-second").unwrap();
    let payload = [&undo["payload"]["originalStepIndex"], &undo["payload"]["originalResult"]];
    assert_eq!((payload, &undo["direction"]), ([&json!(1), &Value::Null], &json!("compensation")), "{undo:#}");
    assert_eq!(undo["idempotencyKey"], "babbles/1/compensation/1");
    assert_eq!(undo["payload"]["stepIndex"], Value::Null, "{undo:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_under_way_together_and_undone_when_one_of_it_fails() {
    let step =
        |command: &str| json!({"command": command, "compensation": format!("undo-{command}"), "retry": quickly(1)});
    let group = json!({"parallel": [step("a"), step("b"), step("c")]});
    let definition = json!({"name": "group", "steps": [group, step("d")]});
    let side = "commands = ['a', 'b', 'c', 'd', 'undo-a', 'undo-b', 'undo-c', 'undo-d']";
    let host = Setup::new().sagas("probe", &[definition], side).plugin("probe", "probe").start().await;
    let slow =
        |times: u32| json!({"a": {"do": "slow", "ms": 300 * times, "result": {"a": 1}}, "b": {"result": {"b": 2}}});
    host.start_saga("group", "done", json!({"deeds": slow(1)})).await;
    let saga = host.until_saga("done", "completed").await;
    assert_eq!((&saga["data"]["a"], &saga["data"]["b"], &saga["currentStep"]), (&json!(1), &json!(2), &json!(4)));
    let history = host.saga_history("done").await;
    assert_eq!(texts(&history[1..4], "event"), ["intended"; 3], "{history:#?}");
    assert_eq!(of(&host.commands("probe").await, "done", "name").last().unwrap(), "d");

    let mut deeds = slow(1);
    deeds["b"] = json!({"do": "reject", "text": "no"});
    host.start_saga("group", "undone", json!({"deeds": deeds})).await;
    let saga = host.until_saga("undone", "failed").await;
    let shown = saga["steps"].as_array().unwrap();
    assert_eq!(texts(shown, "status"), ["compensated", "failed", "compensated", "skipped"], "{saga:#}");
    let mut names = of(&host.commands("probe").await, "undone", "name");
    let undone = names.split_off(3);
    // The slow one was waited for, and as the last that was done it is the first that is undone.
    assert_eq!(undone, ["undo-a", "undo-c"]);
}
