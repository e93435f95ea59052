//! Publishers that never rest: each sends one thing after the other, until the host is gone.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Client, Host, bus::keyed};
use tokio::task::JoinSet;

use crate::ledger::{Deed, Kind, Ledger};

/// How a publisher sends.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// An event over the admin API.
    Http,
    /// Ten events in one batch over the admin API.
    Batch,
    /// An event by a guest's import.
    Guest,
    /// A value, an event and a message by a guest, in one commit.
    Commit,
    /// A message over the admin API.
    Enqueue,
    /// A message by a guest's import.
    GuestEnqueue,
}

const WAYS: [Way; 7] = [Way::Http, Way::Http, Way::Batch, Way::Guest, Way::Commit, Way::Enqueue, Way::GuestEnqueue];

/// One publisher.
struct Publisher {
    number: usize,
    way: Way,
    round: u64,
    ledger: Arc<Ledger>,
    sent: Arc<AtomicU64>,
}

/// Publishers under way; they end when the host does.
pub(crate) struct Load {
    publishers: JoinSet<()>,
    sent: Arc<AtomicU64>,
}

// === impl Load ===

impl Load {
    /// Starts the publishers of one round.
    pub(crate) async fn start(host: &Host, round: u64, ledger: &Arc<Ledger>) -> Self {
        let (mut publishers, sent) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
        for (number, way) in WAYS.into_iter().enumerate() {
            let to = match way {
                Way::Http | Way::Batch | Way::Enqueue => host.admin,
                Way::Guest | Way::Commit | Way::GuestEnqueue => host.gateway,
            };
            let client = Client::connect(to).await.expect("the host runs");
            let publisher = Publisher { number, way, round, ledger: ledger.clone(), sent: sent.clone() };
            publishers.spawn(publisher.run(client));
        }
        Self { publishers, sent }
    }

    /// How many requests were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Waits for the publishers, whose host is gone.
    pub(crate) async fn end(mut self) {
        while let Some(ended) = self.publishers.join_next().await {
            ended.expect("a publisher ends by itself");
        }
    }
}

// === impl Publisher ===

impl Publisher {
    async fn run(self, mut client: Client) {
        for n in 0.. {
            let ids: Vec<String> = match self.way {
                Way::Batch => (0..10).map(|place| self.id(n, place)).collect(),
                _ => vec![self.id(n, 0)],
            };
            let kind = match self.way {
                Way::Http | Way::Batch | Way::Guest => Kind::Event,
                Way::Enqueue | Way::GuestEnqueue => Kind::Message,
                Way::Commit => Kind::Both,
            };
            for id in &ids {
                self.ledger.promise(id, kind, deed(id));
            }
            let (path, content_type, body) = self.request(n, &ids);
            let answer =
                client.send_with(Method::POST, path, &[("content-type", content_type)], body.to_string()).await;
            // A connection that broke says nothing of what it carried.
            let Ok(answer) = answer else { return };
            if answer.status == 503 {
                // It is stopping, or was not there yet.
                return;
            }
            assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
            self.sent.fetch_add(1, Relaxed);
            for id in &ids {
                self.ledger.acknowledge(id);
            }
        }
    }

    fn id(&self, n: u64, place: u64) -> String {
        format!("r{}-p{}-n{n}-{place}", self.round, self.number)
    }

    /// Path, content type and body. Each publisher has four keys of its own.
    fn request(&self, n: u64, ids: &[String]) -> (&'static str, &'static str, Value) {
        let key = format!("p{}-k{}", self.number, n % 4);
        let id = &ids[0];
        let data = deed(id).data(id);
        let event = |id: &String| keyed("ledger.http", id, &key, deed(id).data(id));
        let draft = json!({
            "topic": "ledger.guest", "id": id, "source": "/tests", "partitionkey": key, "data": data,
        });
        let message = json!({"queue": "ledger", "data": data, "dedupId": id});
        match self.way {
            Way::Http => ("/api/v1/events", "application/cloudevents+json", event(id)),
            Way::Batch => {
                let events: Vec<Value> = ids.iter().map(event).collect();
                ("/api/v1/events", "application/cloudevents-batch+json", events.into())
            }
            Way::Guest => ("/probe/publish", "application/json", draft),
            Way::Commit => {
                let put = json!({"put": format!("v/{id}"), "value": id});
                ("/probe/batch", "application/json", json!([put, {"publish": draft}, {"enqueue": message}]))
            }
            Way::Enqueue => {
                let body = json!({"data": data, "dedupId": id});
                ("/api/v1/queues/ledger/messages", "application/json", body)
            }
            Way::GuestEnqueue => ("/probe/enqueue", "application/json", message),
        }
    }
}

/// What becomes of the thing of this id follows from the id.
fn deed(id: &str) -> Deed {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Deed::of(hash >> 32)
}
