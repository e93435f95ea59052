//! Pages of events, of data that would be markup.

use serde_json::{Value, json};

use super::{chain, plan};
use crate::{
    admin::tests::Api,
    console::{
        fixture::{HOSTILE, asked, is_harmless},
        form::Form,
    },
};

async fn published(api: &Api, event: Value) -> u64 {
    let answer = api.publish(&event.to_string()).await;
    answer.expect(201)["sequence"].as_u64().expect("a sequence")
}

#[tokio::test]
async fn payloads_are_text_wherever_an_event_is_shown() {
    let api = Api::new();
    let event =
        json!({"specversion": "1.0", "type": "order.created", "correlationid": "c-1", "data": {HOSTILE: HOSTILE}});
    let sequence = published(&api, event).await;
    for path in [
        "/events",
        "/events?topic=order.*",
        "/events?from=first",
        "/events?correlation=c-1",
        &format!("/events/{sequence}"),
    ] {
        let page = api.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        is_harmless(&page.text());
    }
    let topics = api.get("/events/topics").await.text();
    assert!(topics.contains("/events?topic=order.created"), "{topics}");
}

#[tokio::test]
async fn what_is_asked_for_stays_text_in_the_form() {
    let page = Api::new().get("/events?from=first&topic=%22%3E%3Cimg%20src%3Dx%3E").await;
    // The API refuses the pattern, and the refusal quotes it.
    assert_eq!(page.status, 400);
    assert!(!page.text().contains("<img"), "{}", page.text());
}

#[tokio::test]
async fn the_tail_finds_the_newest_of_a_topic_that_is_rare() {
    let api = Api::new();
    published(&api, json!({"specversion": "1.0", "type": "rare.one", "data": 1})).await;
    for _ in 0..200 {
        published(&api, json!({"specversion": "1.0", "type": "common", "data": 2})).await;
    }
    let page = api.get("/events?topic=rare.*").await.text();
    assert!(page.contains("rare.one") && !page.contains("No such event"), "{page}");
    let newest = api.get("/events").await.text();
    assert_eq!(newest.matches("data-key=").count(), 50);
}

#[test]
fn a_chain_with_a_circle_is_drawn_once() {
    let event = |id: &str, cause: &str, sequence: u64| json!({"id": id, "causationid": cause, "type": HOSTILE, "sequence": sequence});
    let root = json!({"id": "a", "type": "first", "sequence": 1});
    let drawn = chain::tree(&[root, event("b", "a", 2), event("c", "b", 3), event("b", "c", 4)], Some(3)).into_string();
    is_harmless(&drawn);
    assert_eq!(drawn.matches("chain-event").count(), 3, "{drawn}");
    assert_eq!(drawn.matches("chain-event here").count(), 1, "{drawn}");
}

#[tokio::test]
async fn an_event_that_is_not_there_has_no_page() {
    let api = Api::new();
    assert_eq!(api.get("/events/7").await.status, 404);
    assert_eq!(api.get("/events/x/y").await.status, 404);
}

#[test]
fn a_form_becomes_a_cloudevent() {
    let publish = |form: &str| plan("publish", &Form::new(form.as_bytes())).expect("it is an action");
    let (target, body) =
        asked(&publish("topic=a.b&subject=s&key=&kind=json&data=%7B%22n%22%3A1%7D").expect("it holds"));
    let expected = json!({"specversion": "1.0", "type": "a.b", "subject": "s", "data": {"n": 1}});
    assert_eq!((target.as_str(), body), ("POST /api/v1/events", expected));
    let (_, body) = asked(&publish("topic=a&kind=text&data=%7B").expect("it holds"));
    assert_eq!(body, json!({"specversion": "1.0", "type": "a", "datacontenttype": "text/plain", "data": "{"}));
    assert!(publish("topic=&data=1").is_err() && publish("topic=a&kind=json&data=%7B").is_err());
}
