//! The service on a host in memory.

use std::time::Duration;

use serde_json::{Value, json};
use switchyard_sdk::queues::IntoWorker;
use switchyard_sdk::{Event, Failure, Message, Request, queues, testing};

fn deliver(topic: &str, data: &Value) -> Result<(), Failure> {
    let event = Event::new(topic).id("e-1").json(data).expect("JSON");
    let subscription = format!("notification-service/{topic}");
    testing::deliver(&super::subscriber(), &subscription, &testing::event(event))
}

fn work() -> Vec<Result<(), Failure>> {
    testing::work(&super::send.into_worker(), super::QUEUE)
}

fn sent() -> Vec<Value> {
    let response = super::router().serve(Request::get("/notifications"));
    assert_eq!(response.status(), 200);
    serde_json::from_slice(response.body()).expect("an array")
}

#[test]
fn a_new_user_is_welcomed_once_however_often_the_event_comes() {
    let data = json!({ "id": "7", "name": "Ann", "email": "ann@example.com" });
    for _ in 0..2 {
        deliver("user.created", &data).expect("enqueued");
    }
    assert_eq!(sent(), [] as [Value; 0]);
    assert_eq!(work(), [Ok(())]);
    let [one] = &sent()[..] else { unreachable!("one was sent: {:?}", sent()) };
    assert_eq!((&one["to"], &one["text"]), (&json!("ann@example.com"), &json!("Welcome, Ann!")));
    assert_eq!((&one["eventId"], &one["topic"], &one["attempt"]), (&json!("e-1"), &json!("user.created"), &json!(1)));
    assert!(one["id"].is_string() && one["sentAt"].is_string());
}

#[test]
fn orders_are_told_of_in_their_order() {
    let orders = [("created", json!({"orderId": "17"})), ("shipped", json!({"orderId": 18})), ("lost", json!({}))];
    for (state, data) in orders {
        let event = Event::new(format!("order.{state}")).json(&data).expect("JSON");
        let event = testing::event(event);
        testing::deliver(&super::subscriber(), "notification-service/order.*", &event).expect("enqueued");
    }
    assert_eq!(work(), [Ok(()), Ok(()), Ok(())]);
    let texts: Vec<Value> = sent().iter().map(|one| one["text"].clone()).collect();
    assert_eq!(texts, ["Order 17 is created.", "Order 18 is shipped.", "An order is lost."]);
}

#[test]
fn what_fails_is_tried_again_and_ends_as_a_dead_letter() {
    deliver("order.created", &json!({ "orderId": "17", "simulate": "fail" })).expect("enqueued");
    for wait in [0, 2, 4] {
        testing::advance(Duration::from_secs(wait));
        assert!(matches!(work()[..], [Err(Failure::Retry(_))]));
    }
    assert_eq!((sent().len(), testing::dead_letters().len()), (0, 1));
}

#[test]
fn data_that_is_no_json_is_never_tried_again() {
    let event = testing::event(Event::new("order.created").data("text/plain", "order 17"));
    let answer = testing::deliver(&super::subscriber(), "notification-service/order.*", &event);
    assert!(matches!(answer, Err(Failure::Reject(_))), "{answer:?}");
    queues::enqueue(Message::new(super::QUEUE).data("{}")).expect("enqueued");
    assert!(matches!(work()[..], [Err(Failure::Reject(_))]));
}
