//! Subscriptions made, paused, moved and ended; plugins that go and come back.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{escape, event, ids},
    component_bytes,
};

const SIDE: &str = "subscriptions = [{ topic = 's', name = 'steered', start = 'first' }, \
                    { topic = 's', name = 'witness', start = 'first' }]";

async fn delivered(host: &Host, subscription: &str) -> Vec<String> {
    let mut mine = host.deliveries("probe").await;
    mine.retain(|delivery| delivery["subscription"] == subscription);
    mine.sort_by_key(|delivery| (delivery["round"].as_u64(), delivery["at"].as_u64()));
    ids(&mine)
}

/// Publishes events and waits until both subscriptions, or the witness alone, have settled them.
async fn publish(host: &Host, range: std::ops::Range<u32>, waits_for: &[&str]) {
    let receipts = host.publish_all(range.map(|n| event("s", &n.to_string(), json!({})))).await;
    let last = receipts.last().unwrap()["sequence"].as_u64();
    for name in waits_for {
        let settled = |shown: &Value| shown["cursor"].as_u64() >= last && shown["inFlight"] == 0;
        host.until_subscription(name, "settled", settled).await;
    }
}

#[tokio::test]
async fn a_paused_subscription_gets_nothing_until_it_is_resumed() {
    let host = Setup::new().probe(SIDE).start().await;
    publish(&host, 0..2, &["steered", "witness"]).await;
    let paused = host.steer("steered", "pause", Value::Null).await;
    assert_eq!((paused.status.as_u16(), &paused.json()["state"]), (200, &json!("paused")));
    publish(&host, 2..4, &["witness"]).await;
    let host = host.kill().start().await;
    assert_eq!(host.subscription("steered").await["state"], "paused", "a crash does not resume it");
    publish(&host, 4..6, &["witness"]).await;
    let mut before = delivered(&host, "steered").await;
    before.sort_unstable();
    before.dedup();
    assert_eq!(before, ["0", "1"]);
    let resumed = host.steer("steered", "resume", Value::Null).await;
    assert_eq!((resumed.status.as_u16(), &resumed.json()["state"]), (200, &json!("active")));
    publish(&host, 6..7, &["steered", "witness"]).await;
    let mut after = delivered(&host, "steered").await;
    after.sort_unstable();
    after.dedup();
    assert_eq!(after, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn seek_replays_from_the_first_a_sequence_or_a_time_and_skips_to_the_latest() {
    let host = Setup::new().probe(SIDE).start().await;
    let receipts = host.publish_all((0..5).map(|n| event("s", &n.to_string(), json!({})))).await;
    host.until_delivered("probe", 10).await;
    let third = receipts[3]["sequence"].as_u64().unwrap();
    let mut expected = 10;
    for (to, replayed) in [
        (json!("first"), 5),
        (json!(third), 2),
        (json!(third.to_string()), 2),
        (json!("2020-01-01T00:00:00Z"), 5),
        (json!("2999-01-01T00:00:00Z"), 0),
        (json!("latest"), 0),
    ] {
        let moved = host.steer("steered", "seek", json!({"to": to})).await;
        assert_eq!(moved.status, 200, "{to}: {}", moved.text());
        expected += replayed;
        let deliveries = host.until_delivered("probe", expected).await;
        assert!(deliveries[10..].iter().all(|delivery| delivery["subscription"] == "steered"));
        let settled = |shown: &Value| shown["inFlight"] == 0 && shown["cursor"].as_u64() >= Some(third + 1);
        host.until_subscription("steered", "settled", settled).await;
        assert_eq!(host.deliveries("probe").await.len(), expected, "{to}");
    }
    for (to, status) in [(json!("never"), 400), (json!(null), 400), (json!(true), 400)] {
        assert_eq!(host.steer("steered", "seek", json!({"to": to})).await.status, status, "{to}");
    }
    for how in ["pause", "resume", "seek"] {
        assert_eq!(host.steer("nobody", how, json!({"to": "first"})).await.status, 404, "{how}");
    }
}

#[tokio::test]
async fn a_plugin_that_comes_back_reads_on_where_it_was() {
    // `latest`: a new cursor would miss what was published meanwhile.
    let side = "subscriptions = [{ topic = 's', name = 'steered' }]";
    let host = Setup::new().probe(side).start().await;
    host.subscribed("steered").await;
    publish(&host, 0..3, &["steered"]).await;
    std::fs::remove_file(host.plugin_file("probe")).unwrap();
    host.until("probe", "gone", |plugin| plugin.is_null() || plugin["state"] == "retired").await;
    host.publish_all((3..6).map(|n| event("s", &n.to_string(), json!({})))).await;
    let host = host.stop().0.start().await;
    host.publish_all((6..8).map(|n| event("s", &n.to_string(), json!({})))).await;
    host.rename_into_place("probe", &component_bytes("probe"));
    host.until("probe", "active", |plugin| plugin["state"] == "active").await;
    let deliveries = host.until_delivered("probe", 8).await;
    assert_eq!(deliveries.len(), 8, "none came twice: {deliveries:#?}");
    let mut delivered = ids(&deliveries);
    delivered.sort_unstable();
    assert_eq!(delivered, (0..8).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn subscriptions_are_made_and_ended_by_the_api_and_survive_a_crash() {
    let host = Setup::new().probe("").start().await;
    let body = json!({"topic": "s.*", "service": "probe", "priority": 3, "start": "first", "maxAttempts": 1});
    let made = host.ask(Method::POST, "/api/v1/subscriptions", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["name"], &made["priority"], &made["maxAttempts"]), (&json!("probe/s.*"), &json!(3), &json!(1)));
    let host = host.kill().start().await;
    host.subscribed("probe/s.*").await;
    host.publish(event("s.a", "1", json!({}))).await;
    host.until_delivered("probe", 1).await;
    let path = format!("/api/v1/subscriptions/{}", escape(made["id"].as_str().unwrap()));
    assert_eq!(host.admin(&path).await.json()["name"], "probe/s.*");
    assert!(host.ask(Method::DELETE, &path, &Value::Null).await.status.is_success());
    assert_eq!(host.ask(Method::DELETE, &path, &Value::Null).await.status, 404);
    assert_eq!(host.admin(&path).await.status, 404);
    let host = host.kill().start().await;
    assert_eq!(host.items("/api/v1/subscriptions").await.len(), 0);
    for (body, named) in [
        (json!({"service": "probe"}), "topic"),
        (json!({"topic": "s"}), "service"),
        (json!({"topic": "s", "service": "probe", "url": "http://127.0.0.1:1/"}), "url"),
        (json!({"topic": "a.>.b", "service": "probe"}), "a.>.b"),
        (json!({"topic": "s", "service": "probe", "maxAttempts": 0}), "attempts"),
        (json!({"topic": "s", "service": "probe", "prio": 1}), "prio"),
    ] {
        let answer = host.ask(Method::POST, "/api/v1/subscriptions", &body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{named}: {}", answer.text());
    }
}

#[tokio::test]
async fn subscriptions_of_the_config_are_followed_while_running() {
    let table = |topic: &str| {
        format!("[[subscription]]\nname = 'config'\ntopic = '{topic}'\nservice = 'probe'\nstart = 'first'\n")
    };
    let host = Setup::new().probe("").config(&table("s.a")).start().await;
    let receipts = host.publish_all([event("s.a", "a", json!({})), event("s.b", "b", json!({}))]).await;
    assert_eq!(ids(&host.until_delivered("probe", 1).await), ["a"]);
    let last = receipts[1]["sequence"].as_u64();
    host.until_subscription("config", "past both", |shown| shown["cursor"].as_u64() >= last).await;
    std::fs::write(host.path().join("switchyard.toml"), table("s.*")).unwrap();
    host.until_subscription("config", "changed", |shown| shown["topic"] == "s.*").await;
    host.publish(event("s.b", "b2", json!({}))).await;
    // Its cursor goes by its name, so nothing comes again.
    let deliveries = host.until_delivered("probe", 2).await;
    assert_eq!(ids(&deliveries), ["a", "b2"]);
    std::fs::write(host.path().join("switchyard.toml"), "").unwrap();
    let gone = |shown: &Value| shown.is_null() || shown["state"] != "active";
    host.until_subscription("config", "gone", gone).await;
}
