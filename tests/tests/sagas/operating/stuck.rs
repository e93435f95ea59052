//! Sagas that go neither way by themselves.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Setup, bus::texts};

use super::{only, refused};
use crate::shop::{self, check_fulfilled, check_reserved, check_undone};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compensation_that_fails_is_stuck_until_an_operator_has_it_tried_again() {
    let host = shop::setup(&[]).start().await;
    let mut order = shop::misbehaving("", json!({"shipping.create": "fail", "payment.refund": "fail"}));
    order.as_object_mut().unwrap().remove("orderId");
    let placed = host.send(Method::POST, "/api/orders", &order.to_string()).await.json();
    let (order, id) = (placed["orderId"].as_str().unwrap(), placed["sagaId"].as_str().unwrap());
    let stuck = host.until_saga(id, "stuck").await;
    assert_eq!(stuck["error"], "the compensation of the step 1 ('payment.charge') failed: simulated failure");
    assert_eq!(stuck["currentStep"], 1, "{stuck:#}");
    let statuses = texts(stuck["steps"].as_array().unwrap(), "status");
    assert_eq!(statuses[0], "completed", "what comes after the broken one is not undone before it: {stuck:#}");
    assert_eq!(statuses[2], "failed", "{stuck:#}");
    let refund = &stuck["steps"][1]["compensation"];
    let members = [&refund["command"], &refund["status"], &refund["attempts"], &refund["round"]];
    assert_eq!(members, [&json!("payment.refund"), &json!("failed"), &json!(1), &json!(1)], "{stuck:#}");
    let last = host.saga_history(id).await.pop().unwrap();
    assert_eq!((&last["event"], &last["reason"]), (&json!("stuck"), &json!("compensationFailed")), "{last:#}");
    let told = host.told_of(id).await.pop().unwrap();
    assert_eq!((&told["type"], &told["data"]["error"]), (&json!("saga.stuck"), &stuck["error"]), "{told:#}");
    let shown = async || Some(host.books("orders", order).await).filter(|order| order["status"] == "stuck");
    assert_eq!(host.eventually("the order is stuck", shown).await["error"], stuck["error"]);
    assert_eq!((host.sagas("status=stuck").await, &host.saga_stats().await["stuck"]), (vec![id.to_owned()], &json!(1)));
    only(&host, id, &["retry", "compensate"]).await;
    assert_eq!(host.books("payments", order).await, json!({"charged": 99.99, "refunded": 0}));
    check_reserved(&host, 2).await;

    // As it was, it fails as it did, and stands there again; forced, too.
    for (how, round) in [("retry", 2), ("compensate", 3)] {
        host.move_saga(id, how, json!({})).await;
        let again = |saga: &Value| saga["steps"][1]["compensation"]["round"] == round && saga["status"] == "stuck";
        host.until_saga_is(id, "stuck again", again).await;
    }
    // Neither does it matter that the host starts anew.
    let host = host.kill().start().await;
    assert_eq!(host.saga(id).await["status"], "stuck");
    let moved = host.move_saga(id, "retry", json!({"data": shop::order(order)})).await;
    assert_eq!(moved["status"], "compensating", "{moved:#}");
    let failed = host.until_saga(id, "failed").await;
    assert!(failed["error"].as_str().unwrap().contains("shipping.create"), "what turned it back: {failed:#}");
    check_undone(&host, order).await;
    assert_eq!(host.books("payments", order).await, json!({"charged": 99.99, "refunded": 99.99}));
    check_reserved(&host, 0).await;
    let shown = async || Some(host.books("orders", order).await).filter(|order| order["status"] == "failed");
    host.eventually("the order failed", shown).await;
    only(&host, id, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_that_is_kept_for_an_operator_goes_either_way() {
    let kept = json!({"name": "kept", "onFailure": "stuck", "steps": shop::steps("", &json!({}))});
    let host = shop::setup(&[kept]).start().await;
    for id in ["on", "back"] {
        host.start_saga("kept", id, shop::misbehaving(id, json!({"shipping.create": "fail"}))).await;
        let stuck = host.until_saga(id, "stuck").await;
        assert_eq!(
            (&stuck["currentStep"], &stuck["steps"][1]["status"]),
            (&json!(2), &json!("completed")),
            "{stuck:#}"
        );
        let last = host.saga_history(id).await.pop().unwrap();
        assert_eq!(last["reason"], "stepFailed", "{last:#}");
    }
    check_reserved(&host, 4).await;
    refused(&host, Method::POST, "/api/v1/sagas/on/retry", json!({"data": [1]}), (400, "object")).await;
    host.move_saga("on", "retry", json!({"data": shop::order("on")})).await;
    let completed = host.until_saga("on", "completed").await;
    let shipping = &completed["steps"][2];
    assert_eq!((&shipping["round"], &completed["error"]), (&json!(2), &Value::Null), "{completed:#}");
    assert_eq!(completed["data"]["shipmentId"], "on:2", "{completed:#}");
    check_fulfilled(&host, "on").await;
    host.move_saga("back", "compensate", json!({})).await;
    host.until_saga("back", "failed").await;
    check_undone(&host, "back").await;
    check_reserved(&host, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_pivot_there_is_only_forward() {
    let side = "commands = ['book', 'unbook', 'pay', 'tell']
[[sagas]]
name = 'trip'
[[sagas.steps]]
command = 'book'
compensation = 'unbook'
compensation-retry = { max-attempts = 2, backoff = { linear = '10ms' } }
[[sagas.steps]]
command = 'pay'
pivot = true
retry = { max-attempts = 1 }
[[sagas.steps]]
command = 'tell'
retry = { max-attempts = 2, backoff = { exponential = '10ms' } }
";
    let host = Setup::new().probe(side).start().await;
    let start = async |id: &str, deeds: Value| host.start_saga("trip", id, json!({"deeds": deeds})).await;
    start("refused", json!({"pay": {"do": "reject", "text": "no money"}, "unbook": {"do": "fail-times"}})).await;
    let failed = host.until_saga("refused", "failed").await;
    assert_eq!(failed["steps"][0]["compensation"]["attempts"], 2, "{failed:#}");

    start("past", json!({"tell": {"do": "retry", "text": "nobody is in"}})).await;
    let stuck = host.until_saga("past", "stuck").await;
    assert_eq!((&stuck["currentStep"], &stuck["steps"][2]["attempts"]), (&json!(2), &json!(2)), "{stuck:#}");
    only(&host, "past", &["retry"]).await;
    let path = "/api/v1/sagas/past/compensate";
    refused(&host, Method::POST, path, json!({}), (409, "its pivot is done")).await;
    host.move_saga("past", "retry", json!({"data": {}})).await;
    host.until_saga("past", "completed").await;

    // Nobody knows whether it was paid: neither way is safe, and an operator who knows decides.
    for (id, how, end) in [("was-paid", "retry", "completed"), ("was-not", "compensate", "failed")] {
        start(id, json!({"pay": {"do": "trap-times", "times": 1}})).await;
        let stuck = host.until_saga(id, "stuck").await;
        assert_eq!(stuck["steps"][1]["status"], "unknown", "{stuck:#}");
        assert_eq!(host.saga_history(id).await.pop().unwrap()["reason"], "pivotUnknown");
        let body = if how == "retry" { json!({"data": {}}) } else { json!({}) };
        host.move_saga(id, how, body).await;
        host.until_saga(id, end).await;
    }
    let paid: Vec<Value> =
        host.commands("probe").await.into_iter().filter(|command| command["name"] == "pay").collect();
    let keys = texts(&paid, "idempotencyKey");
    let same = keys.iter().filter(|key| *key == "was-paid/1/forward/1").count();
    assert_eq!(same, 2, "what may have been done is tried again under its key: {keys:?}");
}
