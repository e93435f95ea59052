//! Handlers that say retry, reject or defer, that trap, and that never answer.

use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{event, ids, keyed},
};

const SECOND: u64 = 1_000_000_000;

/// The deliveries of the event of this id.
async fn attempts(host: &Host, id: &str) -> Vec<Value> {
    host.deliveries("probe").await.into_iter().filter(|delivery| delivery["id"] == id).collect()
}

fn gaps(deliveries: &[Value]) -> Vec<u64> {
    let at: Vec<u64> = deliveries.iter().map(|delivery| delivery["at"].as_u64().unwrap()).collect();
    at.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn numbers(deliveries: &[Value]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery["attempt"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn three_attempts_one_and_two_seconds_apart_then_a_dead_letter() {
    let host = Setup::new().probe("subscriptions = [{ topic = 'f.*', start = 'first' }]").start().await;
    host.publish(event("f.retry", "bad", json!({"do": "retry", "text": "no luck"}))).await;
    let dead = host.until_dead("subscription=probe%2Ff.*", 1).await.remove(0);
    let deliveries = attempts(&host, "bad").await;
    assert_eq!(numbers(&deliveries), [1, 2, 3]);
    let gaps = gaps(&deliveries);
    assert!(gaps[0] >= SECOND && gaps[1] >= 2 * SECOND, "{gaps:?}");
    assert_eq!((&dead["kind"], &dead["attempts"]), (&json!("event"), &json!(3)), "{dead:#}");
    assert_eq!((&dead["subscription"], &dead["topic"]), (&json!("probe/f.*"), &json!("f.retry")));
    assert!(dead["error"].as_str().unwrap().contains("no luck"), "{dead:#}");
    assert_eq!(dead["originalEvent"]["id"], "bad");
    assert_eq!(dead["originalEvent"]["data"]["text"], "no luck");
    assert!(dead["failedAt"].as_str().unwrap().ends_with('Z'));
    let told = async || host.events("event.*").await.into_iter().next();
    let told = host.eventually("event.deadletter is told", told).await;
    assert_eq!((&told["type"], &told["source"]), (&json!("event.deadletter"), &json!("/switchyard")));
    assert_eq!(told["data"]["originalEvent"], dead["originalEvent"], "{told:#}");
    assert_eq!((&told["data"]["error"], &told["data"]["attempts"]), (&dead["error"], &json!(3)));
    assert_eq!(told["data"]["subscription"], "probe/f.*");
}

#[tokio::test]
async fn attempts_and_delays_are_those_of_the_subscription() {
    let side = "subscriptions = [{ topic = 'f', start = 'first', max-attempts = 5, backoff = { linear = '100ms' } }, \
                { topic = 'g', start = 'first', max-attempts = 4, backoff = { exponential = '100ms' } }]";
    let host = Setup::new().probe(side).start().await;
    host.publish(event("f", "lucky", json!({"do": "fail-times", "times": 4}))).await;
    host.publish(event("f", "bad", json!({"do": "retry"}))).await;
    host.publish(event("g", "worse", json!({"do": "retry"}))).await;
    let dead = host.until_dead("", 2).await;
    let mut failed: Vec<_> = dead.iter().map(|dead| (dead["topic"].clone(), dead["attempts"].clone())).collect();
    failed.sort_by_key(|(topic, _)| topic.to_string());
    assert_eq!(failed, [(json!("f"), json!(5)), (json!("g"), json!(4))]);
    let lucky = async || Some(attempts(&host, "lucky").await).filter(|lucky| lucky.len() == 5);
    let lucky = host.eventually("the fifth attempt succeeds", lucky).await;
    assert_eq!(numbers(&lucky), [1, 2, 3, 4, 5]);
    let linear = gaps(&lucky);
    assert!((1..=4).all(|n| linear[n - 1] >= n as u64 * 100_000_000), "{linear:?}");
    assert_eq!(numbers(&attempts(&host, "worse").await), [1, 2, 3, 4]);
}

#[tokio::test]
async fn reject_is_a_dead_letter_at_once_and_defer_counts_no_attempt() {
    let host = Setup::new().probe("subscriptions = [{ topic = 'f', start = 'first' }]").start().await;
    host.publish(event("f", "never", json!({"do": "reject", "text": "not mine"}))).await;
    host.publish(event("f", "later", json!({"do": "defer", "times": 4, "ms": 200}))).await;
    let dead = host.until_dead("topic=f", 1).await;
    assert_eq!(dead[0]["attempts"], 1, "{dead:#?}");
    assert!(dead[0]["error"].as_str().unwrap().contains("not mine"), "{dead:#?}");
    let done = |shown: &Value| shown["processed"] == 1 && shown["inFlight"] == 0;
    let shown = host.until_subscription("probe/f", "done", done).await;
    assert_eq!(shown["errors"], 1, "a deferral is no error: {shown:#}");
    assert_eq!(numbers(&attempts(&host, "never").await), [1]);
    let deferred = attempts(&host, "later").await;
    assert_eq!(numbers(&deferred), [1, 1, 1, 1, 1], "more often than attempts are allowed");
    assert!(gaps(&deferred).iter().all(|gap| *gap >= 200_000_000), "{deferred:#?}");
    assert_eq!(host.dead_letters("").await.len(), 1);
}

#[tokio::test]
async fn poison_stops_nobody_else() {
    let side = "subscriptions = [{ topic = 'p', start = 'first', max-attempts = 2, backoff = { linear = '50ms' } }]";
    let host = Setup::new().probe(side).start().await;
    let mut events = vec![event("p", "trap", json!({"do": "trap"})), event("p", "hang", json!({"do": "hang"}))];
    events.push(keyed("p", "keyed-trap", "k", json!({"do": "trap"})));
    events.push(keyed("p", "after-it", "k", json!({})));
    events.push(event("p", "flaky", json!({"do": "trap-times", "times": 1})));
    events.extend((0..50).map(|n| event("p", &format!("good{n}"), json!({}))));
    host.publish_all(events).await;
    let shown = host.until_subscription("probe/p", "done", |shown| shown["processed"] == 52).await;
    let dead = host.until_dead("topic=p", 3).await;
    let mut failed: Vec<_> = dead.iter().map(|dead| dead["originalEvent"]["id"].as_str().unwrap()).collect();
    failed.sort_unstable();
    assert_eq!(failed, ["hang", "keyed-trap", "trap"], "{shown:#}");
    for dead in &dead {
        assert_eq!(dead["attempts"], 2, "{dead:#}");
        assert!(!dead["error"].as_str().unwrap().is_empty(), "{dead:#}");
    }
    for id in ["trap", "hang", "keyed-trap", "flaky"] {
        assert_eq!(numbers(&attempts(&host, id).await), [1, 2], "{id}");
    }
    assert_eq!(host.get("/probe/count?kind=e").await.status, 200, "the service goes on");
}

#[tokio::test]
async fn a_handler_that_waits_too_long_is_cut_at_the_deadline_and_tried_again() {
    let config = "[services.probe]\ndeadline = '300ms'\n";
    let side = "subscriptions = [{ topic = 'w', start = 'first', max-attempts = 2, backoff = { linear = '10ms' } }]";
    let host = Setup::new().config(config).probe(side).start().await;
    host.publish(event("w", "stuck", json!({"do": "slow", "ms": 600_000}))).await;
    let dead = host.until_dead("topic=w", 1).await;
    assert_eq!(dead[0]["attempts"], 2, "{dead:#?}");
    assert_eq!(ids(&host.deliveries("probe").await), ["stuck", "stuck"]);
}

#[tokio::test]
async fn retries_that_wait_survive_a_crash_with_their_attempts() {
    let side = "subscriptions = [{ topic = 'f', start = 'first', backoff = { linear = '1s' } }]";
    let host = Setup::new().probe(side).start().await;
    host.publish(event("f", "twice", json!({"do": "fail-times", "times": 2}))).await;
    host.until_subscription("probe/f", "waiting for a retry", |shown| shown["retrying"] == 1).await;
    let host = host.kill().start().await;
    let done = async || Some(attempts(&host, "twice").await).filter(|done| numbers(done).last() == Some(&3));
    let deliveries = host.eventually("the third attempt", done).await;
    // An attempt whose outcome was not recorded yet may come again.
    assert!(numbers(&deliveries).is_sorted(), "{deliveries:#?}");
    host.until_subscription("probe/f", "settled", |shown| shown["retrying"] == 0 && shown["inFlight"] == 0).await;
    assert_eq!(host.dead_letters("").await.len(), 0);
}
