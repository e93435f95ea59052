//! Events read back from the log, and the view of topics.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{escape, event, ids},
};

async fn with_events() -> (Host, Vec<Value>) {
    let host = Setup::new().start().await;
    let mut receipts = host.publish_all((0..10).map(|n| event("order.created", &format!("a{n}"), json!(n)))).await;
    receipts.extend(host.publish_all([event("order.item.added", "b", json!(0)), event("orders", "c", json!(0))]).await);
    receipts.extend(host.publish_all((10..15).map(|n| event("order.paid", &format!("a{n}"), json!(n)))).await);
    (host, receipts)
}

#[tokio::test]
async fn patterns_choose_topics_by_their_words() {
    let (host, _) = with_events().await;
    for (pattern, count) in [("order.created", 10), ("order.*", 15), ("order.>", 16), ("*.paid", 5), ("*", 1)] {
        assert_eq!(host.events(pattern).await.len(), count, "{pattern}");
    }
    assert!(host.events("order.*.*").await.iter().all(|event| event["type"] == "order.item.added"));
    // The host's own events are in the same log.
    assert!(host.events(">").await.len() >= 17);
}

#[tokio::test]
async fn events_are_read_from_the_first_a_sequence_or_a_time_page_by_page() {
    let (host, receipts) = with_events().await;
    let first = host.admin("/api/v1/events?topic=order.*&from=first&limit=4").await.json();
    assert_eq!(ids(first["items"].as_array().unwrap()), ["a0", "a1", "a2", "a3"]);
    let next = escape(first["next"].as_str().unwrap());
    let second = host.admin(&format!("/api/v1/events?topic=order.*&cursor={next}&limit=4")).await.json();
    assert_eq!(ids(second["items"].as_array().unwrap()), ["a4", "a5", "a6", "a7"]);
    let all = host.items("/api/v1/events?topic=order.*&from=first&limit=4").await;
    assert_eq!(ids(&all), (0..15).map(|n| format!("a{n}")).collect::<Vec<_>>());
    assert!(all.is_sorted_by_key(|event| event["sequence"].as_u64()));
    let from = receipts[3]["sequence"].as_u64().unwrap();
    let rest = host.items(&format!("/api/v1/events?topic=order.created&from={from}")).await;
    assert_eq!(ids(&rest).first().map(String::as_str), Some("a3"), "the sequence itself is included");
    assert_eq!(rest.len(), 7);
    let since = escape("2020-01-01T00:00:00Z");
    assert_eq!(host.items(&format!("/api/v1/events?topic=order.*&from={since}")).await.len(), 15);
    let later = escape("2999-01-01T00:00:00Z");
    assert_eq!(host.items(&format!("/api/v1/events?topic=order.*&from={later}")).await.len(), 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let (host, _) = with_events().await;
    for (query, status) in [
        ("from=yesterday", 400),
        ("cursor=x", 400),
        ("limit=0", 400),
        ("limit=1001", 400),
        ("topic=a..b", 400),
        ("topic=a.%3E.b", 400),
        ("topic=never.published", 404),
    ] {
        let answer = host.admin(&format!("/api/v1/events?{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{query}");
    }
    // A pattern names no topic, so it may match none.
    assert_eq!(host.events("never.*").await.len(), 0);
}

#[tokio::test]
async fn paths_answer_head_where_they_answer_get_and_name_their_methods_otherwise() {
    let host = Setup::new().start().await;
    host.enqueue("q", json!({"data": 1})).await;
    for (path, wrong, allow) in [
        ("events", Method::PUT, "GET, HEAD, POST"),
        ("topics", Method::POST, "GET, HEAD"),
        ("subscriptions", Method::DELETE, "GET, HEAD, POST"),
        ("dead-letters", Method::DELETE, "GET, HEAD"),
        ("queues", Method::POST, "GET, HEAD"),
        ("queues/q", Method::DELETE, "GET, HEAD"),
    ] {
        let path = format!("/api/v1/{path}");
        let head = host.ask(Method::HEAD, &path, &Value::Null).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
        let refused = host.ask(wrong, &path, &Value::Null).await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, allow), "{path}");
    }
    for path in ["queues/q/lease", "queues/q/messages", "queues/q/messages/1/ack", "dead-letters/1/redrive"] {
        let refused = host.admin(&format!("/api/v1/{path}")).await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "POST"), "{path}");
    }
}

#[tokio::test]
async fn topics_and_subscriptions_show_their_statistics() {
    let side = "subscriptions = [{ topic = 'stat.*', start = 'first', max-attempts = 1 }]";
    let host = Setup::new().probe(side).start().await;
    host.publish_all((0..4).map(|n| event("stat.a", &format!("ok{n}"), json!({})))).await;
    host.publish(event("stat.a", "bad", json!({"do": "reject"}))).await;
    host.publish(event("stat.unheard", "x", json!({"do": "ok"}))).await;
    host.publish(event("elsewhere", "y", json!({}))).await;
    let settled = |shown: &Value| shown["processed"] == 5 && shown["deadLetters"] == 1;
    let shown = host.until_subscription("probe/stat.*", "settled", settled).await;
    assert_eq!(shown["errors"], 1, "{shown:#}");
    assert_eq!((&shown["topic"], &shown["state"]), (&json!("stat.*"), &json!("active")), "{shown:#}");
    assert!(shown["lastProcessed"].is_string(), "{shown:#}");
    for member in ["lag", "inFlight"] {
        assert!(shown[member].is_u64(), "{member}: {shown:#}");
    }
    let topics = host.items("/api/v1/topics").await;
    let topic = |name: &str| topics.iter().find(|topic| topic["name"] == name).unwrap_or(&Value::Null);
    let heard = topic("stat.a");
    let counts = ["subscribers", "processed", "errors", "deadLetters", "events"].map(|name| heard[name].clone());
    assert_eq!(counts, [1, 4, 1, 1, 5], "{heard:#}");
    for member in ["lag", "inFlight", "lastProcessed"] {
        assert!(!heard[member].is_null(), "{member}: {heard:#}");
    }
    let unheard = topic("elsewhere");
    assert_eq!((&unheard["subscribers"], &unheard["events"]), (&json!(0), &json!(1)), "kept and counted: {unheard:#}");
}
