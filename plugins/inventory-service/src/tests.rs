//! The service on a host in memory.

use serde_json::{Value, json};
use switchyard_sdk::batch::{self, Batch};
use switchyard_sdk::testing::{self, CommandDraft};
use switchyard_sdk::{Failure, Request};

use super::*;

fn call(method: &str, product: &str, body: &str) -> (u16, Value) {
    let request = Request::new(method, &format!("/inventory/{product}")).with_body(body);
    let response = router().serve(request);
    (response.status(), serde_json::from_slice(response.body()).unwrap_or_default())
}

fn stock(product: &str, available: i64) {
    assert_eq!(call("PUT", product, &json!({ "available": available }).to_string()).0, 200);
}

#[track_caller]
fn check(product: &str, available: i64, reserved: i64) {
    assert_eq!(call("GET", product, ""), (200, json!({ "available": available, "reserved": reserved })), "{product}");
}

fn reserving(saga: &str, items: &[(&str, i64)]) -> CommandDraft {
    let items: Vec<Value> =
        items.iter().map(|(product, quantity)| json!({ "productId": product, "quantity": quantity })).collect();
    testing::command("inventory.reserve").saga(saga).payload(&json!({ "sagaId": saga, "items": items }))
}

fn releasing(saga: &str) -> CommandDraft {
    testing::command("inventory.release").saga(saga).compensation().payload(&json!({ "originalStepIndex": 0 }))
}

fn run(command: CommandDraft) -> Result<Value, Failure> {
    testing::carry_out(&participant(), command)
}

fn short_of(product: &str) -> Result<Value, Failure> {
    Err(Failure::reject(format!("Insufficient stock for {product}")))
}

#[test]
fn what_is_reserved_is_released_once() {
    check("p1", 1_000_000, 0);
    let result = json!({
        "reservationId": "s:0",
        "reserved": [{ "productId": "p1", "quantity": 3 }, { "productId": "p2", "quantity": 1 }],
    });
    stock("p2", 5);
    for attempt in [1, 1, 2] {
        let command = reserving("s", &[("p1", 2), ("p2", 1), ("p1", 1)]).attempt(attempt);
        assert_eq!(run(command), Ok(result.clone()));
        check("p1", 999_997, 3);
        check("p2", 4, 1);
    }
    for attempt in [1, 2] {
        assert_eq!(run(releasing("s").attempt(attempt)), Ok(Value::Null));
        check("p1", 1_000_000, 0);
        check("p2", 5, 0);
    }
    assert_eq!(run(reserving("s", &[("p1", 2)]).attempt(3)), Err(Failure::reject("already undone")));
}

#[test]
fn a_release_before_its_reservation_lets_it_never_happen() {
    assert_eq!(run(releasing("s")), Ok(Value::Null));
    assert_eq!(run(reserving("s", &[("p1", 2)])), Err(Failure::reject("already undone")));
    check("p1", 1_000_000, 0);
}

#[test]
fn all_items_are_reserved_or_none() {
    stock("p2", 5);
    assert_eq!(run(reserving("s", &[("p1", 2), ("p2", 6)])), short_of("p2"));
    assert_eq!(run(reserving("t", &[("p1", 2), ("nowhere", 1)])), short_of("nowhere"));
    check("p1", 1_000_000, 0);
    check("p2", 5, 0);
    // As it was told before, whatever came in meanwhile.
    stock("p2", 50);
    assert_eq!(run(reserving("s", &[("p1", 2), ("p2", 6)]).attempt(2)), short_of("p2"));
    assert_eq!(run(releasing("s")), Ok(Value::Null));
    check("p2", 50, 0);
}

#[test]
fn the_last_piece_is_found_and_no_more() {
    for (product, pieces) in [("few", 10), ("many", 1_000)] {
        stock(product, pieces);
        let step = pieces / 10;
        for saga in 0..10 {
            let answer = run(reserving(&format!("{product}-{saga}"), &[(product, step)]));
            assert!(answer.is_ok(), "{product} {saga}: {answer:?}");
        }
        check(product, 0, pieces);
        assert_eq!(run(reserving(&format!("{product}-more"), &[(product, 1)])), short_of(product));
        assert_eq!(run(releasing(&format!("{product}-3"))), Ok(Value::Null));
        check(product, step, pieces - step);
        assert!(run(reserving(&format!("{product}-again"), &[(product, step)])).is_ok());
        check(product, 0, pieces);
    }
}

