//! The host's own events: told after the fact, in order, by whoever must not wait.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use serde_json::Value;
use switchyard_core::event::Draft;
use tokio::sync::mpsc;

use crate::{
    delivery::{Delivery, STORE_RETRY},
    error::Error,
    publish::Publisher,
};

/// Events of the host that wait to be stored; further ones are lost, counted and logged.
const WAITING_MAX: usize = 10_000;

/// Events of the host that are stored in one commit.
const TOGETHER_MAX: usize = 100;

/// What operators did. Only the host says so.
pub const AUDIT: &str = "audit.action";

/// The source of the host's own events.
pub(crate) const SOURCE: &str = "/switchyard";

/// What waits to be told.
pub(crate) struct Announcer {
    sender: mpsc::Sender<Draft>,
    /// Taken by the one task that tells.
    receiver: Mutex<Option<mpsc::Receiver<Draft>>>,
    lost: AtomicU64,
}

fn draft(topic: &'static str, subject: Option<String>, data: &Value) -> Draft {
    Draft { topic: topic.to_owned(), subject, data: Some(data.to_string().into()), ..Draft::default() }
}

// === impl Announcer ===

impl Announcer {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        Self { sender, receiver: Mutex::new(Some(receiver)), lost: AtomicU64::new(0) }
    }
}

// === impl Delivery ===

impl Delivery {
    /// Publishes an event of the host itself, soon. It passes middleware by, and never makes its caller wait.
    pub fn announce(&self, topic: &'static str, subject: Option<String>, data: Value) {
        let draft = draft(topic, subject, &data);
        if self.announcer.sender.try_send(draft).is_err() {
            let lost = self.announcer.lost.fetch_add(1, Relaxed) + 1;
            tracing::error!(topic, lost, "an event of the host is lost: too many wait for the store");
        }
    }

    /// The same, and answers once it is stored.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn record(&self, topic: &'static str, subject: Option<String>, data: Value) -> Result<(), Error> {
        self.publish(Publisher::host(), vec![draft(topic, subject, &data)]).await.map(drop)
    }

    /// Stores what is announced until the host stops; what waits then is stored first.
    pub(crate) async fn announce_all(self: Arc<Self>) {
        let receiver = self.announcer.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut receiver) = receiver else { return };
        let mut waiting = Vec::new();
        loop {
            tokio::select! {
                biased;
                _ = receiver.recv_many(&mut waiting, TOGETHER_MAX) => self.tell(&mut waiting).await,
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Stores these, however long that takes while the host runs.
    async fn tell(&self, waiting: &mut Vec<Draft>) {
        while let Err(error) = self.publish(Publisher::host(), waiting.clone()).await {
            if self.stop.is_cancelled() || !matches!(error, Error::Unavailable(_)) {
                tracing::error!(%error, events = waiting.len(), "events of the host are lost");
                break;
            }
            tokio::time::sleep(STORE_RETRY).await;
        }
        waiting.clear();
    }
}
