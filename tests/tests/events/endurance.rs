//! Events that flow while plugins are reloaded, and while others flood the host.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{event, keyed},
    component_bytes,
};

const EVENTS: u32 = 5_000;
const KEYS: u32 = 50;
const RELOADS: usize = 6;

/// Events of a subscription that may come again though they were done: EVENTS.md says so of a crash. A reload is none.
const REDELIVERED_MAX: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_order_by_key_holds_while_the_subscriber_is_reloaded() {
    let side = "subscriptions = [{ topic = 'flow', start = 'first', backoff = { linear = '20ms' } }]";
    let host = Setup::new().probe(side).start().await;
    let versions = [component_bytes("probe-next"), component_bytes("probe")];
    let flow = async {
        for start in (0..EVENTS).step_by(100) {
            let deed = |n| if n % 97 == 0 { json!({"do": "fail-times", "times": 1}) } else { json!({}) };
            let events = (start..start + 100).map(|n| keyed("flow", &n.to_string(), &(n % KEYS).to_string(), deed(n)));
            host.publish_all(events).await;
        }
    };
    let reload = async {
        for round in 0..RELOADS {
            host.rename_into_place("probe", &versions[round % 2]);
            let version = ["2.0.0", "1.0.0"][round % 2];
            let is_live = |plugin: &Value| plugin["state"] == "active" && plugin["version"] == version;
            host.until("probe", version, is_live).await;
        }
    };
    tokio::join!(flow, reload);
    let done = |shown: &Value| shown["processed"].as_u64() >= Some(EVENTS.into()) && shown["inFlight"] == 0;
    host.until_subscription("probe/flow", "done", done).await;
    let deliveries = host.deliveries("probe").await;
    let ids: BTreeSet<_> = deliveries.iter().map(|delivery| delivery["id"].to_string()).collect();
    assert_eq!(ids.len(), EVENTS as usize, "none is lost");
    let failures = (0..EVENTS).filter(|n| n % 97 == 0).count();
    let again = deliveries.len() - ids.len() - failures;
    assert!(again <= REDELIVERED_MAX, "{again} came again");
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for delivery in &deliveries {
        let (key, sequence) = (delivery["partitionkey"].as_str().unwrap(), delivery["sequence"].as_u64().unwrap());
        let before = last.insert(key, sequence).unwrap_or(0);
        assert!(before <= sequence, "the key {key} went back from {before} to {sequence}");
    }
    assert_eq!(host.dead_letters("").await.len(), 0);
}

/// What the subscriptions that do not flood are declared as.
const QUIET: &str = "{ topic = 'quiet', name = 'least', priority = -100, start = 'first' }, \
                     { topic = 'quiet', name = 'most', priority = 100, start = 'first' }";

/// The declaration of the subscription `floodN`.
fn flood(n: u32) -> String {
    format!("{{ topic = 'flood', name = 'flood{n}', start = 'first' }}")
}

/// Floods the host until so many deliveries are under way, and checks that an event of the service's quiet
/// subscriptions is handled nevertheless: at once by the one that goes before the flood, and within its bound by the
/// one that goes after it.
async fn is_served(host: &Host, service: &str, under_way: u64) {
    let slow = (0..1_500).map(|n| event("flood", &n.to_string(), json!({"do": "slow", "ms": 2_000})));
    host.publish_all(slow).await;
    let full = async || {
        let mut in_flight = 0;
        for n in 0..4 {
            in_flight += host.subscription(&format!("flood{n}")).await["inFlight"].as_u64().unwrap();
        }
        (in_flight >= under_way).then_some(())
    };
    host.eventually("the places are taken", full).await;
    let published = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    host.publish(event("quiet", "patient", json!({}))).await;
    let served = async || {
        let mut served = host.deliveries(service).await;
        served.retain(|delivery| delivery["id"] == "patient");
        (served.len() == 2).then_some(served)
    };
    let served = host.eventually("both are served", served).await;
    let lag = host.subscription("flood0").await["lag"].as_u64();
    assert!(lag > Some(0), "the flood still flows: {lag:?}");
    let waited = |name: &str| {
        let mine = served.iter().find(|delivery| delivery["subscription"] == name).unwrap();
        Duration::from_nanos(mine["at"].as_u64().unwrap() - published)
    };
    let (most, least) = (waited("most"), waited("least"));
    // Where several places are free at once, both are called at once.
    assert!(most <= least + Duration::from_millis(100), "{served:#?}");
    // 10 s until it goes before all others, and what the places under way still take.
    assert!(least <= Duration::from_secs(20), "{served:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_subscription_is_served_within_its_bound_when_others_hold_all_places_of_the_host() {
    // Four services at 64 deliveries each hold all 256.
    let flooded = |setup: Setup, n| setup.probe_as(&format!("flood{n}"), &format!("subscriptions = [{}]", flood(n)));
    let setup = (0..4).fold(Setup::new(), flooded);
    let host = setup.probe_as("quiet", &format!("subscriptions = [{QUIET}]")).start().await;
    is_served(&host, "quiet", 250).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_subscription_is_served_within_its_bound_when_others_hold_all_calls_of_its_service() {
    let floods = (0..4).map(flood).collect::<Vec<_>>().join(", ");
    let host = Setup::new().probe(&format!("subscriptions = [{floods}, {QUIET}]")).start().await;
    is_served(&host, "probe", 60).await;
}
