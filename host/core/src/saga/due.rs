//! Which events are due now, of those that nobody but the saga itself brings about.

use super::{
    CRASHES_MAX, CommandId, Direction, Saga, What,
    definition::{Wait, Work},
    event::{FailureKind, StuckReason},
    run::{Run, RunState},
    state::Phase,
};
use crate::timestamp::Timestamp;

/// The error of an attempt whose deadline passed.
const NO_ANSWER: &str = "no answer came in time";

// === impl Saga ===

impl Saga {
    /// The events that are due, all of which may be applied in this order.
    pub(super) fn due(&self, now: Timestamp, jitter: f64) -> Vec<What> {
        match self.state.phase {
            Phase::Forward if self.state.failed.is_none() => self.due_forward(now, jitter),
            Phase::Forward | Phase::TurningBack => self.due_at_turn(now).into_iter().collect(),
            Phase::Compensating => self.due_back(now, jitter).into_iter().collect(),
            Phase::Stuck { .. } | Phase::Completed | Phase::Failed => Vec::new(),
        }
    }

    /// When something is due again.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.state.phase {
            Phase::Forward if self.state.failed.is_none() => {
                self.members().filter_map(|index| self.state.steps[index as usize].forward.deadline()).min()
            }
            Phase::Forward | Phase::TurningBack => self.open().map(|(_, deadline)| deadline).min(),
            Phase::Compensating => self.state.run(self.next_undo()?, Direction::Compensation)?.deadline(),
            Phase::Stuck { .. } | Phase::Completed | Phase::Failed => None,
        }
    }

    fn due_forward(&self, now: Timestamp, jitter: f64) -> Vec<What> {
        if self.state.stage == self.definition.stages() {
            return vec![What::Completed];
        }
        // These change what the other steps may do, so that they go alone.
        let mut alone = self.members().filter_map(|index| self.due_alone(index, now, jitter));
        if let Some(what) = self.due_parking().or_else(|| alone.next()) {
            return vec![what];
        }
        self.members().filter_map(|index| self.due_beginning(index, now)).collect()
    }

    fn due_alone(&self, index: u32, now: Timestamp, jitter: f64) -> Option<What> {
        let (state, run) = (&self.state.steps[index as usize], &self.state.steps[index as usize].forward);
        match (&self.definition.step(index)?.work, run.state) {
            (Work::Command(_), _) => self.due_loss(index, Direction::Forward, now, jitter),
            (Work::Wait(wait), RunState::Idle) => {
                let signal = state.signal.as_ref()?;
                match self.has_room(index, &signal.data) {
                    Ok(()) => Some(What::WaitStarted { step: index, until: wait.until(now) }),
                    Err(error) => Some(What::WaitFailed { step: index, error }),
                }
            }
            (Work::Wait(Wait::Signal { name, .. }), RunState::Waiting { until: Some(until) }) if until <= now => {
                Some(What::WaitFailed { step: index, error: format!("the signal '{name}' did not come in time") })
            }
            _ => None,
        }
    }

    fn due_beginning(&self, index: u32, now: Timestamp) -> Option<What> {
        let run = &self.state.steps[index as usize].forward;
        match (&self.definition.step(index)?.work, run.state) {
            (Work::Command(_), _) => self.due_intent(index, Direction::Forward, now),
            (Work::Wait(wait), RunState::Idle) => Some(What::WaitStarted { step: index, until: wait.until(now) }),
            (Work::Wait(Wait::Timer(_)), RunState::Waiting { until: Some(until) }) if until <= now => {
                Some(What::TimerFired { step: index })
            }
            _ => None,
        }
    }

    /// Once nothing is under way any more, which is waited for so that no command runs beside its compensation, the
    /// saga turns back or stops.
    fn due_at_turn(&self, now: Timestamp) -> Option<What> {
        // Nothing is tried again here, so that the jitter is of no concern.
        let mut steps = (0..).zip(&self.state.steps).map(|(index, _)| index);
        if let Some(loss) = steps.find_map(|index| self.due_loss(index, Direction::Forward, now, 0.0)) {
            return Some(loss);
        }
        if self.open().next().is_some() {
            return None;
        }
        let error = self.state.error.clone().unwrap_or_default();
        match self.verdict() {
            Some(reason) if self.state.phase == Phase::Forward => Some(What::Stuck { reason, error }),
            _ => Some(What::CompensationStarted { error }),
        }
    }

    fn due_back(&self, now: Timestamp, jitter: f64) -> Option<What> {
        let Some(index) = self.next_undo() else { return Some(What::FailedCleanly) };
        let run = &self.state.steps[index as usize].compensation;
        if let RunState::Failed { .. } = run.state {
            let why = run.error.as_deref().unwrap_or_default();
            let error = format!("the compensation of {} failed: {why}", self.called(index));
            return Some(What::Stuck { reason: StuckReason::CompensationFailed, error });
        }
        self.due_parking()
            .or_else(|| self.due_loss(index, Direction::Compensation, now, jitter))
            .or_else(|| self.due_intent(index, Direction::Compensation, now))
    }

    fn due_parking(&self) -> Option<What> {
        let crashes = self.state.crashes;
        let error = || format!("the host crashed {crashes} times while its commands were under way");
        (crashes >= CRASHES_MAX && self.open().next().is_some())
            .then(|| What::Stuck { reason: StuckReason::Crashes, error: error() })
    }

    fn due_loss(&self, index: u32, direction: Direction, now: Timestamp, jitter: f64) -> Option<What> {
        let run = self.state.run(index, direction)?;
        let is_lost = matches!(run.state, RunState::Open { deadline } if deadline <= now);
        let error = || NO_ANSWER.to_owned();
        is_lost.then(|| self.failure(run.last(index, direction), FailureKind::Lost, error(), now, jitter))
    }

    fn due_intent(&self, index: u32, direction: Direction, now: Timestamp) -> Option<What> {
        let run = self.state.run(index, direction)?;
        let is_due = match run.state {
            RunState::Idle => true,
            RunState::Backoff { until } => until <= now,
            _ => false,
        };
        let deadline = now.plus(self.definition.command_step(index)?.timeout);
        is_due.then(|| What::Intended { command: run.next(index, direction), deadline })
    }

    /// The failure of an attempt, with the time of the next one if there is one.
    pub(super) fn failure(
        &self,
        command: CommandId,
        kind: FailureKind,
        error: String,
        now: Timestamp,
        jitter: f64,
    ) -> What {
        let step = self.definition.command_step(command.step).filter(|_| self.may_retry(&command, kind));
        let counted = self.state.run(command.step, command.direction).map_or(1, Run::counted);
        let again = step.map(|step| now.plus(step.retry(command.direction).backoff.delay(counted, jitter)));
        What::Failed { command, kind, error, again }
    }
}

// === impl Wait ===

impl Wait {
    fn until(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Timer(after) => Some(now.plus(after.0)),
            Self::Signal { timeout, .. } => timeout.map(|timeout| now.plus(timeout.0)),
        }
    }
}
