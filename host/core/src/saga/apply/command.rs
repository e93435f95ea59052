//! Events of commands: their intents, and what became of them.

use serde_json::Value;

use super::{Legal, require};
use crate::{
    saga::{
        CommandId, Direction, LATE_ANSWERS_MAX, Saga,
        event::FailureKind,
        run::{Effect, Run, RunState},
        state::Phase,
    },
    timestamp::Timestamp,
};

/// What is said of an attempt that the owner of a saga left behind.
const LEFT_BEHIND: &str = "the host stopped while it was under way";

// === impl Saga ===

impl Saga {
    pub(super) fn on_intended(&mut self, command: CommandId, deadline: Timestamp, at: Timestamp) -> Legal {
        let step = self.definition.command_step(command.step);
        require(step.is_some_and(|step| step.command(command.direction).is_some()), "the step has no such command")?;
        match command.direction {
            Direction::Forward => {
                require(self.state.is_advancing(), "no further step may begin")?;
                require(self.members().contains(&command.step), "it is not this step's turn")?;
            }
            Direction::Compensation => {
                require(self.state.phase == Phase::Compensating, "it does not compensate")?;
                require(self.next_undo() == Some(command.step), "another step was done later")?;
            }
        }
        let run = self.run_mut(command)?;
        require(matches!(run.state, RunState::Idle | RunState::Backoff { .. }), "it has begun already, or has ended")?;
        require(run.next(command.step, command.direction) == command, "it is not the next attempt")?;
        run.attempt = command.attempt;
        run.state = RunState::Open { deadline };
        run.started_at = run.started_at.or(Some(at));
        Ok(())
    }

    pub(super) fn on_succeeded(&mut self, command: CommandId, result: &Value, at: Timestamp) -> Legal {
        let run = self.open_mut(command)?;
        match command.direction {
            Direction::Forward => self.complete(command.step, result.clone(), at),
            Direction::Compensation => {
                run.state = RunState::Done;
                run.effect = Effect::Yes;
                run.error = None;
                run.ended_at = Some(at);
            }
        }
        self.state.crashes = 0;
        Ok(())
    }

    pub(super) fn on_failed(
        &mut self,
        command: CommandId,
        kind: FailureKind,
        error: &str,
        again: Option<Timestamp>,
        at: Timestamp,
    ) -> Legal {
        let may_retry = self.may_retry(&command, kind);
        let run = self.open_mut(command)?;
        require(again.is_some() == may_retry, "whether it is tried again is another matter")?;
        run.error = Some(error.to_owned());
        run.state = match again {
            Some(until) => RunState::Backoff { until },
            None => RunState::Failed { rejected: kind == FailureKind::Reject },
        };
        if again.is_none() {
            run.ended_at = Some(at);
        }
        match kind {
            FailureKind::Retry | FailureKind::Reject => {}
            FailureKind::Lost => self.may_have_done(command, Effect::Maybe),
            FailureKind::TooLarge => self.may_have_done(command, Effect::Yes),
        }
        if kind != FailureKind::Lost {
            self.state.crashes = 0;
        }
        if again.is_none() && command.direction == Direction::Forward {
            self.give_up(command.step, error);
        }
        Ok(())
    }

    pub(super) fn on_deferred(&mut self, command: CommandId, until: Timestamp, unsent: bool) -> Legal {
        let may = if unsent { self.may_wait(&command) } else { self.may_pause(&command) };
        require(may, "it may not pause any more")?;
        let run = self.open_mut(command)?;
        run.deferrals += u32::from(!unsent);
        run.forgiven += 1;
        run.state = RunState::Backoff { until };
        self.state.crashes = 0;
        Ok(())
    }

    pub(super) fn on_answered_late(&mut self, command: &CommandId) -> Legal {
        require(self.was_intended(command) && !self.is_open(command), "it is not late")?;
        require(self.state.late_answers < LATE_ANSWERS_MAX, "enough of them were counted")?;
        self.state.late_answers += 1;
        Ok(())
    }

    /// What is open stays so, and is sent again: attempts are not counted twice, and deadlines hold. But the answer to
    /// what was sent before is lost, so that it may have been done, whatever is answered now. While the saga turns back
    /// nothing is sent forward again, and the attempt itself is lost.
    pub(super) fn on_resumed(&mut self, crash: bool, at: Timestamp) -> Legal {
        require(self.open().next().is_some(), "nothing is under way")?;
        if self.state.phase == Phase::Compensating || self.state.is_advancing() {
            self.open().collect::<Vec<_>>().iter().for_each(|(open, _)| self.may_have_done(*open, Effect::Maybe));
        } else {
            self.lose_open(at);
        }
        self.state.crashes += u32::from(crash);
        Ok(())
    }

    /// Nobody will say any more what became of the open attempts.
    pub(super) fn lose_open(&mut self, at: Timestamp) {
        for (command, _) in self.open().collect::<Vec<_>>() {
            if let Ok(run) = self.open_mut(command) {
                run.state = RunState::Failed { rejected: false };
                run.error = Some(LEFT_BEHIND.to_owned());
                run.ended_at = Some(at);
            }
            self.may_have_done(command, Effect::Maybe);
        }
    }

    /// Notes an effect that nobody answered for. Its place in the order of completion is the latest one possible.
    fn may_have_done(&mut self, command: CommandId, effect: Effect) {
        let order = self.next_order();
        if let Ok(run) = self.run_mut(command) {
            run.effect = run.effect.max(effect);
        }
        if command.direction == Direction::Forward {
            self.state.steps[command.step as usize].order = order;
        }
    }

    fn run_mut(&mut self, command: CommandId) -> Result<&mut Run, &'static str> {
        let step = self.state.steps.get_mut(command.step as usize).ok_or("there is no such step")?;
        Ok(match command.direction {
            Direction::Forward => &mut step.forward,
            Direction::Compensation => &mut step.compensation,
        })
    }

    fn open_mut(&mut self, command: CommandId) -> Result<&mut Run, &'static str> {
        require(self.is_open(&command), "the attempt is not under way")?;
        self.run_mut(command)
    }
}
