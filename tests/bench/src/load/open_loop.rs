//! Many clients that ask at a fixed rate, whether they are answered or not.
//!
//! Each request has a time at which it is due. Its latency counts from then, not from when it could be sent, so that a
//! server that stalls is charged with what waited meanwhile.
//!
//! The thread never sleeps. So it is on time to a microsecond, where the runtime's timers round up to a millisecond; and
//! servers do not pay for waking it, which costs them more than a request where cores are virtual. It needs a core.

use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::{JoinSet, yield_now},
};

use super::{
    CLIENTS,
    closed_loop::Client,
    contender::{Contender, Outcome},
};

struct OpenLoop<C: Client> {
    name: &'static str,
    pids: Vec<u32>,
    /// Requests a second, all clients together.
    rate: u32,
    target: C::Target,
}

/// A contender that [`CLIENTS`] of these ask so many times a second, in turn.
pub(crate) fn open_loop<C: Client>(
    name: &'static str,
    pids: impl Into<Vec<u32>>,
    rate: u32,
    target: C::Target,
) -> Box<dyn Contender>
where
    C::Target: 'static,
{
    Box::new(OpenLoop::<C> { name, pids: pids.into(), rate, target })
}

// === impl OpenLoop ===

#[async_trait(?Send)]
impl<C: Client> Contender for OpenLoop<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<u32> {
        self.pids.clone()
    }

    async fn run(&self, span: Duration) -> Result<Outcome> {
        let (mut loops, mut clients) = (JoinSet::new(), Vec::new());
        for client in C::connect_all(&self.target, CLIENTS).await? {
            // It is as long as the load lasts at most.
            let (sender, due) = unbounded_channel();
            loops.spawn_local(when_due(client, due));
            clients.push(sender);
        }
        let interval = Duration::from_secs(1) / self.rate;
        let begin = Instant::now();
        let mut due = begin;
        let mut turns = clients.iter().cycle();
        while due < begin + span {
            if due.elapsed().is_zero() {
                // Looks for answers meanwhile, and does not sleep.
                yield_now().await;
                continue;
            }
            // One that failed has ended, and tells why.
            let _ = turns.next().map(|client| client.send(due));
            due += interval;
        }
        drop(clients);
        let mut all = Outcome::default();
        for one in loops.join_all().await {
            all.add(one);
        }
        all.took = begin.elapsed();
        Ok(all)
    }
}

/// Asks whenever it is time, or as soon afterwards as the request before has been answered.
async fn when_due(mut client: impl Client, mut times: UnboundedReceiver<Instant>) -> Outcome {
    let mut outcome = Outcome::default();
    while let Some(due) = times.recv().await {
        match client.once().await {
            Ok(done) => {
                outcome.done += done;
                outcome.latencies.push(due.elapsed());
            }
            Err(error) => {
                outcome.errors.push(format!("{error:#}"));
                return outcome;
            }
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that stalls for a while, once.
    struct Stalling(Duration);

    impl Client for Stalling {
        type Target = Duration;

        async fn connect(stall: &Duration) -> Result<Self> {
            Ok(Self(*stall))
        }

        async fn once(&mut self) -> Result<u64> {
            std::thread::sleep(std::mem::take(&mut self.0));
            Ok(1)
        }
    }

    #[test]
    fn what_is_due_while_a_server_stalls_is_late() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it can be built");
        // The first requests of all clients stall the whole thread: 64 times 5 ms, in which 320 are due.
        let contender = open_loop::<Stalling>("stalling", [], 1_000, Duration::from_millis(5));
        let run = contender.run(Duration::from_millis(500));
        let outcome = tokio::task::LocalSet::new().block_on(&runtime, run).expect("it runs");
        assert!(outcome.errors.is_empty());
        assert_eq!(outcome.done, 500);
        let late = outcome.latencies.iter().filter(|latency| **latency > Duration::from_millis(20)).count();
        assert!(late > 200, "{late}");
    }
}