#[test]
fn all_of_a_large_stock_can_be_reserved_at_once() {
    assert!(run(reserving("s", &[("p1", 1_000_000)])).is_ok());
    check("p1", 0, 1_000_000);
    assert_eq!(run(releasing("s")), Ok(Value::Null));
    check("p1", 1_000_000, 0);
    assert!(run(reserving("t", &[("p1", 999_999)])).is_ok());
    check("p1", 1, 999_999);
}

#[test]
fn saying_how_many_there_are_leaves_what_is_reserved() {
    run(reserving("s", &[("p1", 7)])).expect("reserved");
    assert_eq!(call("PUT", "p1", r#"{"available":3}"#), (200, json!({ "available": 3, "reserved": 7 })));
    run(reserving("t", &[("p1", 2)])).expect("reserved");
    check("p1", 1, 9);
    run(releasing("s")).expect("released");
    check("p1", 8, 2);
    stock("p1", 0);
    check("p1", 0, 2);
    assert_eq!(run(reserving("u", &[("p1", 1)])), short_of("p1"));
}

#[test]
fn a_put_between_reading_and_writing_is_not_lost() {
    let batch = Stock::of("p1").expect("read").take(2, 0, &Home::new(), Batch::new());
    stock("p1", 10);
    assert!(matches!(batch.expect("taken").commit(), Err(batch::Error::Conflict(_))));
    check("p1", 10, 0);
}

#[test]
fn commands_at_once_take_every_piece_once() {
    stock("p2", 100);
    // Each has read what there was when only half of the others had written.
    let taken = |start| Stock::of("p2").expect("read").take(1, start, &Home::new(), Batch::new());
    let mut sold = 0;
    while sold < 100 {
        let batches: Vec<Batch> = (0..64).map(taken).filter_map(Result::ok).collect();
        let committed = batches.into_iter().map(Batch::commit).filter(Result::is_ok).count();
        assert!(committed > 0, "one of them gets through");
        sold += committed;
    }
    check("p2", 0, 100);
    assert_eq!(sold, 100);
    assert!(matches!(taken(0), Err(Failure::Reject(_))));
}

#[test]
fn what_is_no_order_or_no_stock_is_refused() {
    let wrong = [json!({}), json!({ "items": [] }), json!({ "items": [{ "productId": "p1", "quantity": 0 }] })];
    for payload in wrong {
        let answer = run(testing::command("inventory.reserve").saga("s").payload(&payload));
        assert!(matches!(answer, Err(Failure::Reject(_))), "{payload}: {answer:?}");
    }
    let long = "p".repeat(129);
    for (product, body) in [
        ("p1", ""),
        ("p1", r#"{"available":-1}"#),
        ("p1", r#"{"available":1.5}"#),
        ("p1", r#"{"available":"5"}"#),
        ("p1", r#"{"available":1000000000001}"#),
        (&long, r#"{"available":1}"#),
    ] {
        let (status, problem) = call("PUT", product, body);
        assert_eq!((status, &problem["status"]), (400, &json!(400)), "{product} {body}");
    }
    for product in ["nowhere", &long] {
        assert_eq!(call("GET", product, "").0, 404);
    }
    check("p1", 1_000_000, 0);
}

#[test]
fn misbehaviour_is_by_command() {
    let order = json!({
        "items": [{ "productId": "p1", "quantity": 2 }],
        "simulate": { "inventory.reserve": "fail", "payment.charge": "hang" },
    });
    let reserve = || testing::command("inventory.reserve").saga("s");
    assert_eq!(run(reserve().payload(&order)), Err(Failure::reject("simulated failure")));
    check("p1", 1_000_000, 0);
    let failing = json!({ "simulate": { "inventory.release": "fail" } });
    assert_eq!(run(releasing("s").payload(&failing)), Err(Failure::reject("simulated failure")));
}
