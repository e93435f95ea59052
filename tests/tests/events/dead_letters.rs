//! Dead letters: looked at, redriven one by one and by the dozen, discarded.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{event, ids},
};

const SIDE: &str = "subscriptions = [{ topic = 'd.*', name = 'broken', start = 'first' }]";

/// A host with so many dead letters of `broken`, which succeed when they are delivered again.
async fn with_dead(count: usize) -> (Host, Vec<Value>) {
    let host = Setup::new().probe(SIDE).start().await;
    let events = (0..count).map(|n| event(&format!("d.{}", n % 2), &n.to_string(), json!({"do": "reject-first"})));
    host.publish_all(events).await;
    let dead = host.until_dead("subscription=broken", count).await;
    (host, dead)
}

async fn post(host: &Host, path: &str, body: Value) -> (u16, Value) {
    let answer = host.ask(Method::POST, &format!("/api/v1/dead-letters/{path}"), &body).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn a_redriven_event_comes_to_its_subscription_alone() {
    let side = "subscriptions = [{ topic = 'd', name = 'broken', start = 'first', max-attempts = 1 }, \
                { topic = 'd', name = 'sound', start = 'first' }]";
    let host = Setup::new().probe(side).start().await;
    host.publish(event("d", "1", json!({"do": "reject-first"}))).await;
    // Both subscriptions reject it once.
    let dead = host.until_dead("", 2).await;
    let broken = dead.iter().find(|dead| dead["subscription"] == "broken").unwrap();
    let path = format!("/api/v1/dead-letters/{}", broken["id"].as_str().unwrap());
    assert_eq!(&host.admin(&path).await.json(), broken);
    let before = host.deliveries("probe").await.len();
    let redriven = host.ask(Method::POST, &format!("{path}/redrive"), &Value::Null).await;
    assert!(redriven.status.is_success(), "{}", redriven.text());
    let deliveries = host.until_delivered("probe", before + 1).await;
    assert_eq!(deliveries[before]["subscription"], "broken");
    assert_eq!(host.admin(&path).await.status, 404, "it is no dead letter any more");
    host.until_subscription("broken", "settled", |shown| shown["processed"] == 1).await;
    assert_eq!(host.deliveries("probe").await.len(), before + 1);
    assert_eq!(host.dead_letters("").await.len(), 1, "the other one stays");
    let again = host.ask(Method::POST, &format!("{path}/redrive"), &Value::Null).await;
    assert_eq!(again.status, 404, "{}", again.text());
}

#[tokio::test]
async fn many_are_redriven_by_filter_up_to_a_limit() {
    let (host, _) = with_dead(10).await;
    let (status, answer) = post(&host, "redrive", json!({"topic": "d.0", "limit": 3})).await;
    assert_eq!((status, &answer["redriving"]), (202, &json!(3)), "{answer}");
    let left = async || Some(host.dead_letters("").await).filter(|dead| dead.len() == 7);
    let left = host.eventually("three have gone", left).await;
    assert_eq!(left.iter().filter(|dead| dead["topic"] == "d.0").count(), 2);
    let (_, answer) = post(&host, "redrive", json!({"subscription": "sound"})).await;
    assert_eq!(answer["redriving"], 0, "{answer}");
    let (_, answer) = post(&host, "redrive", json!({"subscription": "broken"})).await;
    assert_eq!(answer["redriving"], 7, "{answer}");
    let none = async || host.dead_letters("").await.is_empty().then_some(());
    host.eventually("all have gone", none).await;
    host.until_subscription("broken", "settled", |shown| shown["processed"] == 10).await;
    let mut delivered = ids(&host.deliveries("probe").await);
    delivered.sort_unstable();
    let twice: Vec<_> = (0..10).flat_map(|n| [n.to_string(), n.to_string()]).collect();
    assert_eq!(delivered, twice);
    for (body, named) in [
        (json!({"limit": 0}), "limit"),
        (json!({"limit": 1_001}), "limit"),
        (json!({"perSecond": 0}), "perSecond"),
        (json!({"subscripton": "x"}), "subscripton"),
    ] {
        let (status, problem) = post(&host, "redrive", body).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(named), "{problem}");
    }
}

