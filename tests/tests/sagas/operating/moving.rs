//! Signals and cancellation.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Setup, bus::texts};

use super::{only, refused, with_probe};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_move_a_saga_on_and_one_that_waits_can_be_cancelled() {
    let host = with_probe().start().await;
    for id in ["signed", "late", "cancelled"] {
        host.start_saga("approved", id, json!({"by": "nobody"})).await;
        let waiting = host.until_saga(id, "waiting").await;
        assert_eq!(
            (&waiting["currentStep"], &waiting["steps"][1]["status"]),
            (&json!(1), &json!("waiting")),
            "{waiting:#}"
        );
    }
    assert_eq!(host.sagas("status=waiting&name=approved").await, ["cancelled", "late", "signed"]);
    assert_eq!(host.saga_stats().await["waiting"], 3);
    refused(&host, Method::POST, "/api/v1/sagas/late/signal", json!({"name": "denied"}), (409, "'denied'")).await;
    only(&host, "late", &["cancel", "compensate", "signal"]).await;

    // The second signal may come before the first.
    host.move_saga("signed", "signal", json!({"name": "signed", "data": {"second": "bob"}})).await;
    assert_eq!(host.saga("signed").await["status"], "waiting");
    host.move_saga("signed", "signal", json!({"name": "approved", "data": {"by": "ann"}})).await;
    let completed = host.until_saga("signed", "completed").await;
    assert_eq!(completed["data"], json!({"by": "ann", "second": "bob"}), "{completed:#}");
    assert_eq!(completed["steps"][2]["name"], "countersigned");
    let told = host.told_of("signed").await;
    let steps: Vec<Value> = told[1..5].iter().map(|event| event["data"]["command"].clone()).collect();
    assert_eq!(steps, [json!("ask"), Value::Null, Value::Null, json!("tell")], "{told:#?}");

    host.move_saga("late", "signal", json!({"name": "approved"})).await;
    let failed = host.until_saga("late", "failed").await;
    assert!(failed["error"].as_str().unwrap().contains("'signed' did not come in time"), "{failed:#}");
    host.move_saga("cancelled", "cancel", json!({})).await;
    let failed = host.until_saga("cancelled", "failed").await;
    assert_eq!((&failed["error"], &failed["data"]["by"]), (&json!("cancelled"), &json!("nobody")), "{failed:#}");
    assert_eq!(host.told_of("cancelled").await.pop().unwrap()["data"]["error"], "cancelled");
    for id in ["signed", "late", "cancelled"] {
        only(&host, id, &[]).await;
    }
    let undone: Vec<String> =
        host.commands("probe").await.iter().filter(|c| c["name"] == "forget").map(saga_id).collect();
    assert_eq!(undone, ["late", "cancelled"]);
}

fn saga_id(command: &Value) -> String {
    command["sagaId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_when_a_saga_is_cancelled_is_waited_for_and_undone() {
    let steps = json!([{"command": "ask", "compensation": "forget"}, {"command": "tell", "irreversible": true}]);
    let side = "commands = ['ask', 'forget', 'tell']";
    let setup = Setup::new().sagas("probe", &[json!({"name": "flow", "steps": steps})], side);
    let host = setup.plugin("probe", "probe").start().await;
    let slow = json!({"deeds": {"ask": {"do": "slow", "ms": 400}}});
    host.start_saga("flow", "s-1", slow).await;
    host.until_commanded("probe", 1).await;
    let moved = host.move_saga("s-1", "cancel", json!({})).await;
    assert_eq!(
        (&moved["status"], &moved["steps"][0]["status"]),
        (&json!("compensating"), &json!("running")),
        "{moved:#}"
    );
    assert_eq!(host.until_saga("s-1", "failed").await["error"], "cancelled");
    assert_eq!(texts(&host.commands("probe").await, "name"), ["ask", "forget"]);
    let words = ["started", "intended", "cancelled", "succeeded", "compensationStarted"];
    assert_eq!(texts(&host.saga_history("s-1").await[..5], "event"), words);

    // Through a crash it stays cancelled, and what was under way is undone without being sent again.
    host.start_saga("flow", "s-2", json!({"deeds": {"ask": {"do": "slow", "ms": 20_000}}})).await;
    host.until_commanded("probe", 3).await;
    host.move_saga("s-2", "cancel", json!({})).await;
    let host = host.kill().start().await;
    let failed = host.until_saga("s-2", "failed").await;
    assert_eq!((&failed["error"], &failed["steps"][0]["status"]), (&json!("cancelled"), &json!("compensated")));
    only(&host, "s-2", &[]).await;
    assert_eq!(texts(&host.commands("probe").await, "name"), ["ask", "forget", "ask", "forget"]);
}
