//! The service on a host in memory.

use serde_json::{Value, json};
use switchyard_sdk::testing::{self, CommandDraft};
use switchyard_sdk::{Failure, Request};

use super::*;

fn creating(saga: &str, order: &str) -> CommandDraft {
    testing::command("shipping.create").saga(saga).step(2).payload(&json!({ "sagaId": saga, "orderId": order }))
}

fn cancelling(saga: &str) -> CommandDraft {
    testing::command("shipping.cancel").saga(saga).step(2).compensation()
}

fn run(command: CommandDraft) -> Result<Value, Failure> {
    testing::carry_out(&participant(), command)
}

fn get(order: &str) -> (u16, Value) {
    let response = router().serve(Request::get(&format!("/shipments/{order}")));
    (response.status(), serde_json::from_slice(response.body()).expect("JSON"))
}

#[track_caller]
fn check(order: &str, status: &str) {
    assert_eq!(get(order), (200, json!({ "status": status })), "{order}");
}

#[test]
fn a_shipment_is_created_and_cancelled_once() {
    for attempt in [1, 1, 2] {
        let shipment = json!({ "shipmentId": "s:2", "orderId": "123" });
        assert_eq!(run(creating("s", "123").attempt(attempt)), Ok(shipment));
        check("123", "created");
    }
    for attempt in [1, 2] {
        assert_eq!(run(cancelling("s").attempt(attempt)), Ok(Value::Null));
        check("123", "cancelled");
    }
    assert_eq!(run(creating("s", "123").attempt(3)), Err(Failure::reject("already undone")));
    check("123", "cancelled");
}

#[test]
fn an_order_is_cancelled_when_all_of_its_shipments_are() {
    run(creating("s", "123")).expect("created");
    run(creating("t", "123")).expect("created");
    run(cancelling("s")).expect("cancelled");
    check("123", "created");
    run(cancelling("t")).expect("cancelled");
    check("123", "cancelled");
    run(creating("u", "123")).expect("created");
    check("123", "created");
}

#[test]
fn a_cancellation_before_its_shipment_lets_it_never_happen() {
    assert_eq!(run(cancelling("s")), Ok(Value::Null));
    assert_eq!(run(creating("s", "123")), Err(Failure::reject("already undone")));
    let (status, problem) = get("123");
    assert_eq!((status, &problem["error"]), (404, &json!("Shipment not found")));
}

#[test]
fn without_an_order_nothing_is_shipped() {
    let answer = run(testing::command("shipping.create").saga("s").payload(&json!({ "orderId": 5 })));
    assert!(matches!(answer, Err(Failure::Reject(_))), "{answer:?}");
    assert_eq!(get(&"x".repeat(200)).0, 404);
}

#[test]
fn misbehaviour_is_by_command() {
    let simulate = |command: &str| json!({ "orderId": "1", "simulate": { command: "fail" } });
    let failed = Err(Failure::reject("simulated failure"));
    assert_eq!(run(creating("s", "1").payload(&simulate("shipping.create"))), failed);
    assert!(run(creating("t", "1").payload(&simulate("shipping.cancel"))).is_ok());
    assert_eq!(run(cancelling("t").payload(&simulate("shipping.cancel"))), failed);
    check("1", "created");
}
