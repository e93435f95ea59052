//! Guests that consume, and guests that lease by themselves.

use serde_json::{Value, json};
use switchyard_tests::{Setup, bus::ids, component_bytes};

const SECOND: u64 = 1_000_000_000;

/// The most handlers that ran at once, of handlers that each ran at least this long.
fn overlap(messages: &[Value], nanoseconds: u64) -> usize {
    let began: Vec<u64> = messages.iter().map(|message| message["at"].as_u64().unwrap()).collect();
    let at_once = |moment: u64| began.iter().filter(|at| (**at..**at + nanoseconds).contains(&moment)).count();
    began.iter().map(|moment| at_once(*moment)).max().unwrap_or(0)
}

#[tokio::test]
async fn a_consumer_gets_messages_by_priority_one_at_a_time_and_they_are_acknowledged() {
    let host = Setup::new().start().await;
    for (n, priority) in [(0, 0), (1, 5), (2, 9), (3, 5), (4, 0)] {
        host.enqueue("c", json!({"data": {"n": n, "do": "slow", "ms": 50}, "priority": priority})).await;
    }
    std::fs::write(host.path().join("plugins/probe.toml"), "queues = [{ queue = 'c' }]").unwrap();
    host.rename_into_place("probe", &component_bytes("probe"));
    host.until("probe", "active", |plugin| plugin["state"] == "active").await;
    let messages = host.until_handled("probe", 5).await;
    assert_eq!(messages.iter().map(|m| m["data"]["n"].clone()).collect::<Vec<_>>(), [2, 1, 3, 0, 4]);
    assert_eq!(overlap(&messages, 50_000_000), 1, "one at a time is the default");
    for message in &messages {
        assert_eq!((&message["queue"], &message["attempt"]), (&json!("c"), &json!(1)));
    }
    let done = async || Some(host.queue("c").await).filter(|queue| queue["dequeued"] == 5);
    let queue = host.eventually("all are done", done).await;
    assert_eq!((&queue["currentSize"], &queue["inFlight"]), (&json!(0), &json!(0)));
    assert_eq!(host.messages("probe").await.len(), 5);
}

#[tokio::test]
async fn a_consumer_has_as_many_messages_at_once_as_it_says() {
    let host = Setup::new().probe("queues = [{ queue = 'c', concurrency = 3 }]").start().await;
    for n in 0..12 {
        host.enqueue("c", json!({"data": {"n": n, "do": "slow", "ms": 300}})).await;
    }
    let done = async || Some(host.queue("c").await).filter(|queue| queue["dequeued"] == 12);
    host.eventually("all are done", done).await;
    let messages = host.messages("probe").await;
    assert_eq!(messages.len(), 12);
    let at_once = overlap(&messages, 300_000_000);
    assert!((2..=3).contains(&at_once), "{at_once} at once");
}

#[tokio::test]
async fn the_lease_is_extended_while_a_guest_works() {
    let side = "queues = [{ queue = 'c', visibility-timeout = '1s', concurrency = 4 }]";
    let host = Setup::new().probe(side).start().await;
    host.enqueue("c", json!({"data": {"do": "slow", "ms": 3_500}})).await;
    let done = async || Some(host.queue("c").await).filter(|queue| queue["dequeued"] == 1);
    host.eventually("it is done", done).await;
    assert_eq!(host.messages("probe").await.len(), 1, "nobody else had it meanwhile");
}

