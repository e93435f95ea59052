//! Many clients at once, each of which asks again once it is answered.

use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{
    CLIENTS,
    contender::{Contender, Outcome},
};

/// A client that has one request in flight at a time.
pub(crate) trait Client: Sized + 'static {
    /// Where it connects to.
    type Target;

    async fn connect(target: &Self::Target) -> Result<Self>;

    /// So many clients, where some can share a connection.
    async fn connect_all(target: &Self::Target, clients: usize) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for _ in 0..clients {
            all.push(Self::connect(target).await?);
        }
        Ok(all)
    }

    /// Asks, waits for the answer, and says how much of what is counted went all the way.
    async fn once(&mut self) -> Result<u64>;
}

struct ClosedLoop<C: Client> {
    name: &'static str,
    pids: Vec<u32>,
    clients: usize,
    target: C::Target,
}

/// A contender that is loaded by [`CLIENTS`] of these.
pub(crate) fn closed_loop<C: Client>(
    name: &'static str,
    pids: impl Into<Vec<u32>>,
    target: C::Target,
) -> Box<dyn Contender>
where
    C::Target: 'static,
{
    closed_loop_of::<C>(CLIENTS, name, pids, target)
}

/// A contender that is loaded by so many.
pub(crate) fn closed_loop_of<C: Client>(
    clients: usize,
    name: &'static str,
    pids: impl Into<Vec<u32>>,
    target: C::Target,
) -> Box<dyn Contender>
where
    C::Target: 'static,
{
    Box::new(ClosedLoop::<C> { name, pids: pids.into(), clients, target })
}

// === impl ClosedLoop ===

#[async_trait(?Send)]
impl<C: Client> Contender for ClosedLoop<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<u32> {
        self.pids.clone()
    }

    async fn run(&self, span: Duration) -> Result<Outcome> {
        let clients = C::connect_all(&self.target, self.clients).await?;
        let begin = Instant::now();
        let mut loops = JoinSet::new();
        for client in clients {
            loops.spawn_local(repeat(client, begin + span));
        }
        let mut all = Outcome::default();
        for one in loops.join_all().await {
            all.add(one);
        }
        all.took = begin.elapsed();
        Ok(all)
    }
}

async fn repeat(mut client: impl Client, end: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return outcome;
        }
        match client.once().await {
            Ok(done) => {
                outcome.done += done;
                // A call that does many says nothing about one.
                if done == 1 {
                    outcome.latencies.push(sent.elapsed());
                }
            }
            Err(error) => {
                outcome.errors.push(format!("{error:#}"));
                return outcome;
            }
        }
    }
}