#[tokio::test]
async fn redriving_keeps_to_its_rate() {
    let (host, _) = with_dead(12).await;
    let (status, answer) = post(&host, "redrive", json!({"perSecond": 4})).await;
    assert_eq!((status, &answer["redriving"]), (202, &json!(12)), "{answer}");
    let deliveries = host.until_delivered("probe", 24).await;
    let at: Vec<u64> = deliveries[12..].iter().map(|delivery| delivery["at"].as_u64().unwrap()).collect();
    // Four at once at most, so that the last eight need two seconds.
    assert!(at[11] - at[0] >= 1_900_000_000, "{at:?}");
}

#[tokio::test]
async fn a_crash_while_redriving_loses_none() {
    let (host, _) = with_dead(12).await;
    let (_, answer) = post(&host, "redrive", json!({"perSecond": 5})).await;
    assert_eq!(answer["redriving"], 12, "{answer}");
    host.until_delivered("probe", 14).await;
    let host = host.kill().start().await;
    let host = &host;
    // Some have been delivered again, or will be; the others are dead letters still, and can be redriven.
    let redriven = async || {
        post(host, "redrive", json!({"perSecond": 100})).await;
        host.dead_letters("").await.is_empty().then_some(())
    };
    host.eventually("all have gone", redriven).await;
    let twice = async || {
        let delivered = ids(&host.deliveries("probe").await);
        let times = |n: usize| delivered.iter().filter(|id| **id == n.to_string()).count();
        (0..12).all(|n| times(n) >= 2).then_some(())
    };
    host.eventually("each was delivered again", twice).await;
}

#[tokio::test]
async fn dead_letters_are_listed_by_subscription_topic_and_page_and_discarded() {
    let (host, dead) = with_dead(5).await;
    let stranger = "subscription=stranger";
    for (query, count) in [("topic=d.0", 3), ("topic=d.1", 2), ("subscription=broken&limit=2", 5), (stranger, 0)] {
        assert_eq!(host.dead_letters(query).await.len(), count, "{query}");
    }
    let path = format!("/api/v1/dead-letters/{}", dead[0]["id"].as_str().unwrap());
    let discarded = host.ask(Method::DELETE, &path, &Value::Null).await;
    assert!(discarded.status.is_success(), "{}", discarded.text());
    assert_eq!(host.dead_letters("").await.len(), 4);
    for method in [Method::GET, Method::DELETE] {
        let answer = host.ask(method, &path, &Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "application/problem+json"));
    }
    let host = host.kill().start().await;
    assert_eq!(host.dead_letters("").await.len(), 4, "they are durable");
}

#[tokio::test]
async fn the_event_that_tells_of_a_dead_letter_never_becomes_one() {
    let side = "subscriptions = [{ topic = 'd', start = 'first', max-attempts = 1 }, \
                { topic = 'event.deadletter', name = 'watcher', start = 'first', max-attempts = 1 }]";
    let host = Setup::new().probe(side).start().await;
    host.publish(event("d", "1", json!({"do": "reject"}))).await;
    let told = async || host.deliveries("probe").await.into_iter().find(|d| d["topic"] == "event.deadletter");
    let told = host.eventually("the watcher is told", told).await;
    assert_eq!(told["data"]["originalEvent"]["id"], "1", "{told:#}");
    assert_eq!(told["data"]["subscription"], "probe/d");
    // One that is published by hand and fails is no dead letter either, and nothing is told of it.
    host.publish(event("event.deadletter", "by-hand", json!({"do": "reject"}))).await;
    let failed = |shown: &Value| shown["errors"] == 1 && shown["inFlight"] == 0 && shown["retrying"] == 0;
    host.until_subscription("watcher", "done with it", failed).await;
    assert_eq!(host.dead_letters("").await.len(), 1);
    assert_eq!(host.events("event.deadletter").await.len(), 2);
}
