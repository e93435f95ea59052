//! Which sagas have completed, read from the host's own log of events by one reader for all who wait.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::client::http::Http;

/// How long the reader rests between two looks while somebody waits.
const LOOK: Duration = Duration::from_millis(2);

/// After this time without use the reader connects anew: the host closes what is idle.
const IDLE: Duration = Duration::from_secs(1);

/// How long a saga may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The reader, ended when dropped.
pub(super) struct Ends {
    shared: Rc<Shared>,
    reading: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    waiting: RefCell<HashMap<String, oneshot::Sender<()>>>,
    /// Those that completed before anybody waited for them.
    early: RefCell<HashSet<String>>,
    wanted: Notify,
    failure: RefCell<Option<String>>,
    /// The event that was read last.
    cursor: Cell<u64>,
}

// === impl Ends ===

impl Ends {
    /// Reads on this host's admin API; one saga has completed there.
    pub(super) fn start(admin: SocketAddr) -> Self {
        let shared = Rc::<Shared>::default();
        let reading = shared.clone();
        let reading = tokio::task::spawn_local(async move {
            if let Err(error) = reading.read(admin).await {
                reading.fail(&error);
            }
        });
        Self { shared, reading }
    }

    /// Waits until this saga has completed.
    pub(super) async fn of(&self, saga: &str) -> Result<()> {
        if self.shared.early.borrow_mut().remove(saga) {
            return Ok(());
        }
        if let Some(failure) = &*self.shared.failure.borrow() {
            bail!("the host's events cannot be read: {failure}");
        }
        let (completed, wait) = oneshot::channel();
        self.shared.waiting.borrow_mut().insert(saga.to_owned(), completed);
        self.shared.wanted.notify_one();
        let waited = timeout(PATIENCE, wait).await.with_context(|| format!("the saga {saga} does not complete"))?;
        waited.context("the host's events cannot be read")
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

// === impl Shared ===

impl Shared {
    async fn read(&self, admin: SocketAddr) -> Result<()> {
        let (mut http, mut used) = (Http::connect(admin).await?, Instant::now());
        loop {
            // Nobody else's round is disturbed.
            while self.waiting.borrow().is_empty() {
                self.wanted.notified().await;
            }
            if used.elapsed() > IDLE {
                http = Http::connect(admin).await?;
            }
            used = Instant::now();
            let path = format!("/api/v1/events?topic=saga.completed&limit=1000&cursor={}", self.cursor.get());
            let page: Value = serde_json::from_slice(&http.get(&path).await?)?;
            for event in page["items"].as_array().context("a page has items")? {
                self.cursor.set(event["sequence"].as_u64().context("an event has a place")?);
                self.note(event["subject"].as_str().context("the event tells of a saga")?);
            }
            if page["next"].is_null() {
                sleep(LOOK).await;
            }
        }
    }

    fn note(&self, saga: &str) {
        match self.waiting.borrow_mut().remove(saga) {
            // Who gave up waiting is not told.
            Some(completed) => drop(completed.send(())),
            None => drop(self.early.borrow_mut().insert(saga.to_owned())),
        }
    }

    fn fail(&self, error: &anyhow::Error) {
        *self.failure.borrow_mut() = Some(format!("{error:#}"));
        self.waiting.borrow_mut().clear();
    }
}
