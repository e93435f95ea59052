//! Sagas that are started until the host is gone, and what was promised to those who started them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Client, Host};
use tokio::task::JoinSet;

/// Starts at a time.
const AT_ONCE: u64 = 64;

/// All orders of a test by the ids of their sagas, and whether the host said that it has them. Otherwise it may or may
/// not have them.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<String, bool>>);

/// An order, all of which follows from its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// In cents, up to 10.00.
    pub(super) amount: u64,
    /// Pieces of `p1`.
    pub(super) quantity: u64,
    /// The command that goes wrong, and how.
    pub(super) fault: Option<(&'static str, &'static str)>,
}

/// Starts under way; they end when the host does.
pub(super) struct Load {
    starts: JoinSet<()>,
    open: Arc<AtomicU64>,
}

// === impl Ledger ===

impl Ledger {
    fn note(&self, id: &str, acknowledged: bool) {
        self.0.lock().unwrap().insert(id.to_owned(), acknowledged);
    }

    /// All of them.
    pub(super) fn orders(&self) -> BTreeMap<String, bool> {
        self.0.lock().unwrap().clone()
    }
}

// === impl Order ===

impl Order {
    /// The order of a saga's id, which ends with its number.
    pub(super) fn of(id: &str) -> Self {
        let number: u64 = id.rsplit('-').next().and_then(|number| number.parse().ok()).expect("it ends with a number");
        let fault = match number % 16 {
            3 => Some(("shipping.create", "fail")),
            7 => Some(("payment.charge", "fail")),
            11 => Some(("payment.charge", "trap")),
            15 => Some(("inventory.reserve", "fail")),
            _ => None,
        };
        Self { amount: 1 + number * 7 % 1_000, quantity: 1 + number % 3, fault }
    }

    fn data(self, id: &str) -> Value {
        let mut data = json!({
            "orderId": id, "customerId": "crash", "amount": json!(self.amount as f64 / 100.0),
            "items": [{"productId": "p1", "quantity": self.quantity}],
        });
        if let Some((command, how)) = self.fault {
            data["simulate"] = json!({command: how});
        }
        data
    }
}

// === impl Load ===

impl Load {
    /// Starts sagas, as long as fewer than `open` are open.
    pub(super) async fn start(host: &Host, round: u64, ledger: &Arc<Ledger>, most: u64) -> Self {
        let (mut starts, open) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
        let connect = async || Client::connect(host.admin).await.expect("the host runs");
        starts.spawn(watch(connect().await, open.clone()));
        for worker in 0..AT_ONCE {
            let (mut client, ledger, open) = (connect().await, ledger.clone(), open.clone());
            starts.spawn(async move {
                for n in 0.. {
                    while open.load(Relaxed) >= most {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        // Whether the host is there is seen by whoever watches.
                        if open.load(Relaxed) == u64::MAX {
                            return;
                        }
                    }
                    let id = format!("r{round}-{}", n * AT_ONCE + worker);
                    ledger.note(&id, false);
                    let body = json!({"sagaName": "orders", "sagaId": id, "data": Order::of(&id).data(&id)});
                    let headers = [("content-type", "application/json")];
                    let answer = client.send_with(Method::POST, "/api/v1/sagas", &headers, body.to_string()).await;
                    // A connection that broke says nothing of what it carried.
                    let Ok(answer) = answer else { return };
                    match answer.status.as_u16() {
                        201 => ledger.note(&id, true),
                        // Its definition, or its store, is on its way.
                        404 | 503 => tokio::time::sleep(Duration::from_millis(10)).await,
                        _ => panic!("{id}: {} {}", answer.status, answer.text()),
                    }
                }
            });
        }
        Self { starts, open }
    }

    /// How many sagas were open a moment ago.
    pub(super) fn open(&self) -> u64 {
        self.open.load(Relaxed)
    }

    /// Waits until so many are open.
    pub(super) async fn until_open(&self, host: &Host, count: u64) {
        host.eventually(&format!("{count} sagas are open"), async || (self.open() >= count).then_some(())).await;
    }

    /// Waits for the starts, whose host is gone.
    pub(super) async fn end(mut self) {
        while let Some(ended) = self.starts.join_next().await {
            ended.expect("a start ends by itself");
        }
    }
}

/// Keeps count of what is open; at the end of the host it is more than can be.
async fn watch(mut client: Client, open: Arc<AtomicU64>) {
    loop {
        let stats = client.get("/api/v1/sagas/stats").await.ok().filter(|answer| answer.status == 200);
        let count = stats.and_then(|answer| answer.json()["open"].as_u64());
        open.store(count.unwrap_or(u64::MAX), Relaxed);
        if count.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
