//! Events, published and read back.

use serde_json::json;

use super::*;

fn topics(answered: &Value) -> Vec<&str> {
    answered["items"].as_array().expect("a list").iter().filter_map(|item| item["type"].as_str()).collect()
}

#[tokio::test]
async fn an_event_is_stored_once_and_read_back() {
    let api = Api::new();
    let event = r#"{"specversion":"1.0","id":"1","source":"/test","type":"order.created","data":{"n":17}}"#;
    let receipt = api.publish(event).await.expect(201);
    assert_eq!(receipt, json!({"id": "1", "sequence": 1, "duplicate": false}));
    assert_eq!(api.publish(event).await.expect(200), json!({"id": "1", "sequence": 1, "duplicate": true}));

    let page = api.get("/api/v1/events?topic=order.*&from=first").await.expect(200);
    let [item] = &page["items"].as_array().expect("a list")[..] else { panic!("one event: {page}") };
    assert_eq!((&item["sequence"], &item["data"]), (&json!(1), &json!({"n": 17})));
    assert!(item["time"].is_string() && item["correlationid"] == "1", "{item}");
    let topic = api.get("/api/v1/topics/order.created").await.expect(200);
    assert_eq!(
        (&topic["events"], &topic["lastSequence"], &topic["durability"]),
        (&json!(1), &json!(1), &json!("durable"))
    );
}

#[tokio::test]
async fn what_a_publisher_leaves_out_the_host_fills_in() {
    let api = Api::new();
    let request = || Request::post("/api/v1/events").header("ce-specversion", "1.0").header("ce-type", "a.b");
    let receipt = api.ask_with(request().header("content-type", "text/plain"), "hello").await.expect(201);
    let page = api.get("/api/v1/events").await.expect(200);
    let event = &page["items"][0];
    assert_eq!((&event["id"], &event["data"]), (&receipt["id"], &json!("hello")));
    assert_eq!(event["source"], "/switchyard/admin");
}

#[tokio::test]
async fn a_batch_is_stored_as_a_whole_or_not_at_all() {
    let api = Api::new();
    let post = |body: &'static str| api.ask(Method::POST, "/api/v1/events", binding::BATCH, body);
    let two = r#"[{"specversion":"1.0","type":"a"},{"specversion":"1.0","type":"b"}]"#;
    assert_eq!(post(two).await.expect(201)["items"].as_array().map(Vec::len), Some(2));
    let bad = r#"[{"specversion":"1.0","type":"c"},{"specversion":"1.0","type":"c..d"}]"#;
    post(bad).await.expect_problem(400, "SY4001", "event 1");
    assert_eq!(post("[]").await.expect(200), json!({"items": [], "next": null}));
    assert_eq!(topics(&api.get("/api/v1/events").await.expect(200)), ["a", "b"]);
}

#[tokio::test]
async fn what_is_no_event_is_refused_with_the_reason() {
    let api = Api::new();
    api.publish("{}").await.expect_problem(400, "SY4001", "specversion is missing");
    api.publish(r#"{"specversion":"1.0","type":"a b"}"#).await.expect_problem(400, "SY4001", "'a b' is not a topic");
    api.post("/api/v1/events", "{}").await.expect_problem(400, "SY4001", "this is no CloudEvent");
    let xml = api.ask(Method::POST, "/api/v1/events", "application/cloudevents+xml", "").await;
    xml.expect_problem(415, "SY4002", "application/cloudevents+json");
}

#[tokio::test]
async fn reading_begins_at_a_place_and_goes_on_after_its_cursor() {
    let api = Api::new();
    for n in 0..5 {
        api.publish(&format!(r#"{{"specversion":"1.0","type":"t.{n}"}}"#)).await.expect(201);
    }
    let read = async |query: &str| api.get(&format!("/api/v1/events{query}")).await.expect(200);
    assert_eq!(topics(&read("?from=4").await), ["t.3", "t.4"]);
    assert_eq!(topics(&read("?from=2100-01-01T00:00:00Z").await), [""; 0]);
    assert_eq!(topics(&read("?from=2000-01-01T00:00:00Z").await).len(), 5);
    let first = read("?limit=2").await;
    assert_eq!((topics(&first), &first["next"]), (vec!["t.0", "t.1"], &json!("2")));
    assert_eq!(topics(&read("?limit=2&cursor=2").await), ["t.2", "t.3"]);
    assert_eq!(read("?limit=5").await["next"], Value::Null);

    let refused = async |query: &str, detail| {
        api.get(&format!("/api/v1/events{query}")).await.expect_problem(400, "SY1003", detail);
    };
    refused("?from=yesterday", "from is 'yesterday': write first, a sequence, or a time").await;
    refused("?cursor=x", "cursor is 'x'").await;
    refused("?topic=a..b", "'a..b' is not a topic pattern").await;
    refused("?limit=0", "limit is '0'").await;
    api.get("/api/v1/events?topic=no.such").await.expect_problem(404, "SY3001", "there is no topic no.such");
    assert_eq!(topics(&read("?topic=t.3&from=5").await), [""; 0]);
}
