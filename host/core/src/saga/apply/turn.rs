//! Events that change which way a saga goes.

use serde_json::{Map, Value};

use super::{Legal, require};
use crate::{
    saga::{CRASHES_MAX, Direction, Saga, event::StuckReason, run::RunState, state::Phase},
    timestamp::Timestamp,
};

/// The error of a saga that was cancelled.
const CANCELLED: &str = "cancelled";

/// The error of a saga that an operator had undone, when nothing else was wrong with it.
const FORCED: &str = "compensation was forced";

// === impl Saga ===

impl Saga {
    pub(super) fn on_cancelled(&mut self) -> Legal {
        self.can_turn_back()?;
        self.state.error = Some(CANCELLED.to_owned());
        self.state.phase = Phase::TurningBack;
        Ok(())
    }

    pub(super) fn on_compensation_forced(&mut self) -> Legal {
        self.can_force_compensation()?;
        if let Phase::Stuck { direction: Direction::Compensation, .. } = self.state.phase {
            return self.on_retried(None);
        }
        let error = self.error().unwrap_or(FORCED).to_owned();
        self.state.error = Some(error);
        self.state.phase = Phase::TurningBack;
        Ok(())
    }

    pub(super) fn on_retried(&mut self, data: Option<&Map<String, Value>>) -> Legal {
        let Phase::Stuck { direction, .. } = self.state.phase else {
            return Err("it is not stuck");
        };
        match direction {
            Direction::Forward => {
                for index in self.members() {
                    let run = &mut self.state.steps[index as usize].forward;
                    if matches!(run.state, RunState::Failed { .. }) {
                        run.retry();
                    }
                }
                self.state.failed = None;
                self.state.error = None;
                self.state.phase = Phase::Forward;
            }
            Direction::Compensation => {
                if let Some(index) = self.next_undo() {
                    self.state.steps[index as usize].compensation.retry();
                }
                self.state.phase = Phase::Compensating;
            }
        }
        if let Some(data) = data {
            self.state.data.clone_from(data);
        }
        self.state.crashes = 0;
        Ok(())
    }

    pub(super) fn on_compensation_started(&mut self, error: &str) -> Legal {
        let turns_back = match self.state.phase {
            Phase::TurningBack => true,
            Phase::Forward => self.state.failed.is_some() && self.verdict().is_none(),
            _ => false,
        };
        require(turns_back, "nothing turned it back")?;
        require(self.open().next().is_none(), "commands are under way")?;
        for step in &mut self.state.steps {
            match step.forward.state {
                RunState::Idle | RunState::Waiting { .. } => step.forward.state = RunState::Dropped,
                RunState::Backoff { .. } => step.forward.state = RunState::Failed { rejected: false },
                _ => {}
            }
            step.signal = None;
        }
        self.state.error = Some(error.to_owned());
        self.state.phase = Phase::Compensating;
        Ok(())
    }

    pub(super) fn on_stuck(&mut self, reason: StuckReason, error: &str, at: Timestamp) -> Legal {
        let is_open = self.open().next().is_some();
        let is_compensating = self.state.phase == Phase::Compensating;
        let holds = match reason {
            StuckReason::StepFailed | StuckReason::PivotUnknown => {
                let has_failed = self.state.phase == Phase::Forward && self.state.failed.is_some();
                has_failed && !is_open && self.verdict() == Some(reason)
            }
            StuckReason::CompensationFailed => {
                let undo = self.next_undo().map(|index| self.state.steps[index as usize].compensation.state);
                is_compensating && matches!(undo, Some(RunState::Failed { .. }))
            }
            StuckReason::Crashes => {
                let goes_on = is_compensating || self.state.is_advancing();
                goes_on && is_open && self.state.crashes >= CRASHES_MAX
            }
        };
        require(holds, "it can go on")?;
        self.lose_open(at);
        let direction = if is_compensating { Direction::Compensation } else { Direction::Forward };
        self.state.phase = Phase::Stuck { reason, error: error.to_owned(), direction };
        Ok(())
    }

    pub(super) fn on_completed(&mut self, at: Timestamp) -> Legal {
        require(self.state.is_advancing() && self.state.stage == self.definition.stages(), "steps are left")?;
        self.state.phase = Phase::Completed;
        self.state.ended_at = Some(at);
        Ok(())
    }

    pub(super) fn on_failed_cleanly(&mut self, at: Timestamp) -> Legal {
        let is_clean = self.state.phase == Phase::Compensating && self.next_undo().is_none();
        require(is_clean, "something is left to undo")?;
        self.state.phase = Phase::Failed;
        self.state.ended_at = Some(at);
        Ok(())
    }
}
