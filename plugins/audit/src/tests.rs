//! The service on a host in memory.

use serde_json::{Value, json};
use switchyard_sdk::{Delivery, Event, Request, Verdict, testing};

fn deliver(sequence: u64, event: &Event) {
    let delivery = Delivery { subscription: "audit/>".to_owned(), sequence, attempt: 1 };
    super::record(event, &delivery).expect("recorded");
}

fn event(id: &str) -> Event {
    testing::event(Event::new("order.created").id(id).json(&json!({ "orderId": id })).expect("JSON"))
}

fn list(query: &str) -> Vec<Value> {
    let response = super::router().serve(Request::get(&format!("/audit{query}")));
    assert_eq!(response.status(), 200);
    serde_json::from_slice(response.body()).expect("an array")
}

fn sequences(query: &str) -> Vec<u64> {
    list(query).iter().map(|record| record["sequence"].as_u64().expect("a number")).collect()
}

#[test]
fn an_event_is_stamped_and_else_left_as_it_is() {
    let event = testing::event(Event::new("a").extension("region", "eu").extension("auditedby", "me").key("k"));
    let Verdict::Change(stamped) = super::stamp(&event) else { unreachable!("it always changes") };
    let extensions: Vec<(&str, &str)> = stamped.extensions().collect();
    assert_eq!(extensions, [("region", "eu"), ("auditedby", "audit")]);
    assert_eq!((stamped.id(), stamped.key()), (event.id(), Some("k")));
}

#[test]
fn the_newest_come_first_and_no_more_than_asked_for() {
    assert!(list("").is_empty());
    for sequence in 1..=150 {
        deliver(sequence, &event("x"));
    }
    assert_eq!(sequences("?limit=3"), [150, 149, 148]);
    assert_eq!(sequences("").len(), 100);
    assert_eq!(sequences("?limit=1000").len(), 150);
    let refused = super::router().serve(Request::get("/audit?limit=all"));
    assert_eq!(refused.status(), 400);
}

#[test]
fn a_record_holds_the_envelope_and_small_data() {
    deliver(7, &event("17"));
    let large = testing::event(Event::new("a").data("text/plain", "x".repeat(5_000)));
    deliver(8, &large);
    let records = list("");
    assert_eq!((&records[0]["data"], &records[0]["dataBytes"]), (&Value::Null, &json!(5_000)));
    assert_eq!((&records[1]["id"], &records[1]["topic"]), (&json!("17"), &json!("order.created")));
    assert_eq!(records[1]["data"], json!({ "orderId": "17" }));
}

#[test]
fn only_the_newest_thousand_are_kept() {
    for sequence in 1..=1_003 {
        deliver(sequence, &event("x"));
    }
    let kept = sequences("?limit=2000");
    assert_eq!((kept.len(), kept[0], kept[999]), (1_000, 1_003, 4));
}

#[test]
fn an_event_that_comes_twice_or_late_changes_nothing() {
    deliver(2_001, &event("new"));
    deliver(2_001, &event("new"));
    deliver(1_001, &event("late"));
    assert_eq!(sequences(""), [2_001]);
}
