//! Fan-out: one publisher, and subscribers that each get every event and acknowledge it.
//!
//! The publisher sends 100 events at a time, waits until they are stored, and keeps at most 5,000 ahead of the slowest
//! subscriber. The clock stops when all that was published has come everywhere.

mod jetstream;
mod redis;
mod switchyard;

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::Value;
use tokio::{sync::Notify, task::JoinSet};

use self::{
    jetstream::{Jet, Sending},
    redis::Streams,
    switchyard::{Guests, Webhooks},
};
use super::rivals::Rivals;
use crate::{
    load::{contender::Outcome, disk::Disk, table::Table},
    settings::Settings,
};

/// The topic, subject or stream.
const TOPIC: &str = "bench.fanned";

/// Events that are published at once.
const TOGETHER: usize = 100;

/// Events that the publisher may be ahead of the slowest subscriber.
const AHEAD: u64 = 5_000;

/// Events that a subscriber of a rival asks for at once: what a subscription of ours has under way.
const UNDER_WAY: usize = 64;

/// To one subscriber, then to four.
pub(crate) async fn measure(rivals: &Rivals, disk: &Disk, settings: &Settings) -> Result<Vec<Value>> {
    let one = table("Fan-out to one subscriber", 1, rivals).await?.measure(disk, settings).await?;
    let four = table("Fan-out to four subscribers", 4, rivals).await?.measure(disk, settings).await?;
    Ok(vec![one, four])
}

async fn table(title: &'static str, subscribers: usize, rivals: &Rivals) -> Result<Table> {
    let always = rivals.start_nats(Some("always"))?;
    let default = rivals.start_nats(None)?;
    Ok(Table {
        title,
        unit: "deliveries",
        contenders: vec![
            Box::new(Webhooks::start(subscribers).await?),
            Box::new(Guests::start(subscribers).await),
            Box::new(Jet::start("JetStream, always", Sending::Batches, always, subscribers).await?),
            Box::new(Jet::start("JetStream, no fsync before the answer", Sending::Window, default, subscribers).await?),
            Box::new(Streams::start("Redis stream, always", rivals.start_redis("always")?, subscribers)),
        ],
        bases: vec![2, 3, 4],
    })
}

/// Who publishes.
trait Publisher {
    /// Publishes [`TOGETHER`] events, and waits until all are stored.
    async fn publish(&mut self) -> Result<()>;
}

/// How many events each subscriber has had.
struct Counts {
    each: Vec<Cell<u64>>,
    changed: Notify,
}

// === impl Counts ===

impl Counts {
    fn new(subscribers: usize) -> Rc<Self> {
        Rc::new(Self { each: vec![Cell::new(0); subscribers], changed: Notify::new() })
    }

    fn add(&self, subscriber: usize, events: u64) {
        self.set(subscriber, self.each[subscriber].get() + events);
    }

    fn set(&self, subscriber: usize, events: u64) {
        self.each[subscriber].set(events);
        self.changed.notify_one();
    }

    fn reset(&self) {
        self.each.iter().for_each(|count| count.set(0));
    }

    /// Waits until all subscribers have had so many.
    async fn until(&self, events: u64) {
        while self.each.iter().any(|count| count.get() < events) {
            self.changed.notified().await;
        }
    }
}

/// Publishes for so long while the subscribers count, and waits for the last event. The subscribers run until then.
async fn stream(
    mut publisher: impl Publisher,
    counts: &Counts,
    mut subscribers: JoinSet<Result<()>>,
    span: Duration,
) -> Result<Outcome> {
    let begin = Instant::now();
    let publish = async {
        let mut published = 0;
        while begin.elapsed() < span {
            publisher.publish().await?;
            published += TOGETHER as u64;
            counts.until(published.saturating_sub(AHEAD)).await;
        }
        counts.until(published).await;
        Ok::<_, anyhow::Error>(published)
    };
    let published = tokio::select! {
        published = publish => published?,
        Some(ended) = subscribers.join_next() => {
            ended??;
            bail!("a subscriber ended before its time");
        }
    };
    let took = begin.elapsed();
    let done = counts.each.iter().map(Cell::get).sum();
    // All is well here, so an event that comes twice is a fault.
    let twice = done - published * counts.each.len() as u64;
    let errors = Some(format!("{twice} events came twice")).filter(|_| twice > 0).into_iter().collect();
    Ok(Outcome { done, took, latencies: Vec::new(), errors })
}
