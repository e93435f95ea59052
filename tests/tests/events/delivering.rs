//! Who gets an event, how often, and in which order.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use switchyard_tests::{
    Setup,
    bus::{event, ids, keyed, texts},
};

#[tokio::test]
async fn each_subscription_gets_each_matching_event_with_its_envelope() {
    let side = "subscriptions = [{ topic = 'order.*', start = 'first' }, { topic = '>', name = 'all', start = 'first', \
                filter = 'type.startsWith(\"order.\")' }]";
    let host = Setup::new().probe(side).start().await;
    let sent = json!({
        "type": "order.created", "id": "17", "source": "/shops/1", "subject": "s", "time": "2026-01-31T12:00:00Z",
        "datacontenttype": "application/json", "correlationid": "c", "causationid": "p", "partitionkey": "k",
        "shop": "one", "data": {"total": 5},
    });
    let receipt = host.publish(sent.clone()).await;
    let deliveries = host.until_delivered("probe", 2).await;
    let mut subscriptions = texts(&deliveries, "subscription");
    subscriptions.sort_unstable();
    assert_eq!(subscriptions, ["all", "probe/order.*"]);
    for delivery in &deliveries {
        assert_eq!((&delivery["topic"], &delivery["attempt"]), (&sent["type"], &json!(1)));
        assert_eq!(delivery["sequence"], receipt["sequence"]);
        assert_eq!(delivery["extensions"]["shop"], "one", "{delivery:#}");
        for member in [
            "id",
            "source",
            "subject",
            "time",
            "datacontenttype",
            "correlationid",
            "causationid",
            "partitionkey",
            "data",
        ] {
            assert_eq!(delivery[member], sent[member], "{member}");
        }
    }
}

#[tokio::test]
async fn subscriptions_of_one_group_share_one_delivery() {
    let side = "subscriptions = [{ topic = 'shared', group = 'workers', start = 'first' }, \
                { topic = 'shared', start = 'first' }]";
    let host = Setup::new().probe(side).probe_as("probe-b", side).start().await;
    host.publish_all((0..40).map(|n| event("shared", &n.to_string(), json!({})))).await;
    let done = |shown: &Value| shown["processed"].as_u64() >= Some(40);
    for name in ["workers", "probe/shared", "probe-b/shared"] {
        host.until_subscription(name, "done", done).await;
    }
    let mut all = host.deliveries("probe").await;
    all.extend(host.deliveries("probe-b").await);
    let of = |name: &str| {
        let mut ids: Vec<_> = all.iter().filter(|delivery| delivery["subscription"] == name).cloned().collect();
        ids.sort_by_key(|delivery| delivery["sequence"].as_u64());
        switchyard_tests::bus::ids(&ids)
    };
    let expected: Vec<_> = (0..40).map(|n| n.to_string()).collect();
    for name in ["workers", "probe/shared", "probe-b/shared"] {
        assert_eq!(of(name), expected, "{name}");
    }
}

#[tokio::test]
async fn a_new_subscription_begins_where_it_says() {
    let host = Setup::new().start().await;
    host.publish(event("start", "before", json!({}))).await;
    let side =
        "subscriptions = [{ topic = 'start', name = 'first', start = 'first' }, { topic = 'start', name = 'latest' }]";
    std::fs::write(host.path().join("plugins/probe.toml"), side).unwrap();
    host.rename_into_place("probe", &switchyard_tests::component_bytes("probe"));
    host.subscribed("latest").await;
    host.subscribed("first").await;
    host.publish(event("start", "after", json!({}))).await;
    let deliveries = host.until_delivered("probe", 3).await;
    let of = |name| {
        let mut mine: Vec<_> = deliveries.iter().filter(|d| d["subscription"] == name).cloned().collect();
        mine.sort_by_key(|delivery| delivery["sequence"].as_u64());
        ids(&mine)
    };
    assert_eq!((of("first"), of("latest")), (vec!["before".into(), "after".into()], vec!["after".to_owned()]));
}

#[tokio::test]
async fn once_ends_with_the_first_success_also_across_a_restart() {
    let side = "subscriptions = [{ topic = 'single', once = true, start = 'first', backoff = { linear = '50ms' } }, \
                { topic = 'single', name = 'other', start = 'first' }]";
    let host = Setup::new().probe(side).start().await;
    host.publish(keyed("single", "first", "k", json!({"do": "fail-times", "times": 1}))).await;
    let ended = |shown: &Value| shown["state"] == "ended";
    host.until_subscription("probe/single", "ended", ended).await;
    host.publish(keyed("single", "second", "k", json!({}))).await;
    let host = host.stop().0.start().await;
    host.publish(keyed("single", "third", "k", json!({}))).await;
    let done = |shown: &Value| shown["processed"].as_u64() >= Some(1) && shown["inFlight"] == 0;
    host.until_subscription("other", "done", done).await;
    let deliveries = host.deliveries("probe").await;
    let mine: Vec<_> = deliveries.iter().filter(|d| d["subscription"] == "probe/single").cloned().collect();
    assert_eq!(ids(&mine), ["first", "first"], "one attempt that failed, one that succeeded");
    assert_eq!(host.subscription("probe/single").await["state"], "ended");
}

