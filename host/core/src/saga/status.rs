//! Where a saga stands, in the one word that everybody is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Saga, definition::Via, run::RunState, state::Phase};

/// Where a saga stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaStatus")]
pub enum Status {
    /// A step is under way.
    Running,
    /// A step waits for an event, a signal or a timer.
    Waiting,
    /// It turns back, or steps are being undone.
    Compensating,
    /// Done.
    Completed,
    /// Undone.
    Failed,
    /// Neither way goes on by itself; an operator decides.
    Stuck,
}

// === impl Saga ===

impl Saga {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.state.phase {
            Phase::Completed => Status::Completed,
            Phase::Failed => Status::Failed,
            Phase::Stuck { .. } => Status::Stuck,
            Phase::TurningBack | Phase::Compensating => Status::Compensating,
            Phase::Forward if self.state.failed.is_some() && self.verdict().is_none() => Status::Compensating,
            Phase::Forward if self.is_waiting() => Status::Waiting,
            Phase::Forward => Status::Running,
        }
    }

    /// Whether every step at work waits, for something that no command of this host brings about.
    fn is_waiting(&self) -> bool {
        let mut is_waiting = false;
        for index in self.members() {
            match self.state.steps[index as usize].forward.state {
                RunState::Done | RunState::Failed { .. } => {}
                RunState::Waiting { .. } => is_waiting = true,
                RunState::Open { .. } if self.is_by_event(index) => is_waiting = true,
                _ => return false,
            }
        }
        is_waiting
    }

    fn is_by_event(&self, step: u32) -> bool {
        let step = self.definition.command_step(step);
        step.is_some_and(|step| matches!(step.via, Via::Event { .. }))
    }
}

// === impl Status ===

impl Status {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Compensating => "compensating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
        }
    }

    /// Whether nothing can happen any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