#[tokio::test]
async fn failures_of_a_consumer_are_retried_rejected_and_deferred() {
    let side = "queues = [{ queue = 'c', concurrency = 8, max-attempts = 2 }]";
    let host = Setup::new().probe(side).start().await;
    for deed in [
        json!({"n": "retry", "do": "retry", "text": "no luck"}),
        json!({"n": "trap", "do": "trap"}),
        json!({"n": "hang", "do": "hang"}),
        json!({"n": "reject", "do": "reject", "text": "never"}),
        json!({"n": "defer", "do": "defer", "times": 3, "ms": 200}),
        json!({"n": "flaky", "do": "fail-times", "times": 1}),
        json!({"n": "fine"}),
    ] {
        host.enqueue("c", json!({"data": deed})).await;
    }
    let dead = host.until_dead("queue=c", 4).await;
    let done = async || Some(host.queue("c").await).filter(|queue| queue["dequeued"] == 3 && queue["failed"] == 4);
    host.eventually("all are settled", done).await;
    let mut failed: Vec<_> = dead
        .iter()
        .map(|dead| (dead["originalMessage"]["data"]["n"].as_str().unwrap(), dead["attempts"].as_u64().unwrap()))
        .collect();
    failed.sort_unstable();
    assert_eq!(failed, [("hang", 2), ("reject", 1), ("retry", 2), ("trap", 2)]);
    let messages = host.messages("probe").await;
    let attempts = |name: &str| {
        let mine = messages.iter().filter(|message| message["data"]["n"] == name);
        mine.map(|message| message["attempt"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    for (name, expected) in [
        ("retry", vec![1, 2]),
        ("trap", vec![1, 2]),
        ("hang", vec![1, 2]),
        ("reject", vec![1]),
        ("defer", vec![1, 1, 1, 1]),
        ("flaky", vec![1, 2]),
        ("fine", vec![1]),
    ] {
        assert_eq!(attempts(name), expected, "{name}");
    }
    let flaky: Vec<_> = messages.iter().filter(|message| message["data"]["n"] == "flaky").collect();
    assert!(flaky[1]["at"].as_u64().unwrap() - flaky[0]["at"].as_u64().unwrap() >= 2 * SECOND, "2^1 s");
}

#[tokio::test]
async fn a_manual_consumer_acknowledges_itself_or_loses_the_lease() {
    let side = "queues = [{ queue = 'm', ack = 'manual', visibility-timeout = '1s', concurrency = 2 }]";
    let host = Setup::new().probe(side).start().await;
    host.enqueue("m", json!({"data": {"n": "acked", "do": "ack"}})).await;
    let done = async || Some(host.queue("m").await).filter(|queue| queue["dequeued"] == 1);
    host.eventually("it is acknowledged", done).await;
    host.enqueue("m", json!({"data": {"n": "kept"}})).await;
    let messages = host.until_handled("probe", 3).await;
    let kept: Vec<_> = messages.iter().filter(|message| message["data"]["n"] == "kept").collect();
    assert!(kept.len() >= 2, "{messages:#?}");
    assert_eq!((&kept[1]["attempt"], &kept[1]["id"]), (&json!(1), &kept[0]["id"]), "success without ack is no failure");
    assert!(kept[1]["at"].as_u64().unwrap() - kept[0]["at"].as_u64().unwrap() >= SECOND * 9 / 10);
    let (last, token) = (host.messages("probe").await.pop().unwrap(), "token");
    let acked = host.settle("m", &last, "ack", json!({ token: last["token"] })).await;
    assert!(acked.status.is_success() || acked.status == 409, "{}", acked.text());
    // A failure is obeyed in manual mode too.
    host.enqueue("m", json!({"data": {"n": "no", "do": "reject", "text": "no"}})).await;
    let dead = host.until_dead("queue=m", 1).await;
    assert_eq!(dead[0]["originalMessage"]["data"]["n"], "no");
}

#[tokio::test]
async fn guests_enqueue_lease_and_settle_through_their_import() {
    let host = Setup::new().config("[queues.g]\nmax-size = 2\n").probe("").start().await;
    let enqueue = json!({"queue": "g", "data": {"a": 1}, "priority": 7});
    let (status, enqueued) = host.probe("/probe/enqueue", enqueue.clone()).await;
    assert_eq!(status, 200, "{enqueued}");
    let lease = json!({"queue": "g", "max": 5, "visibilityMs": 60_000});
    let (_, leased) = host.probe("/probe/lease", lease.clone()).await;
    let mut message = leased[0].clone();
    assert_eq!((&message["id"], &message["data"]), (&enqueued["id"], &json!({"a": 1})), "{leased}");
    assert_eq!((&message["priority"], &message["attempt"]), (&json!(7), &json!(1)));
    message["visibilityMs"] = 90_000.into();
    assert_eq!(host.probe("/probe/extend", message.clone()).await.0, 200);
    (message["reason"], message["delayMs"]) = ("again".into(), 10.into());
    assert_eq!(host.probe("/probe/nack", message.clone()).await.0, 200);
    let (_, stale) = host.probe("/probe/ack", message.clone()).await;
    assert_eq!(stale["error"], "not-leased", "{stale}");
    let again = async || Some(host.probe("/probe/lease", lease.clone()).await.1).filter(|leased| leased[0].is_object());
    let again = host.eventually("it is there again", again).await;
    assert_eq!(again[0]["attempt"], 2, "{again}");
    assert_eq!(host.probe("/probe/ack", again[0].clone()).await.0, 200);
    for _ in 0..2 {
        assert_eq!(host.probe("/probe/enqueue", enqueue.clone()).await.0, 200);
    }
    for (path, body, error, text) in [
        ("enqueue", enqueue.clone(), "full", "Queue g is full"),
        ("enqueue", json!({"queue": "g", "data": 1, "priority": 10}), "invalid", "priority"),
        ("lease", json!({"queue": "unknown"}), "not-found", "unknown"),
        ("ack", json!({"queue": "unknown", "id": "1", "token": "x"}), "not-found", "unknown"),
    ] {
        let (status, answer) = host.probe(&format!("/probe/{path}"), body).await;
        assert_eq!((status, &answer["error"]), (422, &json!(error)), "{answer}");
        assert!(answer["text"].as_str().unwrap().contains(text), "{answer}");
    }
    let (_, leased) = host.probe("/probe/lease", lease).await;
    let mut rejected = leased[0].clone();
    rejected["reason"] = "bad".into();
    assert_eq!(host.probe("/probe/reject", rejected).await.0, 200);
    assert!(host.until_dead("queue=g", 1).await[0]["error"].as_str().unwrap().contains("bad"));
}

#[tokio::test]
async fn messages_survive_a_crash_and_a_consumer_that_dies_with_them() {
    let side = "queues = [{ queue = 'c', visibility-timeout = '2s', concurrency = 4 }]";
    let host = Setup::new().probe(side).start().await;
    for n in 0..4 {
        host.enqueue("c", json!({"data": {"n": n, "do": "slow", "ms": 1_000}})).await;
    }
    host.until_handled("probe", 4).await;
    let host = host.kill().start().await;
    let done = async || Some(host.queue("c").await).filter(|queue| queue["dequeued"] == 4);
    host.eventually("all are done after all", done).await;
    let messages = host.messages("probe").await;
    assert!(messages.iter().all(|message| message["attempt"] == 1), "dying with a lease is no failure: {messages:#?}");
    let mut handled = ids(&messages);
    handled.sort_unstable();
    handled.dedup();
    assert_eq!(handled.len(), 4);
    assert_eq!(host.dead_letters("").await.len(), 0);
}
