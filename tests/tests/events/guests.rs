//! What guests do with events, queues and batches through their imports.

use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{event, ids, keyed},
};

#[tokio::test]
async fn a_guest_publishes_under_its_own_source() {
    let host = Setup::new().probe("").start().await;
    let draft = json!({
        "topic": "g.one", "id": "1", "data": {"a": 1}, "subject": "s", "partitionkey": "k", "correlationid": "c",
        "causationid": "p", "time": "2026-01-31T12:00:00Z", "datacontenttype": "application/json",
        "extensions": {"shop": "one"},
    });
    let (status, receipt) = host.probe("/probe/publish", draft.clone()).await;
    assert_eq!((status, &receipt["id"], &receipt["duplicate"]), (200, &json!("1"), &json!(false)), "{receipt}");
    let stored = host.events("g.one").await.remove(0);
    assert_eq!((&stored["source"], &stored["sequence"]), (&json!("/services/probe"), &receipt["sequence"]));
    for member in ["id", "data", "subject", "partitionkey", "correlationid", "causationid", "time", "datacontenttype"] {
        assert_eq!(stored[member], draft[member], "{member}");
    }
    assert_eq!(stored["shop"], "one");
    assert!(stored["traceparent"].as_str().unwrap().starts_with("00-"), "the request's trace goes on: {stored:#}");
    let (_, again) = host.probe("/probe/publish", draft).await;
    assert_eq!((&again["duplicate"], &again["sequence"]), (&json!(true), &receipt["sequence"]));
    let (_, receipts) = host.probe("/probe/publish-many", json!([{"topic": "g.a"}, {"topic": "g.b"}])).await;
    assert_eq!(receipts.as_array().unwrap().len(), 2, "{receipts}");
    let (status, error) = host.probe("/probe/publish-many", json!([{"topic": "g.c"}, {"topic": "g..d"}])).await;
    assert_eq!((status, &error["error"]), (422, &json!("invalid")), "{error}");
    assert!(error["text"].as_str().unwrap().contains("g..d"), "{error}");
    assert_eq!(host.events("g.*").await.len(), 3, "all or none");
    let many: Vec<Value> = (0..1_001).map(|_| json!({"topic": "g.many"})).collect();
    let (status, error) = host.probe("/probe/publish-many", many.into()).await;
    assert_eq!((status, &error["error"]), (422, &json!("invalid")), "{error}");
}

#[tokio::test]
async fn a_batch_commits_state_events_and_messages_together_or_nothing() {
    let host = Setup::new().probe("").start().await;
    let operations = |id: &str, condition: Value| {
        json!([
            {"put": "state", "value": id, "if": condition},
            {"publish": {"topic": "b.event", "id": id}},
            {"enqueue": {"queue": "b", "data": id}},
        ])
    };
    let (status, done) = host.probe("/probe/batch", operations("first", json!("absent"))).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!((&done["receipts"][0]["id"], done["messageIds"].as_array().unwrap().len()), (&json!("first"), 1));
    let entry = host.get("/probe/read?k=state").await.json();
    assert_eq!(entry["value"], "first", "{entry}");
    let revision = entry["revision"].as_u64().unwrap();
    for (id, condition) in [("second", json!("absent")), ("third", json!(revision + 1))] {
        let (status, error) = host.probe("/probe/batch", operations(id, condition)).await;
        assert_eq!((status, &error), (422, &json!({"error": "conflict", "text": "state"})));
    }
    let (status, error) = host.probe("/probe/batch", json!([{"put": "x", "value": "1"}, {"ack": true}])).await;
    assert_eq!((status, &error["error"]), (422, &json!("invalid")), "nothing is being handled: {error}");
    let (status, error) = host.probe("/probe/batch", json!([{"put": "x", "bucket": "other"}])).await;
    assert_eq!((status, &error["error"]), (422, &json!("no-such-store")), "{error}");
    let (status, _) = host.probe("/probe/batch", operations("fourth", json!(revision))).await;
    assert_eq!(status, 200);
    let host = host.kill().start().await;
    assert_eq!(ids(&host.events("b.event").await), ["first", "fourth"]);
    assert_eq!(host.queue("b").await["currentSize"], 2);
    assert_eq!(host.get("/probe/read?k=state").await.json()["value"], "fourth");
    assert_eq!(host.get("/probe/read?k=x").await.json(), Value::Null);
    let check = json!([{"check": "x", "if": "absent"}, {"delete": "state"}]);
    assert_eq!(host.probe("/probe/batch", check).await.0, 200);
    assert_eq!(host.get("/probe/read?k=state").await.json(), Value::Null);
}

