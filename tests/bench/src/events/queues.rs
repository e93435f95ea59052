//! Round trips of a queue: enqueue, lease, acknowledge; each answered before the next.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use switchyard_core::timestamp::Timestamp;
use switchyard_store::{Backend, Batch, Embedded, Enqueue, Lease, LeaseRef, Options, Outcome, QueueOp, QueueOutcome};
use switchyard_tests::Setup;

use super::{PAYLOAD_BYTES, bullmq::BullMq, payload, rivals::Rivals};
use crate::{
    client::{
        http::{Http, JSON},
        redis::{Redis, command},
    },
    load::{
        closed_loop::{Client, closed_loop},
        disk::Disk,
        table::Table,
    },
    settings::Settings,
};

const QUEUE: &str = "bench";
const VISIBILITY: Duration = Duration::from_secs(30);

pub(crate) async fn measure(rivals: &Rivals, disk: &Disk, settings: &Settings) -> Result<Value> {
    let host = Setup::new().start().await;
    let folder = tempfile::tempdir()?;
    let store: Store = Arc::new(Embedded::open(Options::new(folder.path().join("store")))?);
    let streams = rivals.start_redis("always")?;
    let group: [&[u8]; 6] = [b"XGROUP", b"CREATE", QUEUE.as_bytes(), b"workers", b"$", b"MKSTREAM"];
    Redis::connect(streams.address).await?.call(&group).await?;
    let table = Table {
        title: "Queue round trip: enqueue, lease, acknowledge; 64 workers",
        unit: "messages",
        contenders: vec![
            closed_loop::<OverHttp>("Switchyard, HTTP", [host.pid()], host.admin),
            closed_loop::<Committer>("Switchyard's store alone", [], store.clone()),
            BullMq::start("BullMQ, Redis always", &rivals.folder, rivals.start_redis("always")?)?,
            BullMq::start("BullMQ, Redis everysec", &rivals.folder, rivals.start_redis("everysec")?)?,
            closed_loop::<Stream>("Redis stream, always", [streams.pid()], streams.address),
        ],
        bases: vec![2, 3, 4],
    };
    let measured = table.measure(disk, settings).await?;
    store.close().await?;
    Ok(measured)
}

/// Three requests to the admin API.
struct OverHttp(Http, String);

impl Client for OverHttp {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        Ok(Self(Http::connect(*to).await?, json!({ "data": "x".repeat(PAYLOAD_BYTES - 2) }).to_string()))
    }

    async fn once(&mut self) -> Result<u64> {
        let queue = format!("/api/v1/queues/{QUEUE}");
        self.0.post(&format!("{queue}/messages"), JSON, &self.1).await?;
        let leased = self.0.post(&format!("{queue}/lease"), JSON, "{}").await?;
        let leased: Value = serde_json::from_slice(&leased)?;
        let message = &leased["messages"][0];
        let id = message["id"].as_str().context("no message was there to lease")?;
        self.0
            .post(&format!("{queue}/messages/{id}/ack"), JSON, &json!({ "token": message["token"] }).to_string())
            .await?;
        Ok(1)
    }
}

type Store = Arc<dyn Backend>;

/// Three commits to the store, in this process.
struct Committer(Store);

impl Client for Committer {
    type Target = Store;

    async fn connect(store: &Store) -> Result<Self> {
        Ok(Self(store.clone()))
    }

    async fn once(&mut self) -> Result<u64> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let id = format!("{:036}", IDS.fetch_add(1, Relaxed));
        let queue: Arc<str> = QUEUE.into();
        let now = Timestamp::from(SystemTime::now());
        self.commit(QueueOp::Enqueue(Enqueue {
            queue: queue.clone(),
            id: id.as_str().into(),
            data: payload().into(),
            priority: 0,
            enqueued_at: now,
            ready_at: now,
            dedup: None,
            size_max: 1_000,
        }))
        .await?;
        let now = Timestamp::from(SystemTime::now());
        let (token, until) = (id.as_str().into(), now.plus(VISIBILITY));
        let lane_wait_max = Duration::from_secs(10);
        let leased =
            self.commit(QueueOp::Lease(Lease { queue: queue.clone(), max: 1, token, now, until, lane_wait_max }));
        let Outcome::Queue(QueueOutcome::Leased(messages)) = leased.await? else { bail!("a lease leased nothing") };
        let message = messages.into_iter().next().context("no message was there to lease")?;
        let token = message.token.context("a leased message has a token")?;
        let now = Timestamp::from(SystemTime::now());
        self.commit(QueueOp::Ack { lease: LeaseRef { queue, id: message.id, token, now } }).await?;
        Ok(1)
    }
}

impl Committer {
    async fn commit(&self, op: QueueOp) -> Result<Outcome> {
        let committed = self.0.commit(Batch::new().with(op)).await?;
        committed.outcomes.into_iter().next().context("an operation has an outcome")
    }
}

/// XADD, XREADGROUP, then XACK and XDEL in one write.
struct Stream {
    redis: Redis,
    add: Vec<u8>,
}

impl Client for Stream {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        let add = command(&[b"XADD", QUEUE.as_bytes(), b"*", b"d", payload().as_bytes()]);
        Ok(Self { redis: Redis::connect(*to).await?, add })
    }

    async fn once(&mut self) -> Result<u64> {
        let queue = QUEUE.as_bytes();
        self.redis.calls(&self.add, 1).await?;
        let read: [&[u8]; 9] =
            [b"XREADGROUP", b"GROUP", b"workers", b"worker", b"COUNT", b"1", b"STREAMS", queue, b">"];
        let leased = self.redis.call(&read).await?;
        let ids = leased.ids();
        ensure!(ids.len() == 1, "no message was there to lease");
        let done = [command(&[b"XACK", queue, b"workers", ids[0]]), command(&[b"XDEL", queue, ids[0]])].concat();
        self.redis.calls(&done, 2).await?;
        Ok(1)
    }
}
