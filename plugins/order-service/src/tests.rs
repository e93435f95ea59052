//! The service on a host in memory.

use serde_json::{Value, json};
use switchyard_sdk::events::IntoSubscriber;
use switchyard_sdk::{Event, Failure, Request, testing};

use super::*;

fn order() -> Value {
    json!({ "customerId": "456", "items": [{ "productId": "p1", "quantity": 2 }], "amount": 99.99 })
}

fn call(method: &str, target: &str, body: &Value) -> (u16, Value) {
    let response = router().serve(Request::new(method, target).with_body(body.to_string()));
    (response.status(), serde_json::from_slice(response.body()).expect("JSON"))
}

/// The ids of the order and its saga.
fn placed(order: &Value) -> (String, String) {
    let (status, answer) = call("POST", "/orders", order);
    assert_eq!((status, &answer["status"]), (202, &json!("pending")), "{answer}");
    let text = |member: &str| answer[member].as_str().expect("text").to_owned();
    (text("orderId"), text("sagaId"))
}

fn read(order_id: &str) -> Value {
    let (status, order) = call("GET", &format!("/orders/{order_id}"), &Value::Null);
    assert_eq!(status, 200, "{order}");
    order
}

fn tell(topic: &str, data: Value) -> Result<(), Failure> {
    let event = testing::event(Event::new(topic).json(&data).expect("JSON"));
    testing::deliver(&on_saga.into_subscriber(), &format!("order-service/{topic}"), &event)
}

fn tell_of(saga_id: &str, topic: &str, error: Option<&str>) {
    let mut data = json!({ "sagaId": saga_id, "sagaName": "process-order", "data": {} });
    if let Some(error) = error {
        data["error"] = json!(error);
    }
    tell(topic, data).expect("handled");
}

#[test]
fn an_order_is_placed_together_with_its_saga() {
    let (order_id, saga_id) = placed(&order());
    assert_eq!(saga_id, format!("order-{order_id}"));
    let mut kept = order();
    for (member, value) in [("orderId", order_id.as_str()), ("sagaId", &saga_id), ("status", "pending")] {
        kept[member] = json!(value);
    }
    assert_eq!(read(&order_id), kept);
    let [saga] = testing::sagas().try_into().expect("one saga");
    assert_eq!((saga.id(), saga.name()), (saga_id.as_str(), PROCESS_ORDER));
    let mut data = order();
    data["orderId"] = json!(order_id);
    assert_eq!(saga.json::<Value>().expect("JSON"), data);
}

#[test]
fn misbehaviour_goes_into_the_saga_and_not_into_the_order() {
    let mut order = order();
    order["simulate"] = json!({ "payment.charge": "fail", "inventory.release": "late" });
    let (order_id, _) = placed(&order);
    let data: Value = testing::sagas()[0].json().expect("JSON");
    assert_eq!(data["simulate"], order["simulate"]);
    assert_eq!(read(&order_id)["simulate"], Value::Null);
}

#[test]
fn the_end_of_a_saga_is_that_of_its_order() {
    for (topic, error, status) in [
        ("saga.completed", None, "completed"),
        ("saga.failed", Some("no stock"), "failed"),
        ("saga.stuck", Some("no refund"), "stuck"),
    ] {
        let (order_id, saga_id) = placed(&order());
        for _ in 0..2 {
            tell_of(&saga_id, topic, error);
            let order = read(&order_id);
            assert_eq!((&order["status"], order["error"].as_str()), (&json!(status), error), "{order}");
        }
    }
}

#[test]
fn what_is_stuck_may_end_and_what_ended_stays_so() {
    let (order_id, saga_id) = placed(&order());
    tell_of(&saga_id, "saga.stuck", Some("no refund"));
    tell_of(&saga_id, "saga.completed", None);
    // Told of late, since each topic is delivered for itself.
    tell_of(&saga_id, "saga.stuck", Some("no refund"));
    let order = read(&order_id);
    assert_eq!((&order["status"], &order["error"]), (&json!("completed"), &Value::Null));
}

#[test]
fn other_sagas_change_no_order() {
    let (order_id, saga_id) = placed(&order());
    for (id, name) in [
        (saga_id.as_str(), "another"),
        (&order_id, PROCESS_ORDER),
        ("order-123", PROCESS_ORDER),
        ("order-", PROCESS_ORDER),
        ("order-017f22e2-79b0-7cc3-98c4-dc0c0c07398f", PROCESS_ORDER),
    ] {
        tell("saga.failed", json!({ "sagaId": id, "sagaName": name, "data": { "orderId": order_id } }))
            .expect("handled");
    }
    tell_of(&saga_id, "saga.started", None);
    assert_eq!(read(&order_id)["status"], json!("pending"));
}

#[test]
fn wrong_orders_are_problems() {
    let with = |member: &str, value: Value| {
        let mut order = order();
        order[member] = value;
        order
    };
    let wrong = [
        (Value::Null, "invalid type"),
        (json!({}), "customerId"),
        (with("customerId", json!("")), "customerId"),
        (with("customerId", json!(5)), "invalid type"),
        (with("items", json!([])), "1 to 100 items"),
        (with("items", json!([{ "productId": "p1", "quantity": 0 }])), "quantity"),
        (with("items", json!([{ "productId": "", "quantity": 1 }])), "productId"),
        (with("amount", json!(-5)), "negative"),
        (with("amount", json!(9.999)), "two decimals"),
        (with("amount", json!(1e13)), "over"),
        (with("amount", Value::Null), "invalid type"),
        (with("simulate", json!("fail")), "simulate"),
        (with("simulate", json!({ "payment.charge": "dance" })), "dance"),
        (with("simulate", json!({ "pay": "fail" })), "'pay'"),
    ];
    for (body, why) in wrong {
        let response = router().serve(Request::new("POST", "/orders").with_body(body.to_string()));
        assert_eq!((response.status(), response.header("content-type")), (400, Some("application/problem+json")));
        let problem: Value = serde_json::from_slice(response.body()).expect("JSON");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{why}: {problem}");
    }
    let large = with("customerId", json!("x".repeat(70_000)));
    assert_eq!(call("POST", "/orders", &large).0, 413);
    assert!(testing::sagas().is_empty());
}

#[test]
fn every_unknown_order_is_404() {
    for id in ["017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "1", "%00", &"x".repeat(5_000)] {
        let (status, problem) = call("GET", &format!("/orders/{id}"), &Value::Null);
        assert_eq!((status, &problem["error"]), (404, &json!("Order not found")));
    }
}

#[test]
fn the_definition_says_how_every_step_is_undone() {
    let definition: Value = serde_json::from_str(DEFINITION).expect("JSON");
    assert_eq!(definition["name"], PROCESS_ORDER);
    let steps = definition["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 3);
    assert!(steps.iter().all(|step| step["command"].is_string() && step["compensation"].is_string()));
    assert_eq!(steps[0]["data"], json!({ "timeout": 30_000 }));
}
