//! Durable pull consumers of JetStream, with explicit acknowledgement.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Counts, Publisher, TOGETHER, TOPIC, UNDER_WAY, stream};
use crate::{
    client::nats::{Message, Nats, publication},
    events::payload,
    load::contender::{Contender, Outcome},
    server::Server,
};

const STREAM: &str = "bench";

/// How its publisher sends many events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// As atomic batches: one fsync for all of it, also where none is asked for.
    Batches,
    /// As requests that are all in flight at once.
    Window,
}

pub(super) struct Jet {
    name: &'static str,
    sending: Sending,
    server: Server,
    subscribers: usize,
}

// === impl Jet ===

impl Jet {
    pub(super) async fn start(
        name: &'static str,
        sending: Sending,
        server: Server,
        subscribers: usize,
    ) -> Result<Self> {
        let stream = json!({ "name": STREAM, "subjects": [TOPIC], "storage": "file", "allow_atomic": true });
        Nats::connect(server.address).await?.api(&format!("STREAM.CREATE.{STREAM}"), &stream.to_string()).await?;
        Ok(Self { name, sending, server, subscribers })
    }
}

#[async_trait(?Send)]
impl Contender for Jet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.server.pid()]
    }

    async fn run(&self, span: Duration) -> Result<Outcome> {
        let address = self.server.address;
        let counts = Counts::new(self.subscribers);
        let mut control = Nats::connect(address).await?;
        let mut subscribers = JoinSet::new();
        for n in 0..self.subscribers {
            let config = json!({
                "durable_name": format!("consumer-{n}"), "ack_policy": "explicit", "deliver_policy": "new",
            });
            let create = json!({ "stream_name": STREAM, "config": config });
            control.api(&format!("CONSUMER.CREATE.{STREAM}.consumer-{n}"), &create.to_string()).await?;
            subscribers.spawn_local(subscribe(address, n, counts.clone()));
        }
        let nats = Nats::connect(address).await?;
        let outcome = match self.sending {
            Sending::Batches => stream(Batches { nats, number: 0 }, &counts, subscribers, span).await?,
            Sending::Window => {
                let all = publication(TOPIC, &nats.inbox, payload().as_bytes()).repeat(TOGETHER);
                stream(Window { nats, all }, &counts, subscribers, span).await?
            }
        };
        for n in 0..self.subscribers {
            control.api(&format!("CONSUMER.DELETE.{STREAM}.consumer-{n}"), "").await?;
        }
        Ok(outcome)
    }
}

/// Pulls for ever, two requests ahead, so that the server never waits for one.
async fn subscribe(address: SocketAddr, n: usize, counts: Rc<Counts>) -> Result<()> {
    let mut nats = Nats::connect(address).await?;
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{STREAM}.consumer-{n}");
    let pull = publication(&subject, &nats.inbox, json!({ "batch": UNDER_WAY }).to_string().as_bytes());
    nats.write(&pull.repeat(2)).await?;
    let mut pulled = 0;
    loop {
        let mut writing = Vec::new();
        let mut events = 0;
        let mut next = Some(nats.next().await?);
        while let Some(Message { reply, .. }) = next {
            writing.extend(publication(&reply, "", b"+ACK"));
            events += 1;
            pulled += 1;
            if pulled % UNDER_WAY == 0 {
                writing.extend_from_slice(&pull);
            }
            next = nats.arrived().await?;
        }
        nats.write(&writing).await?;
        counts.add(n, events);
    }
}

/// Atomic batches: one commit, and one answer for all of it.
struct Batches {
    nats: Nats,
    number: u64,
}

impl Publisher for Batches {
    async fn publish(&mut self) -> Result<()> {
        self.number += 1;
        let payload = payload();
        let mut batch = Vec::new();
        for place in 1..=TOGETHER {
            let (commit, reply) = match place {
                TOGETHER => ("Nats-Batch-Commit: 1\r\n", self.nats.inbox.as_str()),
                _ => ("", ""),
            };
            let head =
                format!("NATS/1.0\r\nNats-Batch-Id: {}\r\nNats-Batch-Sequence: {place}\r\n{commit}\r\n", self.number);
            let size = head.len() + payload.len();
            batch.extend(format!("HPUB {TOPIC} {reply} {} {size}\r\n{head}{payload}\r\n", head.len()).into_bytes());
        }
        self.nats.write(&batch).await?;
        self.nats.stored().await
    }
}

/// Requests to the stream, all in flight at once.
struct Window {
    nats: Nats,
    all: Vec<u8>,
}

impl Publisher for Window {
    async fn publish(&mut self) -> Result<()> {
        self.nats.write(&self.all).await?;
        for _ in 0..TOGETHER {
            self.nats.stored().await?;
        }
        Ok(())
    }
}
