//! The service on a host in memory.

use serde_json::{Value, json};
use switchyard_sdk::testing::{self, CommandDraft};
use switchyard_sdk::{Failure, Request};

use super::*;

fn charging(saga: &str, order: &str, amount: &Value) -> CommandDraft {
    let payload = json!({ "sagaId": saga, "stepIndex": 1, "orderId": order, "amount": amount });
    testing::command("payment.charge").saga(saga).step(1).payload(&payload)
}

fn refunding(saga: &str) -> CommandDraft {
    testing::command("payment.refund").saga(saga).step(1).compensation()
}

fn run(command: CommandDraft) -> Result<Value, Failure> {
    testing::carry_out(&participant(), command)
}

fn get(order: &str) -> (u16, Value) {
    let response = router().serve(Request::get(&format!("/payments/{order}")));
    (response.status(), serde_json::from_slice(response.body()).expect("JSON"))
}

#[track_caller]
fn check(order: &str, charged: Value, refunded: Value) {
    assert_eq!(get(order), (200, json!({ "charged": charged, "refunded": refunded })), "{order}");
}

#[test]
fn what_is_charged_is_refunded_once() {
    for attempt in [1, 1, 2] {
        let payment = json!({ "paymentId": "s:1", "orderId": "123", "charged": 99.99 });
        assert_eq!(run(charging("s", "123", &json!(99.99)).attempt(attempt)), Ok(payment));
        check("123", json!(99.99), json!(0));
    }
    for attempt in [1, 2] {
        // What it charged is what it refunds, even if an operator has changed the data.
        let edited = json!({ "orderId": "456", "amount": 1 });
        assert_eq!(run(refunding("s").payload(&edited).attempt(attempt)), Ok(Value::Null));
        check("123", json!(99.99), json!(99.99));
    }
    assert_eq!(run(charging("s", "123", &json!(99.99)).attempt(3)), Err(Failure::reject("already undone")));
    assert_eq!(get("456").0, 404);
}

#[test]
fn sagas_of_one_order_add_up() {
    for saga in 0..30 {
        run(charging(&saga.to_string(), "123", &json!(0.1))).expect("charged");
    }
    run(charging("more", "124", &json!(5))).expect("charged");
    check("123", json!(3), json!(0));
    for saga in 0..3 {
        run(refunding(&saga.to_string())).expect("refunded");
    }
    check("123", json!(3), json!(0.3));
    check("124", json!(5), json!(0));
}

#[test]
fn a_refund_before_its_charge_lets_it_never_happen() {
    assert_eq!(run(refunding("s")), Ok(Value::Null));
    assert_eq!(run(charging("s", "123", &json!(5))), Err(Failure::reject("already undone")));
    let (status, problem) = get("123");
    assert_eq!((status, &problem["error"]), (404, &json!("Payment not found")));
}

#[test]
fn what_is_no_amount_or_no_order_is_rejected() {
    for amount in [json!(-1), json!(0.001), json!(1e13), json!("5"), json!(null)] {
        let answer = run(charging("s", "123", &amount));
        assert!(matches!(answer, Err(Failure::Reject(_))), "{amount}: {answer:?}");
    }
    let answer = run(charging("s", "", &json!(5)));
    assert!(matches!(answer, Err(Failure::Reject(_))), "{answer:?}");
    for order in ["123", "%20", &"x".repeat(200)] {
        assert_eq!(get(order).0, 404);
    }
}

#[test]
fn misbehaviour_is_by_command() {
    let simulate = |command: &str| json!({ "orderId": "1", "amount": 5, "simulate": { command: "fail" } });
    let failed = Err(Failure::reject("simulated failure"));
    assert_eq!(run(charging("s", "1", &json!(5)).payload(&simulate("payment.charge"))), failed);
    assert!(run(charging("t", "1", &json!(5)).payload(&simulate("payment.refund"))).is_ok());
    assert_eq!(run(refunding("t").payload(&simulate("payment.refund"))), failed);
    check("1", json!(5), json!(0));
}
