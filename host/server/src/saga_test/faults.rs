//! What stands between a case's saga and its participants, and goes wrong as the case says.
//!
//! It outlives the hosts of its case: a fault that was shown once is not shown again after a crash. Commands of other
//! sagas, which plugins may start, pass untouched.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;
use switchyard_core::saga::{Direction, Outcome, SagaId};
use switchyard_delivery::{Carrier, Delivery, Sent, To};
use tokio::sync::Notify;

use super::{
    answers::{answer, failed_for_now, rejected, silence},
    participants::Participants,
    plan::{Case, Fault},
};

/// The carrier of one case.
pub(super) struct Faults {
    case: Case,
    saga: SagaId,
    /// After how long a late answer comes.
    late: Duration,
    /// The steps whose participants are played here.
    simulated: Arc<BTreeSet<u32>>,
    participants: Participants,
    /// How often the fault was shown.
    shown: AtomicU32,
    /// Answers that are to be counted as late.
    late_answers: AtomicU32,
    /// What a participant did wrong.
    wrong: Mutex<BTreeSet<String>>,
    crash: Notify,
}

// === impl Faults ===

impl Faults {
    /// What goes wrong with this saga. What takes place late does so after `late`.
    pub(super) fn new(case: Case, saga: SagaId, late: Duration, simulated: Arc<BTreeSet<u32>>) -> Self {
        Self {
            case,
            saga,
            late,
            simulated,
            participants: Participants::default(),
            shown: AtomicU32::new(0),
            late_answers: AtomicU32::new(0),
            wrong: Mutex::default(),
            crash: Notify::new(),
        }
    }

    /// The books of the participants that are played here.
    pub(super) fn participants(&self) -> &Participants {
        &self.participants
    }

    /// How often the fault was shown.
    pub(super) fn shown(&self) -> u32 {
        self.shown.load(Relaxed)
    }

    /// How many answers come when the saga waits for them no more.
    pub(super) fn late_answers(&self) -> u32 {
        self.late_answers.load(Relaxed)
    }

    /// What participants did wrong, whatever became of the saga.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Resolves when the host has to die.
    pub(super) async fn crashed(&self) {
        self.crash.notified().await;
    }

    /// What is to go wrong with this command now.
    fn fault(&self, sent: &Sent) -> Option<Fault> {
        let trouble = self.case.trouble?;
        let (step, direction) = (sent.command.step, sent.command.direction);
        if (step, direction) == (trouble.step, trouble.direction) {
            return (self.shown.fetch_add(1, Relaxed) == 0 || trouble.always).then_some(trouble.fault);
        }
        let turn = trouble.turn.filter(|turn| (turn.step, Direction::Forward) == (step, direction))?;
        Some(if turn.loses { Fault::Trap } else { Fault::Fail })
    }

    async fn carry_wrongly(&self, delivery: &Arc<Delivery>, sent: Sent, fault: Fault) -> Option<Outcome> {
        match fault {
            Fault::Fail => answer(delivery, &sent, rejected()).await,
            Fault::Retry => answer(delivery, &sent, failed_for_now()).await,
            Fault::TimeOut => silence(&sent).await,
            Fault::Trap => {
                // A participant that answers by events of its own is not asked: what it answers would arrive.
                if self.answers_here(&sent) {
                    self.carry_out(delivery, &sent).await;
                }
                match sent.to {
                    To::Event(_) => None,
                    _ => Some(Outcome::Lost("the participant broke off".to_owned())),
                }
            }
            Fault::Twice => {
                let first = self.carry_out(delivery, &sent).await?;
                let second = self.carry_out(delivery, &sent).await?;
                if matches!(first, Outcome::Done(_)) && first != second {
                    self.note(format!("{} answered the same key otherwise: {first:?}, then {second:?}", sent.name));
                }
                self.late_answers.fetch_add(1, Relaxed);
                match sent.to {
                    To::Event(_) => drop(answer(delivery, &sent, first).await),
                    _ => delivery.answered(&sent.saga_id, sent.command, first).await,
                }
                answer(delivery, &sent, second).await
            }
            Fault::Late => {
                let outcome = self.carry_out(delivery, &sent).await?;
                self.late_answers.fetch_add(1, Relaxed);
                tokio::time::sleep(self.late).await;
                answer(delivery, &sent, outcome).await
            }
            Fault::CrashAfterIntent => self.die().await,
            Fault::CrashAfterEffect => {
                self.carry_out(delivery, &sent).await;
                self.die().await
            }
        }
    }

    /// Whether what a participant answers passes through here.
    fn answers_here(&self, sent: &Sent) -> bool {
        self.simulated.contains(&sent.command.step) || !matches!(sent.to, To::Event(_))
    }

    /// Has a command carried out. None when the participant answers by events of its own.
    async fn carry_out(&self, delivery: &Arc<Delivery>, sent: &Sent) -> Option<Outcome> {
        let is_simulated = self.simulated.contains(&sent.command.step);
        if !is_simulated || matches!(sent.to, To::Event(_)) {
            // What cannot even be published is an outcome.
            let outcome = Box::pin(delivery.carry_out(sent.clone())).await;
            if outcome.is_some() || !is_simulated {
                return outcome;
            }
        }
        self.participants.carry_out(sent.command, &sent.key);
        Some(Outcome::Done(Value::Null))
    }

    fn note(&self, wrong: String) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).insert(wrong);
    }

    async fn die(&self) -> Option<Outcome> {
        self.crash.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Carrier for Faults {
    async fn carry(&self, delivery: &Arc<Delivery>, sent: Sent) -> Option<Outcome> {
        if sent.saga_id != self.saga {
            return Box::pin(delivery.carry_out(sent)).await;
        }
        match self.fault(&sent) {
            Some(fault) => self.carry_wrongly(delivery, sent, fault).await,
            None => {
                let outcome = self.carry_out(delivery, &sent).await?;
                answer(delivery, &sent, outcome).await
            }
        }
    }
}
