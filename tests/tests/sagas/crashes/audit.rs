//! Compares what was promised with how the sagas ended, and with what the services' books say of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use switchyard_tests::Host;
use tokio::task::JoinSet;

use super::load::{Ledger, Order};
use crate::shop::STOCK;

/// How long nothing may move before everything has ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// Orders whose books are read at once.
const AT_ONCE: usize = 16;

/// Waits until no saga is open any more, however many there are.
pub(super) async fn settle(host: &Host) {
    let (mut before, mut since) = (Value::Null, Instant::now());
    loop {
        let stats = host.saga_stats().await;
        if stats["open"] == 0 {
            return;
        }
        let now = ["open", "completed", "failed"].map(|name| stats[name].clone()).into();
        if now != before {
            (before, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "nothing moves: {stats:#}\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every saga that was acknowledged has ended as its order is to, was told of once, and the books are those of the
/// completed ones.
pub(super) async fn check(host: &Host, ledger: &Ledger) {
    let orders = ledger.orders();
    let completed: BTreeSet<String> = host.sagas("status=completed").await.into_iter().collect();
    let failed: BTreeSet<String> = host.sagas("status=failed").await.into_iter().collect();
    let stuck = host.sagas("status=stuck").await;
    if let Some(id) = stuck.first() {
        panic!("{} are stuck, one of them {:#}\n{:#?}", stuck.len(), host.saga(id).await, host.saga_history(id).await);
    }
    eprintln!("{} orders, {} completed, {} failed", orders.len(), completed.len(), failed.len());
    let lost = orders
        .iter()
        .filter(|(id, is_acknowledged)| **is_acknowledged && !completed.contains(*id) && !failed.contains(*id));
    assert_eq!(lost.collect::<Vec<_>>(), [], "acknowledged sagas are lost");
    let unknown = completed.union(&failed).filter(|id| !orders.contains_key(*id));
    assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&String>::new(), "nobody asked for them");
    let wrong = completed.iter().filter(|id| Order::of(id).fault.is_some());
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&String>::new(), "they met a fault, and are completed");
    let wrong = failed.iter().filter(|id| Order::of(id).fault.is_none());
    for id in wrong.clone() {
        eprintln!("{:#}\n{:#?}", host.saga(id).await, host.saga_history(id).await);
    }
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&String>::new(), "they met no fault, and failed");
    told_once(host, "saga.started", completed.union(&failed)).await;
    told_once(host, "saga.completed", completed.iter()).await;
    told_once(host, "saga.failed", failed.iter()).await;

    let reserved: u64 = completed.iter().map(|id| Order::of(id).quantity).sum();
    let stock = json!({"available": STOCK.cast_unsigned() - reserved, "reserved": reserved});
    assert_eq!(host.books("inventory", "p1").await, stock);
    let (mut charged, mut expected) = (0, 0);
    for (id, (paid, shipped)) in books(host, completed.union(&failed)).await {
        let (order, is_completed) = (Order::of(&id), completed.contains(&id));
        let cents = |name: &str| cents(&paid[name]);
        let expected_net = if is_completed { order.amount } else { 0 };
        assert_eq!(cents("charged") - cents("refunded"), expected_net, "{id}: {paid}");
        assert!(cents("charged") <= order.amount, "{id} is charged twice: {paid}");
        assert_eq!(shipped == "created", is_completed, "{id}: {shipped}");
        charged += cents("charged") - cents("refunded");
        expected += expected_net;
    }
    assert_eq!(charged, expected);
}

/// An amount of money in cents; of nothing, 0.
fn cents(amount: &Value) -> u64 {
    format!("{:.0}", amount.as_f64().unwrap_or(0.0) * 100.0).parse().expect("an amount is not negative")
}

/// Each of these sagas was told of on this topic once, and no other one was.
async fn told_once<'a>(host: &Host, topic: &str, sagas: impl Iterator<Item = &'a String>) {
    let mut told: Vec<String> =
        host.events(topic).await.iter().map(|event| event["subject"].as_str().unwrap().to_owned()).collect();
    told.sort();
    let sagas: Vec<String> = sagas.cloned().collect();
    assert!(told == sagas, "{topic}: {} events of {} sagas", told.len(), sagas.len());
}

/// What was paid for each order, and where its shipment is.
async fn books<'a>(host: &Host, sagas: impl Iterator<Item = &'a String>) -> BTreeMap<String, (Value, Value)> {
    let all: Vec<String> = sagas.cloned().collect();
    let (mut readers, mut books) = (JoinSet::new(), BTreeMap::new());
    for some in all.chunks(all.len().div_ceil(AT_ONCE).max(1)) {
        let (some, mut client) = (some.to_vec(), host.client().await);
        readers.spawn(async move {
            let mut read = Vec::new();
            for id in some {
                let mut ask = async |kind: &str| {
                    let answer = client.get(&format!("/api/{kind}/{id}")).await.expect("the gateway answers");
                    assert!(answer.status == 200 || answer.status == 404, "{id}: {}", answer.text());
                    if answer.status == 200 { answer.json() } else { Value::Null }
                };
                let (paid, shipped) = (ask("payments").await, ask("shipments").await["status"].clone());
                read.push((id, (paid, shipped)));
            }
            read
        });
    }
    while let Some(read) = readers.join_next().await {
        books.extend(read.expect("the books can be read"));
    }
    books
}
