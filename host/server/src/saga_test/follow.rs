//! Follows the saga of a case until it has ended, or its host has to die, and does what somebody outside would do.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use switchyard_core::saga::{
    Status,
    definition::{OnFailure, Step, Wait, Work},
};

use super::{bench::Bench, faults::Faults, host::Host, plan::Case, run::CASE_MAX, verdict::End};

/// How often it is looked how a saga stands.
pub(super) const LOOK: Duration = Duration::from_millis(5);

/// Lines of a history that are read at once, and the most that are shown.
const LINES: usize = 1_000;
const LINES_MAX: usize = 5_000;

/// Why a saga is not followed any more.
pub(super) enum Over {
    /// The host has to die.
    Crashed,
    Ended(End),
    /// It did not end in time.
    Never(String),
}

// === impl Bench ===

impl Bench {
    /// Follows a saga until it has ended or the host has to die; sends the signals that it waits for, and has it undone,
    /// once (`forced`), when it was kept for an operator to do so.
    pub(super) async fn follow(
        &self,
        host: &Host,
        case: &Case,
        faults: &Faults,
        forced: &mut bool,
        until: Instant,
    ) -> anyhow::Result<Over> {
        let (delivery, id) = (host.delivery(), case.id());
        let is_kept = case.trouble.is_some_and(|trouble| trouble.turn.is_some())
            && self.definition.on_failure() == OnFailure::Stuck;
        let followed = async {
            loop {
                let saga = delivery.saga(&id).await?;
                match status(&saga)? {
                    Status::Stuck if is_kept && !*forced => {
                        *forced = true;
                        delivery.compensate_saga(&id).await.context("it cannot be undone by an operator")?;
                    }
                    status @ (Status::Completed | Status::Failed | Status::Stuck) => {
                        return Ok(Over::Ended(end(host, case, &saga, status).await?));
                    }
                    status if Instant::now() >= until => {
                        let (at, seconds) = (&saga["currentStep"], CASE_MAX.as_secs());
                        return Ok(Over::Never(format!("it did not end in {seconds} s; it is {status}, at step {at}")));
                    }
                    _ => self.send_signals(host, &id, &saga).await?,
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            () = faults.crashed() => Ok(Over::Crashed),
            followed = followed => followed,
        }
    }

    async fn send_signals(&self, host: &Host, id: &str, saga: &Value) -> anyhow::Result<()> {
        for (index, step) in self.definition.steps().iter().enumerate() {
            if let Step { work: Work::Wait(Wait::Signal { name, .. }), .. } = step
                && saga["steps"][index]["status"] == "waiting"
            {
                let sent = host.delivery().signal_saga(id, name, json!({})).await;
                sent.with_context(|| format!("it does not take the signal '{name}'"))?;
            }
        }
        Ok(())
    }
}

/// Where a saga stands.
pub(super) fn status(saga: &Value) -> anyhow::Result<Status> {
    serde_json::from_value(saga["status"].clone()).context("the saga has no status")
}

/// How a saga has ended.
async fn end(host: &Host, case: &Case, saga: &Value, status: Status) -> anyhow::Result<End> {
    let mut end = End { status, error: saga["error"].as_str().map(str::to_owned), stuck: None };
    if status == Status::Stuck {
        let step = saga["currentStep"].as_u64().and_then(|step| step.try_into().ok());
        let lines = history(host, case).await?;
        let reason = lines.iter().rev().find(|line| !line["reason"].is_null()).map(|line| line["reason"].clone());
        let reason = reason.and_then(|reason| serde_json::from_value(reason).ok());
        end.stuck = step.zip(reason);
    }
    Ok(end)
}

/// What has happened in the saga of a case.
pub(super) async fn history(host: &Host, case: &Case) -> anyhow::Result<Vec<Value>> {
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let page = host.delivery().saga_history(&case.id(), after, LINES).await?;
        lines.extend(page.items);
        after = page.next.and_then(|next| next.parse().ok());
        if after.is_none() || lines.len() >= LINES_MAX {
            return Ok(lines);
        }
    }
}
