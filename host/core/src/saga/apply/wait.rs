//! Events of steps that wait.

use serde_json::Value;

use super::{Legal, require};
use crate::{
    saga::{
        Saga,
        definition::{Wait, Work},
        run::RunState,
        state::Signal,
    },
    timestamp::Timestamp,
};

// === impl Saga ===

impl Saga {
    pub(super) fn on_wait_started(&mut self, index: u32, until: Option<Timestamp>, at: Timestamp) -> Legal {
        require(self.state.is_advancing(), "no further step may begin")?;
        require(self.members().contains(&index), "it is not this step's turn")?;
        match self.wait(index).ok_or("the step has a command")? {
            Wait::Timer(_) => require(until.is_some(), "a timer ends")?,
            Wait::Signal { timeout, .. } => require(until.is_some() == timeout.is_some(), "its time-out is another")?,
        }
        let step = &mut self.state.steps[index as usize];
        require(step.forward.state == RunState::Idle, "it has begun already")?;
        step.forward.attempt += 1;
        step.forward.started_at = step.forward.started_at.or(Some(at));
        match step.signal.take() {
            Some(signal) => self.complete(index, signal.data, at),
            None => step.forward.state = RunState::Waiting { until },
        }
        Ok(())
    }

    pub(super) fn on_timer_fired(&mut self, index: u32, at: Timestamp) -> Legal {
        require(self.state.is_advancing(), "no further step may begin")?;
        require(matches!(self.wait(index), Some(Wait::Timer(_))), "the step has no timer")?;
        require(self.is_waiting_at(index), "the step does not wait")?;
        self.complete(index, Value::Null, at);
        Ok(())
    }

    pub(super) fn on_signal(&mut self, index: u32, name: &str, data: &Value, at: Timestamp) -> Legal {
        require(self.signal_target(name) == Some(index), "the step does not wait for this signal")?;
        if self.is_waiting_at(index) {
            self.complete(index, data.clone(), at);
        } else {
            self.state.steps[index as usize].signal = Some(Signal { data: data.clone() });
        }
        Ok(())
    }

    pub(super) fn on_wait_failed(&mut self, index: u32, error: &str, at: Timestamp) -> Legal {
        require(self.state.is_advancing(), "no further step may begin")?;
        require(self.members().contains(&index) && self.wait(index).is_some(), "it is not this step's turn")?;
        let run = &mut self.state.steps[index as usize].forward;
        require(matches!(run.state, RunState::Idle | RunState::Waiting { .. }), "it has ended")?;
        run.state = RunState::Failed { rejected: false };
        run.error = Some(error.to_owned());
        run.started_at = run.started_at.or(Some(at));
        run.ended_at = Some(at);
        self.give_up(index, error);
        Ok(())
    }

    fn wait(&self, index: u32) -> Option<&Wait> {
        match &self.definition.step(index)?.work {
            Work::Wait(wait) => Some(wait),
            Work::Command(_) => None,
        }
    }

    fn is_waiting_at(&self, index: u32) -> bool {
        matches!(self.state.steps[index as usize].forward.state, RunState::Waiting { .. })
    }
}