#[tokio::test]
async fn what_follows_an_ack_in_a_batch_changes_nothing() {
    let side = "subscriptions = [{ topic = 'a', start = 'first' }]\nqueues = [{ queue = 'a' }]";
    let host = Setup::new().probe(side).start().await;
    host.publish(keyed("a", "trapped", "k", json!({"do": "ack-batch"}))).await;
    host.publish(keyed("a", "after", "k", json!({}))).await;
    host.enqueue("a", json!({"data": {"do": "ack-batch"}})).await;
    let settled = |shown: &Value| shown["inFlight"] == 0 && shown["retrying"] == 0 && shown["lag"] == 0;
    let acked = async || Some(host.events("probe.*").await).filter(|acked| acked.len() == 2);
    host.eventually("both batches are committed", acked).await;
    let deliveries = host.until_delivered("probe", 2).await;
    host.until_subscription("probe/a", "settled", settled).await;
    let done = async || Some(host.queue("a").await).filter(|queue| queue["dequeued"] == 1);
    let queue = host.eventually("the message is done", done).await;
    assert_eq!((&queue["currentSize"], &queue["inFlight"], &queue["failed"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(ids(&deliveries), ["trapped", "after"]);
    assert_eq!(host.deliveries("probe").await.len(), 2, "the trap after the ack is no failure");
    assert_eq!(host.messages("probe").await.len(), 1);
    assert_eq!(host.dead_letters("").await.len(), 0);
}

#[tokio::test]
async fn events_tell_what_led_to_them() {
    let side = "subscriptions = [{ topic = 'c.first', start = 'first' }, { topic = 'c.second', start = 'first' }]\n\
                queues = [{ queue = 'c' }]";
    let host = Setup::new().probe(side).start().await;
    let third = json!({"do": "publish", "draft": {"topic": "c.third", "id": "3"}});
    let message = json!({"do": "enqueue", "draft": {"queue": "c", "data": third}});
    let mut first =
        event("c.first", "1", json!({"do": "publish", "draft": {"topic": "c.second", "id": "2", "data": message}}));
    first["correlationid"] = "story".into();
    host.publish(first).await;
    let third = async || host.events("c.*").await.into_iter().find(|event| event["type"] == "c.third");
    let third = host.eventually("the third event", third).await;
    let second = host.events("c.second").await.remove(0);
    assert_eq!((&second["correlationid"], &second["causationid"]), (&json!("story"), &json!("1")), "{second:#}");
    let message = host.messages("probe").await.remove(0);
    assert_eq!(third["causationid"], message["id"], "{third:#}");
    assert_eq!(third["correlationid"], "story", "{third:#}");
    // Said by the publisher, both stay.
    host.publish(json!({"type": "c.first", "id": "4", "data": {"do": "publish", "draft": {
        "topic": "c.said", "correlationid": "x", "causationid": "y"}}}))
        .await;
    let said = async || host.events("c.*").await.into_iter().find(|event| event["type"] == "c.said");
    let said = host.eventually("the event that says it", said).await;
    assert_eq!((&said["correlationid"], &said["causationid"]), (&json!("x"), &json!("y")));
}

async fn denied(host: &Host, path: &str, body: Value) {
    let (status, error) = host.probe(path, body).await;
    assert_eq!((status, &error["error"]), (422, &json!("denied")), "{path}: {error}");
    assert!(!error["text"].as_str().unwrap().is_empty(), "{error}");
}

#[tokio::test]
async fn explicit_grants_bind_plugins_to_the_topics_and_queues_that_they_name() {
    let config = "[plugins]\ngrants = 'explicit'\n[services.probe]\ngrants = ['publish:order.>', 'queue:emails']\n\
                  [services.probe-c]\ngrants = ['subscribe:order.>', 'queue:mine']\n";
    let declared = "subscriptions = [{ topic = 'order.*' }, { topic = '>' }]\n\
                    queues = [{ queue = 'mine' }, { queue = 'emails' }]";
    let setup = Setup::new().config(config).probe("").probe_as("probe-b", "").probe_as("probe-c", declared);
    let host = setup.start().await;
    assert_eq!(host.probe("/probe/publish", json!({"topic": "order.item.added"})).await.0, 200);
    assert_eq!(host.probe("/probe/enqueue", json!({"queue": "emails", "data": 1})).await.0, 200);
    assert_eq!(host.probe("/probe/lease", json!({"queue": "emails"})).await.0, 200);
    denied(&host, "/probe/publish", json!({"topic": "user.created"})).await;
    denied(&host, "/probe/publish-many", json!([{"topic": "order.ok"}, {"topic": "user.created"}])).await;
    denied(&host, "/probe/enqueue", json!({"queue": "other", "data": 1})).await;
    denied(&host, "/probe/lease", json!({"queue": "other"})).await;
    let both = json!([{"put": "k", "value": "v"}, {"publish": {"topic": "user.created"}}]);
    denied(&host, "/probe/batch", both).await;
    denied(&host, "/probe/batch", json!([{"enqueue": {"queue": "other"}}])).await;
    denied(&host, "/probe-b/publish", json!({"topic": "order.created"})).await;
    assert_eq!(host.get("/probe/read?k=k").await.json(), Value::Null);
    assert_eq!(host.events("order.>").await.len(), 1);
    assert_eq!(host.events("user.*").await.len(), 0);
    // What is declared without a grant is left out, and the rest goes on.
    host.enqueue("mine", json!({"data": {}})).await;
    let subscribed = async || host.items("/api/v1/subscriptions").await.iter().map(|s| s["name"].clone()).collect();
    let names: Vec<Value> = subscribed().await;
    assert_eq!(names, ["probe-c/order.*"]);
    assert_eq!(host.queue("mine").await["consumers"], json!(["probe-c"]));
    assert_eq!(host.queue("emails").await["consumers"], json!([]));
    // Operators need no grant.
    host.publish(event("user.created", "1", json!({}))).await;
    std::fs::write(host.path().join("switchyard.toml"), "").unwrap();
    let opened = async || (host.probe("/probe-b/publish", json!({"topic": "any"})).await.0 == 200).then_some(());
    host.eventually("grants are followed while the host runs", opened).await;
    let subscribed = async || {
        let names: Vec<Value> = subscribed().await;
        (names == ["probe-c/>", "probe-c/order.*"]).then_some(())
    };
    host.eventually("what was left out is there", subscribed).await;
}