#[tokio::test]
async fn order_by_key_holds_across_retries_while_other_keys_go_on() {
    let side = "subscriptions = [{ topic = 'ordered', start = 'first', backoff = { linear = '400ms' } }]";
    let host = Setup::new().probe(side).start().await;
    let mut events = vec![keyed("ordered", "a0", "a", json!({"do": "fail-times", "times": 2}))];
    events.extend((1..10).map(|n| keyed("ordered", &format!("a{n}"), "a", json!({}))));
    events.extend((0..10).map(|n| keyed("ordered", &format!("b{n}"), "b", json!({"do": "slow", "ms": 5}))));
    host.publish_all(events).await;
    let deliveries = host.until_delivered("probe", 22).await;
    let mut by_key: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for delivery in &deliveries {
        by_key.entry(delivery["partitionkey"].as_str().unwrap().to_owned()).or_default().push(delivery.clone());
    }
    let expected: Vec<_> =
        ["a0", "a0"].into_iter().map(str::to_owned).chain((0..10).map(|n| format!("a{n}"))).collect();
    assert_eq!(ids(&by_key["a"]), expected);
    assert_eq!(ids(&by_key["b"]), (0..10).map(|n| format!("b{n}")).collect::<Vec<_>>());
    // The other key did not wait for the 1.2 s of a's retries.
    let (a0_succeeds, b_ends) = (by_key["a"][2]["at"].as_u64(), by_key["b"][9]["at"].as_u64());
    assert!(b_ends < a0_succeeds, "{deliveries:#?}");
    // An event of a key begins only when the one before it has ended.
    assert!(by_key["b"].is_sorted_by(|a, b| a["at"].as_u64().unwrap() + 5_000_000 <= b["at"].as_u64().unwrap()));
}

#[tokio::test]
async fn a_subscription_has_at_most_64_deliveries_under_way_and_publishers_do_not_wait() {
    let config = "[services.probe]\nconcurrency-max = 256\n";
    let side = "subscriptions = [{ topic = 'slow', start = 'first' }]";
    let host = Setup::new().config(config).probe(side).start().await;
    host.publish_all((0..200).map(|n| event("slow", &n.to_string(), json!({"do": "slow", "ms": 300})))).await;
    // Publishing returned though nothing of it can be done yet.
    let mut peak = 0;
    loop {
        let shown = host.subscription("probe/slow").await;
        let in_flight = shown["inFlight"].as_u64().unwrap();
        assert!(in_flight <= 64, "{shown:#}");
        peak = peak.max(in_flight);
        if shown["processed"].as_u64() >= Some(200) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(peak > 8, "deliveries run beside each other: at most {peak} did");
    assert_eq!(host.deliveries("probe").await.len(), 200);
}

#[tokio::test]
async fn a_subscription_with_a_thousand_retries_reads_no_further_until_they_are_settled() {
    let side = "subscriptions = [{ topic = 'blocked', name = 'blocked', start = 'first', backoff = { linear = '1h' } }, \
                { topic = 'blocked', name = 'free', start = 'first', filter = 'id == \"last\"' }]";
    let host = Setup::new().probe(side).start().await;
    let events = (0..2_500).map(|n| event("blocked", &n.to_string(), json!({"do": "retry"})));
    host.publish_all(events.chain([event("blocked", "last", json!({}))])).await;
    let at_rest = |shown: &Value| shown["state"] == "blocked" && shown["inFlight"] == 0;
    let shown = host.until_subscription("blocked", "blocked", at_rest).await;
    // What was read before the thousandth came is still tried: a page of 256, and what was under way.
    let retrying = shown["retrying"].as_u64().unwrap();
    assert!((1_000..=1_000 + 256 + 64).contains(&retrying), "{shown:#}");
    assert!(shown["lag"].as_u64() > Some(0), "{shown:#}");
    // Others go on.
    host.until_subscription("free", "done", |shown| shown["processed"] == 1).await;
    let moved = host.steer("blocked", "seek", json!({"to": "latest"})).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    host.publish(event("blocked", "new", json!({}))).await;
    let reached = async || host.deliveries("probe").await.into_iter().find(|delivery| delivery["id"] == "new");
    host.eventually("the subscription reads on after it was moved", reached).await;
}
