//! Durable publishing: one event, one answer, and the answer means that it is on disk.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use anyhow::Result;
use serde_json::{Value, json};
use switchyard_core::timestamp::Timestamp;
use switchyard_store::{Append, Backend, Batch, Embedded, LogOp, Options};
use switchyard_tests::Setup;

use super::{PAYLOAD_BYTES, payload, rivals::Rivals};
use crate::{
    client::{
        http::{CLOUD_EVENT, Http},
        nats::{Nats, publication},
        redis::{Redis, command},
    },
    load::{
        closed_loop::{Client, closed_loop},
        disk::Disk,
        table::Table,
    },
    settings::Settings,
};

/// The topic, subject or stream.
const TOPIC: &str = "bench.published";

/// Events that a guest publishes one by one in a call, so that the call's own cost is spread thin.
const ONE_BY_ONE: u64 = 32;

/// Events that a guest publishes in one commit.
const TOGETHER: u64 = 100;

pub(crate) async fn measure(rivals: &Rivals, disk: &Disk, settings: &Settings) -> Result<Value> {
    let host = Setup::new().side("bench", "guests = 'reused'").plugin("bench", "bench-guest").start().await;
    host.until("bench", "optimised", |plugin| plugin["tier"] == "optimised").await;
    let folder = tempfile::tempdir()?;
    let store: Store = Arc::new(Embedded::open(Options::new(folder.path().join("store")))?);
    let jet_always = rivals.start_nats(Some("always"))?;
    let jet_default = rivals.start_nats(None)?;
    let redis_always = rivals.start_redis("always")?;
    for server in [&jet_always, &jet_default] {
        let stream = json!({ "name": "bench", "subjects": [TOPIC], "storage": "file" });
        Nats::connect(server.address).await?.api("STREAM.CREATE.bench", &stream.to_string()).await?;
    }
    let pid = [host.pid()];
    let table = Table {
        title: "Durable publish: 64 publishers, each with one event in flight",
        unit: "events",
        contenders: vec![
            closed_loop::<OverHttp>("Switchyard, HTTP", pid, host.admin),
            closed_loop::<Guest<ONE_BY_ONE>>("Switchyard, import, one by one", pid, (host.gateway, "one")),
            closed_loop::<Guest<TOGETHER>>("Switchyard, import, 100 in a commit", pid, (host.gateway, "many")),
            closed_loop::<Appender>("Switchyard's store alone", [], store.clone()),
            closed_loop::<Jet>("JetStream, always", [jet_always.pid()], jet_always.address),
            closed_loop::<Jet>("JetStream, no fsync before the answer", [jet_default.pid()], jet_default.address),
            closed_loop::<Stream>("Redis stream, always", [redis_always.pid()], redis_always.address),
        ],
        bases: vec![4, 5, 6],
    };
    let measured = table.measure(disk, settings).await?;
    store.close().await?;
    Ok(measured)
}

/// Structured CloudEvents to the admin API.
struct OverHttp(Http, String);

impl Client for OverHttp {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        let event = format!(r#"{{"specversion":"1.0","type":"{TOPIC}","data":{}}}"#, payload());
        Ok(Self(Http::connect(*to).await?, event))
    }

    async fn once(&mut self) -> Result<u64> {
        self.0.post("/api/v1/events", CLOUD_EVENT, &self.1).await?;
        Ok(1)
    }
}

/// A guest that is told to publish so many.
struct Guest<const EVENTS: u64>(Http, String);

impl<const EVENTS: u64> Client for Guest<EVENTS> {
    type Target = (SocketAddr, &'static str);

    async fn connect((to, how): &Self::Target) -> Result<Self> {
        Ok(Self(Http::connect(*to).await?, format!("/bench/{how}/{EVENTS}")))
    }

    async fn once(&mut self) -> Result<u64> {
        self.0.post(&self.1, "text/plain", "").await?;
        Ok(EVENTS)
    }
}

type Store = Arc<dyn Backend>;

/// One append to the store, in this process.
struct Appender(Store);

impl Client for Appender {
    type Target = Store;

    async fn connect(store: &Store) -> Result<Self> {
        Ok(Self(store.clone()))
    }

    async fn once(&mut self) -> Result<u64> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let now = Timestamp::from(SystemTime::now());
        let append = Append {
            topic: TOPIC.into(),
            source: "/bench".into(),
            // As long as a UUIDv7, and rising as one does.
            id: format!("{:036}", IDS.fetch_add(1, Relaxed)).into(),
            duplicates_since: now.minus(Duration::from_secs(24 * 60 * 60)),
            published_at: now,
            volatile: false,
            record: vec![b'x'; PAYLOAD_BYTES].into(),
        };
        self.0.commit(Batch::new().with(LogOp::Append(append))).await?;
        Ok(1)
    }
}

/// A request to a stream of JetStream.
struct Jet(Nats, Vec<u8>);

impl Client for Jet {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        let nats = Nats::connect(*to).await?;
        let request = publication(TOPIC, &nats.inbox, payload().as_bytes());
        Ok(Self(nats, request))
    }

    async fn once(&mut self) -> Result<u64> {
        self.0.write(&self.1).await?;
        self.0.stored().await?;
        Ok(1)
    }
}

/// XADD to a stream of Redis.
struct Stream(Redis, Vec<u8>);

impl Client for Stream {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        let add = command(&[b"XADD", TOPIC.as_bytes(), b"*", b"d", payload().as_bytes()]);
        Ok(Self(Redis::connect(*to).await?, add))
    }

    async fn once(&mut self) -> Result<u64> {
        self.0.calls(&self.1, 1).await?;
        Ok(1)
    }
}
