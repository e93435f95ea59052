//! What holds of a saga now: the questions on which decisions, refusals and the legality of events agree.

use super::{
    Saga,
    definition::{OnFailure, Wait, Work},
    event::{FailureKind, StuckReason},
    id::{CommandId, Direction},
    run::{Effect, RunState},
    state::{Phase, StepState},
};
use crate::timestamp::Timestamp;

/// Why a saga cannot be turned back.
pub(super) const PAST_PIVOT: &str = "its pivot is done, so that it can only go forward";
pub(super) const PIVOT_UNKNOWN: &str = "its pivot may have been done already";

impl Saga {
    /// Whether this very attempt is intended and has no outcome yet. No other command may be sent or answered.
    #[must_use]
    pub fn is_open(&self, command: &CommandId) -> bool {
        let run = self.state.run(command.step, command.direction);
        run.is_some_and(|run| run.is_open() && run.last(command.step, command.direction) == *command)
    }

    /// The attempt of this step that has no outcome yet: what an answer means that names a saga and a step only.
    ///
    /// That it was done, such an answer proves, and that it was rejected. That it failed otherwise may have been said
    /// of an earlier attempt: [`Outcome::Lost`](super::Outcome::Lost) is what then is known.
    #[must_use]
    pub fn open_command(&self, step: u32) -> Option<CommandId> {
        self.open().map(|(command, _)| command).find(|command| command.step == step)
    }

    /// All attempts without an outcome, with their deadlines.
    pub(super) fn open(&self) -> impl Iterator<Item = (CommandId, Timestamp)> {
        (0..).zip(&self.state.steps).flat_map(|(index, step)| {
            let runs = [(Direction::Forward, &step.forward), (Direction::Compensation, &step.compensation)];
            runs.into_iter().filter_map(move |(direction, run)| match run.state {
                RunState::Open { deadline } => Some((run.last(index, direction), deadline)),
                _ => None,
            })
        })
    }

    /// Whether this attempt was intended once, whatever became of it.
    pub(super) fn was_intended(&self, command: &CommandId) -> bool {
        let Some(run) = self.state.run(command.step, command.direction) else { return false };
        // How many attempts an earlier round had is not kept.
        let of_this_round = command.round == run.round && command.attempt <= run.attempt;
        command.attempt > 0 && command.round > 0 && (command.round < run.round || of_this_round)
    }

    /// Whether a command that failed like this is tried again by itself.
    pub(super) fn may_retry(&self, command: &CommandId, kind: FailureKind) -> bool {
        let Some(step) = self.definition.command_step(command.step) else { return false };
        let Some(run) = self.state.run(command.step, command.direction) else { return false };
        let goes_on = match command.direction {
            Direction::Forward => self.state.is_advancing(),
            Direction::Compensation => self.state.phase == Phase::Compensating,
        };
        goes_on
            && matches!(kind, FailureKind::Retry | FailureKind::Lost)
            && run.counted() < step.retry(command.direction).max_attempts
    }

    /// Whether the pivot was done. A rejection of it settles that a lost attempt did nothing, since a participant
    /// answers a key as it did the first time.
    pub(super) fn pivot_effect(&self) -> Effect {
        let Some(pivot) = self.definition.pivot() else { return Effect::No };
        let run = &self.state.steps[pivot as usize].forward;
        match run.state {
            RunState::Open { .. } => run.effect.max(Effect::Maybe),
            RunState::Failed { rejected: true } => Effect::No,
            _ => run.effect,
        }
    }

    /// What a failed step means: why the saga is stuck, or none if it turns back.
    pub(super) fn verdict(&self) -> Option<StuckReason> {
        let pivot = self.definition.pivot().and_then(|pivot| self.definition.command_step(pivot));
        let can_undo_pivot = pivot.is_some_and(|pivot| pivot.has_compensation());
        match (self.pivot_effect(), self.definition.on_failure()) {
            (Effect::Yes, _) | (_, OnFailure::Stuck) => Some(StuckReason::StepFailed),
            (Effect::Maybe, _) if !can_undo_pivot => Some(StuckReason::PivotUnknown),
            _ => None,
        }
    }

    /// Whether somebody can have it undone; else why not.
    pub(super) fn can_turn_back(&self) -> Result<(), &'static str> {
        let is_open_to_it = match &self.state.phase {
            Phase::Forward => self.state.failed.is_none() || self.verdict().is_some(),
            Phase::Stuck { direction, .. } => *direction == Direction::Forward,
            _ => false,
        };
        match self.pivot_effect() {
            _ if !is_open_to_it => Err("it turns back already, or has ended"),
            Effect::Yes => Err(PAST_PIVOT),
            Effect::Maybe => Err(PIVOT_UNKNOWN),
            Effect::No => Ok(()),
        }
    }

    /// Whether an operator can force compensation; else why not. Unlike [`can_turn_back`](Self::can_turn_back), of a
    /// saga that is stuck since nobody knows of its pivot: the operator does.
    pub(super) fn can_force_compensation(&self) -> Result<(), &'static str> {
        match &self.state.phase {
            Phase::Stuck { direction: Direction::Compensation, .. } => Ok(()),
            Phase::Stuck { .. } if self.pivot_effect() != Effect::Yes => Ok(()),
            _ => self.can_turn_back(),
        }
    }

    /// Whether a step has to be undone before the saga has failed cleanly.
    pub(super) fn is_owed(&self, index: u32, step: &StepState) -> bool {
        let has_compensation = self.definition.command_step(index).is_some_and(|step| step.has_compensation());
        has_compensation && step.forward.effect != Effect::No && step.compensation.state != RunState::Done
    }

    /// The step to be undone next: the one that was done last.
    pub(super) fn next_undo(&self) -> Option<u32> {
        let owed = (0..).zip(&self.state.steps).filter(|(index, step)| self.is_owed(*index, step));
        owed.max_by_key(|(_, step)| step.order).map(|(index, _)| index)
    }

    /// The step that a signal is for: the first that waits for it, or will, and has none yet.
    pub(super) fn signal_target(&self, signal: &str) -> Option<u32> {
        let may_go_on = match &self.state.phase {
            Phase::Forward => self.state.failed.is_none() || self.verdict().is_some(),
            Phase::Stuck { direction, .. } => *direction == Direction::Forward,
            _ => false,
        };
        let mut steps = (0..).zip(self.definition.steps()).filter(|_| may_go_on);
        let is_for = |index: u32| {
            let step = &self.state.steps[index as usize];
            step.signal.is_none() && !matches!(step.forward.state, RunState::Done | RunState::Dropped)
        };
        steps
            .find(|(index, step)| {
                matches!(&step.work, Work::Wait(Wait::Signal { name, .. }) if name == signal) && is_for(*index)
            })
            .map(|(index, _)| index)
    }
}
