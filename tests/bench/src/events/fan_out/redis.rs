//! Consumer groups of a Redis stream, one for each subscriber.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{Counts, Publisher, TOGETHER, TOPIC, UNDER_WAY, stream};
use crate::{
    client::redis::{Redis, command},
    events::payload,
    load::contender::{Contender, Outcome},
    server::Server,
};

pub(super) struct Streams {
    name: &'static str,
    server: Server,
    subscribers: usize,
}

// === impl Streams ===

impl Streams {
    pub(super) fn start(name: &'static str, server: Server, subscribers: usize) -> Self {
        Self { name, server, subscribers }
    }
}

#[async_trait(?Send)]
impl Contender for Streams {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.server.pid()]
    }

    async fn run(&self, span: Duration) -> Result<Outcome> {
        let address = self.server.address;
        let counts = Counts::new(self.subscribers);
        let mut control = Redis::connect(address).await?;
        let mut subscribers = JoinSet::new();
        for n in 0..self.subscribers {
            let group = group(n);
            control.call(&[b"XGROUP", b"CREATE", TOPIC.as_bytes(), group.as_bytes(), b"$", b"MKSTREAM"]).await?;
            subscribers.spawn_local(subscribe(address, n, counts.clone()));
        }
        let add = command(&[b"XADD", TOPIC.as_bytes(), b"*", b"d", payload().as_bytes()]);
        let pipeline = Pipeline { redis: Redis::connect(address).await?, all: add.repeat(TOGETHER) };
        let outcome = stream(pipeline, &counts, subscribers, span).await?;
        for n in 0..self.subscribers {
            control.call(&[b"XGROUP", b"DESTROY", TOPIC.as_bytes(), group(n).as_bytes()]).await?;
        }
        Ok(outcome)
    }
}

/// Reads for ever, and acknowledges what each read brought in one command.
async fn subscribe(address: SocketAddr, n: usize, counts: Rc<Counts>) -> Result<()> {
    let mut redis = Redis::connect(address).await?;
    let (topic, group, count) = (TOPIC.as_bytes(), group(n), UNDER_WAY.to_string());
    let group = group.as_bytes();
    let read: [&[u8]; 11] = [
        b"XREADGROUP",
        b"GROUP",
        group,
        b"one",
        b"COUNT",
        count.as_bytes(),
        b"BLOCK",
        b"1000",
        b"STREAMS",
        topic,
        b">",
    ];
    loop {
        let events = redis.call(&read).await?;
        let ids = events.ids();
        if !ids.is_empty() {
            redis.call(&[&[b"XACK", topic, group], &ids[..]].concat()).await?;
            counts.add(n, ids.len() as u64);
        }
    }
}

fn group(n: usize) -> String {
    format!("group-{n}")
}

/// Commands that are written at once.
struct Pipeline {
    redis: Redis,
    all: Vec<u8>,
}

impl Publisher for Pipeline {
    async fn publish(&mut self) -> Result<()> {
        self.redis.calls(&self.all, TOGETHER).await.map(drop)
    }
}
