//! A million events in the log: how long a start takes then, and how much memory. Measured when it is asked for.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Client, Host, Setup, bus::event};

const EVENTS: u32 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_events_do_not_weigh_on_a_start() {
    if std::env::var_os("SWITCHYARD_MILLION").is_none() {
        eprintln!("not measured: SWITCHYARD_MILLION is not set");
        return;
    }
    let side = "subscriptions = [{ topic = 'million', name = 'million' }]";
    let host = Setup::new().probe(side).config("[services.probe.config]\nquiet = 'true'\n").start().await;
    let empty = resident(&host);
    let since = Instant::now();
    let mut client = Client::connect(host.admin).await.unwrap();
    for start in (0..EVENTS).step_by(1_000) {
        let events: Vec<Value> =
            (start..start + 1_000).map(|n| event("million", &n.to_string(), json!({"n": n}))).collect();
        let headers = [("content-type", "application/cloudevents-batch+json")];
        let body = Value::from(events).to_string();
        let answer = client.send_with(Method::POST, "/api/v1/events", &headers, body).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    eprintln!("published {EVENTS} events in {:.1?}", since.elapsed());
    let is_done = |shown: &Value| shown["lag"] == 0 && shown["inFlight"] == 0;
    while !is_done(&host.subscription("million").await) {
        assert!(since.elapsed() < Duration::from_secs(3_600), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!("delivered after {:.1?}; resident {} MiB, {empty} MiB when empty", since.elapsed(), resident(&host));
    let setup = host.kill();
    let since = Instant::now();
    let host = setup.start().await;
    eprintln!("ready {:.2?} after a crash; resident {} MiB", since.elapsed(), resident(&host));
    let topics = host.items("/api/v1/topics").await;
    let million = topics.iter().find(|topic| topic["name"] == "million").unwrap();
    assert_eq!(million["events"], EVENTS);
    host.subscribed("million").await;
    host.publish(event("million", "one more", json!({}))).await;
    host.until_subscription("million", "at the end", |shown| shown["lag"] == 0 && shown["inFlight"] == 0).await;
}

/// The host's resident memory in MiB; 0 where the system does not tell.
fn resident(host: &Host) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) / 1024
}
