//! CloudEvents over HTTP, 1.0.2: binary, structured and batch mode; what is refused; duplicates; durability.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Answer, Host, Setup,
    bus::{event, ids},
};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

async fn post(host: &Host, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Answer {
    host.ask_with(Method::POST, "/api/v1/events", headers, body).await
}

#[tokio::test]
async fn binary_mode_takes_attributes_from_headers_and_data_as_it_is() {
    let host = Setup::new().start().await;
    let headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("ce-specversion", "1.0"),
        ("ce-type", "order.created"),
        ("ce-source", "/shops/1"),
        ("ce-id", "17"),
        ("ce-time", "2026-01-31T12:00:00Z"),
        ("ce-subject", "Euro%20%E2%82%AC"),
        ("ce-dataschema", "https://example.com/schema"),
        ("ce-partitionkey", "k1"),
        ("ce-correlationid", "c1"),
        ("ce-causationid", "p1"),
        ("ce-traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("ce-shop", "one"),
        ("x-other", "no attribute"),
    ];
    let answer = post(&host, &headers, "to be or not").await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let receipt = answer.json();
    assert_eq!((&receipt["id"], &receipt["duplicate"]), (&json!("17"), &json!(false)));
    assert!(receipt["sequence"].as_u64() >= Some(1), "{receipt}");
    let stored = host.events("order.created").await;
    let expected = json!({
        "specversion": "1.0", "type": "order.created", "source": "/shops/1", "id": "17",
        "time": "2026-01-31T12:00:00Z", "subject": "Euro €", "dataschema": "https://example.com/schema",
        "partitionkey": "k1", "correlationid": "c1", "causationid": "p1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "shop": "one",
        "datacontenttype": "text/plain; charset=utf-8", "data": "to be or not", "sequence": receipt["sequence"],
    });
    assert_eq!(stored, [expected]);
}

#[tokio::test]
async fn binary_data_survives_every_mode() {
    let host = Setup::new().start().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let headers = [
        ("content-type", "application/octet-stream"),
        ("ce-specversion", "1.0"),
        ("ce-type", "blob"),
        ("ce-source", "/tests"),
        ("ce-id", "binary"),
    ];
    assert_eq!(post(&host, &headers, bytes).await.status, 201);
    let binary = host.events("blob").await.remove(0);
    let base64 = binary["data_base64"].as_str().unwrap();
    assert!(base64.starts_with("AAECAwQF") && binary.get("data").is_none(), "{binary}");
    let mut again = event("blob", "structured", Value::Null);
    again.as_object_mut().unwrap().remove("data");
    again["datacontenttype"] = "application/octet-stream".into();
    again["data_base64"] = base64.into();
    host.publish(again).await;
    let stored = host.events("blob").await;
    assert_eq!(stored[1]["data_base64"], stored[0]["data_base64"]);
}

#[tokio::test]
async fn structured_and_batch_mode_keep_every_member() {
    let host = Setup::new().start().await;
    let event = json!({
        "specversion": "1.0", "type": "order.paid", "source": "https://example.com/shop?x=1", "id": "ä-1",
        "time": "2026-01-31T12:00:00.123+01:00", "subject": "17", "datacontenttype": "application/json",
        "flag": true, "number": -7, "text": "x", "data": {"nested": [1, 2.5, null, "ü"]},
    });
    for content_type in [STRUCTURED, "application/cloudevents+json; charset=UTF-8", "Application/CloudEvents+JSON"] {
        let answer = post(&host, &[("content-type", content_type)], event.to_string()).await;
        assert!(answer.status.is_success(), "{content_type}: {}", answer.text());
    }
    let stored = host.events("order.paid").await;
    assert_eq!(stored.len(), 1, "the same event thrice is one: {stored:?}");
    for (name, value) in event.as_object().unwrap() {
        assert_eq!(&stored[0][name], value, "{name}");
    }
    let batch: Vec<Value> = (0..3).map(|n| json!({"specversion": "1.0", "type": "batched", "data": n})).collect();
    let answer = post(&host, &[("content-type", BATCH)], Value::from(batch).to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let receipts = answer.json()["items"].as_array().unwrap().clone();
    let sequences: Vec<u64> = receipts.iter().map(|receipt| receipt["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    let stored = host.events("batched").await;
    assert_eq!(ids(&stored), ids(&receipts));
    assert_eq!(stored.iter().map(|event| event["data"].clone()).collect::<Vec<_>>(), [0, 1, 2]);
    let empty = post(&host, &[("content-type", BATCH)], "[]").await;
    assert!(empty.status.is_success(), "an empty batch is a batch: {}", empty.text());
    assert_eq!(empty.json()["items"], json!([]));
}

#[tokio::test]
async fn what_is_missing_is_filled_in() {
    let host = Setup::new().start().await;
    host.publish(json!({"type": "bare"})).await;
    host.publish(json!({"type": "bare"})).await;
    let stored = host.events("bare").await;
    assert_eq!(stored.len(), 2, "events without id are not one: {stored:?}");
    for event in &stored {
        // UUIDv7: the version stands in the third group.
        assert_eq!(event["id"].as_str().unwrap().split('-').nth(2).unwrap().chars().next(), Some('7'), "{event}");
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
        for member in ["source", "correlationid"] {
            assert!(!event[member].as_str().unwrap().is_empty(), "{member}: {event}");
        }
        assert!(event.get("data").is_none() && event.get("data_base64").is_none(), "{event}");
    }
}

/// Asserts that this is refused as a problem with this status, whose detail names this.
#[track_caller]
fn refused(answer: &Answer, status: u16, named: &str) {
    let problem = answer.json();
    assert_eq!(answer.status.as_u16(), status, "{named}: {problem:#}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(problem["code"].as_str().is_some_and(|code| code.starts_with("SY")), "{problem:#}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(named), "'{named}' is not named: {problem:#}");
}

#[tokio::test]
async fn what_is_no_event_is_refused_with_the_reason() {
    let host = Setup::new().start().await;
    for (event, named) in [
        ("{", "JSON"),
        ("[]", "object"),
        (r#"{"type":"a"}"#, "specversion"),
        (r#"{"specversion":"0.3","type":"a"}"#, "0.3"),
        (r#"{"specversion":"1.0"}"#, "type"),
        (r#"{"specversion":"1.0","type":""}"#, "type"),
        (r#"{"specversion":"1.0","type":7}"#, "type"),
        (r#"{"specversion":"1.0","type":"a..b"}"#, "a..b"),
        (r#"{"specversion":"1.0","type":"a.*"}"#, "a.*"),
        (r#"{"specversion":"1.0","type":"a","id":""}"#, "id"),
        (r#"{"specversion":"1.0","type":"a","source":"not a uri"}"#, "source"),
        (r#"{"specversion":"1.0","type":"a","time":"yesterday"}"#, "time"),
        (r#"{"specversion":"1.0","type":"a","data":1,"data_base64":"AA=="}"#, "data_base64"),
        (r#"{"specversion":"1.0","type":"a","data_base64":"?"}"#, "data_base64"),
        (r#"{"specversion":"1.0","type":"a","Upper":"x"}"#, "Upper"),
        (r#"{"specversion":"1.0","type":"a","my-ext":"x"}"#, "my-ext"),
        (r#"{"specversion":"1.0","type":"a","ext":{}}"#, "ext"),
        (r#"{"specversion":"1.0","type":"a","ext":2147483648}"#, "ext"),
        (r#"{"specversion":"1.0","type":"a","subject":"a\u0007b"}"#, "subject"),
    ] {
        refused(&post(&host, &[("content-type", STRUCTURED)], event).await, 400, named);
    }
    let binary: [(&[(&str, &str)], &str); 6] = [
        (&[("content-type", "application/json")], "ce-specversion"),
        (&[("ce-specversion", "0.3"), ("ce-type", "a")], "0.3"),
        (&[("ce-specversion", "1.0")], "ce-type"),
        (&[("ce-specversion", "1.0"), ("ce-type", "a"), ("ce-id", "1"), ("ce-id", "2")], "ce-id"),
        (&[("ce-specversion", "1.0"), ("ce-type", "a"), ("ce-my_ext", "1")], "my_ext"),
        (&[("ce-specversion", "1.0"), ("ce-type", "a"), ("ce-time", "noon")], "time"),
    ];
    for (headers, named) in binary {
        refused(&post(&host, headers, "{}").await, 400, named);
    }
    for content_type in ["application/cloudevents+avro", "application/cloudevents-batch+protobuf"] {
        refused(&post(&host, &[("content-type", content_type)], "").await, 415, content_type);
    }
    assert_eq!(host.events("*").await.len(), 0, "nothing of it was stored");
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    let host = Setup::new().start().await;
    let batch = [("content-type", BATCH)];
    let bad = json!([event("t.good", "1", json!(1)), {"specversion": "1.0"}]);
    refused(&post(&host, &batch, bad.to_string()).await, 400, "event 1");
    refused(&post(&host, &batch, "{}").await, 400, "array");
    let many: Vec<Value> = (0..1_001).map(|n| event("t.good", &n.to_string(), json!(n))).collect();
    refused(&post(&host, &batch, Value::from(&many[..]).to_string()).await, 400, "1000");
    assert_eq!(host.events("t.*").await.len(), 0);
    let receipts = host.publish_all(many[..1_000].to_vec()).await;
    assert_eq!(receipts.len(), 1_000);
    assert_eq!(host.events("t.*").await.len(), 1_000);
}

#[tokio::test]
async fn a_payload_of_one_mebibyte_is_taken_and_a_larger_one_refused() {
    let host = Setup::new().start().await;
    let headers = [("content-type", "text/plain"), ("ce-specversion", "1.0"), ("ce-type", "large")];
    assert_eq!(post(&host, &headers, "x".repeat(1 << 20)).await.status, 201);
    let refused = post(&host, &headers, "x".repeat((1 << 20) + 1)).await;
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert_eq!(refused.json()["error"], "Payload too large");
    assert_eq!(host.events("large").await.len(), 1);
}

#[tokio::test]
async fn a_duplicate_is_stored_once_also_across_a_crash() {
    let host = Setup::new().start().await;
    let first = host.post_event(event("t.once", "same", json!(1))).await;
    assert_eq!((first.status.as_u16(), &first.json()["duplicate"]), (201, &json!(false)));
    let host = host.kill().start().await;
    let again = host.post_event(event("t.once", "same", json!(2))).await;
    assert_eq!(again.status, 200, "{}", again.text());
    let (first, again) = (first.json(), again.json());
    assert_eq!(again["duplicate"], true);
    assert_eq!((&again["id"], &again["sequence"]), (&first["id"], &first["sequence"]));
    let mut other = event("t.once", "same", json!(3));
    other["source"] = "/elsewhere".into();
    assert_eq!(host.publish(other).await["duplicate"], false);
    let batch = [event("t.once", "same", json!(4)), event("t.once", "new", json!(5)), event("t.once", "new", json!(6))];
    let receipts = host.publish_all(batch).await;
    assert_eq!(receipts.iter().map(|r| r["duplicate"].clone()).collect::<Vec<_>>(), [true, false, true]);
    let data: Vec<Value> = host.events("t.once").await.iter().map(|event| event["data"].clone()).collect();
    assert_eq!(data, [1, 3, 5]);
}

#[tokio::test]
async fn topics_are_as_durable_as_they_are_declared() {
    let config = "[topics.'t.relaxed']\ndurability = 'relaxed'\n[topics.'t.memory']\ndurability = 'memory'\n";
    let host = Setup::new().config(config).start().await;
    for topic in ["t.durable", "t.relaxed", "t.memory"] {
        host.publish(event(topic, topic, json!(1))).await;
        // What is not durable may be answered before readers see it.
        let stored = async || (ids(&host.events("t.>").await).contains(&topic.to_owned())).then_some(());
        host.eventually(&format!("{topic} is stored"), stored).await;
    }
    let durability = async |topic: &str| {
        let topics = host.items("/api/v1/topics").await;
        topics.into_iter().find(|shown| shown["name"] == topic).unwrap()["durability"].clone()
    };
    assert_eq!(durability("t.durable").await, "durable");
    assert_eq!(durability("t.memory").await, "memory");
    let host = host.stop().0.start().await;
    let kept = host.events("t.>").await;
    assert_eq!(ids(&kept).len(), 2, "{kept:?}");
    assert!(kept.iter().all(|event| event["type"] != "t.memory"), "{kept:?}");
    let host = host.kill().start().await;
    assert_eq!(host.events("t.durable").await.len(), 1);
}
