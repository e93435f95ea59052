//! What starts a saga and the saga, through crashes: an order that its service writes in the same commit, and an event.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Client, Host, Random, bus::event};
use tokio::task::JoinSet;

use super::audit::settle;
use crate::shop;

/// Rounds, each of which ends with a kill.
const ROUNDS: u64 = 5;

/// The latest moment of a kill, in ms after the host is ready.
const KILLED_WITHIN: u64 = 600;

/// Sagas that were promised, and the order of each, if it has one.
type Promised = Arc<Mutex<BTreeMap<String, Option<String>>>>;

/// Places orders, or publishes events that start sagas, until the host is gone.
async fn ask(mut client: Client, name: String, promised: Promised) {
    for n in 0.. {
        let id = format!("{name}-{n}");
        let start = json!({"sagaName": "process-order", "sagaId": id, "data": shop::order(&id)});
        let by_event = name.starts_with('e');
        let (path, content_type, body) = if by_event {
            ("/api/v1/events", "application/cloudevents+json", event("saga.start", &id, start))
        } else {
            ("/api/orders", "application/json", shop::order("unsaid"))
        };
        let answer = client.send_with(Method::POST, path, &[("content-type", content_type)], body.to_string()).await;
        let Ok(answer) = answer else { return };
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
        let said = |member: &str| answer.json()[member].as_str().map(str::to_owned);
        let (saga, order) = if by_event { (Some(id), None) } else { (said("sagaId"), said("orderId")) };
        promised.lock().unwrap().insert(saga.expect("an order has a saga"), order);
    }
}

/// Waits until an order is told how its saga ended.
async fn check_order(host: &Host, order: &str, status: &Value) {
    let told = async || Some(host.books("orders", order).await).filter(|order| order["status"] == *status);
    host.eventually(&format!("the order {order} is {status}"), told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_or_event_and_its_saga_are_there_together_after_crashes() {
    let seed = Random::seed();
    eprintln!("SWITCHYARD_SEED={seed}");
    let (mut random, promised) = (Random(seed), Promised::default());
    let mut setup = shop::setup(&[]);
    for round in 0..ROUNDS {
        let (host, mut asking) = (setup.start().await, JoinSet::new());
        for n in 0..8 {
            let (kind, to) = if n < 4 { ('e', host.admin) } else { ('o', host.gateway) };
            let client = Client::connect(to).await.expect("the host runs");
            asking.spawn(ask(client, format!("{kind}{round}{n}"), promised.clone()));
        }
        tokio::time::sleep(Duration::from_millis(random.below(KILLED_WITHIN))).await;
        setup = host.kill();
        asking.join_all().await;
    }
    let host = setup.start().await;
    let promised = promised.lock().unwrap().clone();
    let mut ended = Vec::new();
    let all_there = async || {
        settle(&host).await;
        let completed = host.sagas("status=completed").await;
        promised.keys().all(|id| completed.binary_search(id).is_ok()).then_some(completed)
    };
    ended.extend(host.eventually("all that was promised is completed", all_there).await);
    for id in &ended {
        // An order that was not acknowledged may be there; then its saga is, and the other way round.
        if let Some(order) = id.strip_prefix("order-") {
            check_order(&host, order, &json!("completed")).await;
            shop::check_fulfilled(&host, order).await;
        } else {
            shop::check_fulfilled(&host, id).await;
        }
    }
    for order in promised.values().flatten() {
        check_order(&host, order, &json!("completed")).await;
    }
    assert_eq!(host.events("saga.started").await.len(), ended.len());
    assert_eq!(host.events("saga.completed").await.len(), ended.len());
    assert_eq!(host.dead_letters("").await, Vec::<Value>::new());
    shop::check_reserved(&host, i64::try_from(2 * ended.len()).unwrap()).await;
    eprintln!("{} sagas, {} of them promised", ended.len(), promised.len());
}
