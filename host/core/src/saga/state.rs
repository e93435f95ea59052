//! What a saga remembers: everything that its journal says and that a decision needs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{definition::Definition, event::StuckReason, id::Direction, run::Run};
use crate::timestamp::Timestamp;

/// The state of one saga, apart from its id and its definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    pub(super) phase: Phase,
    /// The stage at work: all before it are done, and their results are in the data.
    pub(super) stage: u32,
    pub(super) data: Map<String, Value>,
    pub(super) steps: Vec<StepState>,
    /// How many steps have been done, or may have been: the next one's place in the order of completion.
    pub(super) completions: u32,
    /// The step that failed first, and for which the saga has to turn back or to stop.
    pub(super) failed: Option<u32>,
    /// What turned it back, or keeps it from going on.
    pub(super) error: Option<String>,
    /// Crashes with a command under way since a participant answered last.
    pub(super) crashes: u32,
    /// Answers that nobody waited for any more.
    pub(super) late_answers: u32,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
}

/// Which way a saga goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Phase {
    Forward,
    /// Somebody wants it undone; it waits for the outcome of what is under way.
    TurningBack,
    Compensating,
    Stuck {
        reason: StuckReason,
        error: String,
        /// Which way it goes when it is tried again.
        direction: Direction,
    },
    Completed,
    Failed,
}

/// The state of one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StepState {
    #[serde(skip_serializing_if = "Run::is_new")]
    pub(super) forward: Run,
    #[serde(skip_serializing_if = "Run::is_new")]
    pub(super) compensation: Run,
    /// Its place in the order of completion, from 1; 0 while it has none.
    pub(super) order: u32,
    /// What the command answered, or came with the signal; null when that is not known.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) result: Value,
    /// A signal that came before the step began to wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<Signal>,
}

/// A signal that is kept; a record, so that null data is told apart from no signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Signal {
    pub(super) data: Value,
}

// === impl State ===

impl State {
    pub(super) fn new(definition: &Definition, data: Map<String, Value>, now: Timestamp) -> Self {
        Self {
            phase: Phase::Forward,
            stage: 0,
            data,
            steps: vec![StepState::default(); definition.steps().len()],
            completions: 0,
            failed: None,
            error: None,
            crashes: 0,
            late_answers: 0,
            started_at: now,
            ended_at: None,
        }
    }

    pub(super) fn run(&self, step: u32, direction: Direction) -> Option<&Run> {
        let step = self.steps.get(step as usize)?;
        Some(match direction {
            Direction::Forward => &step.forward,
            Direction::Compensation => &step.compensation,
        })
    }

    /// Whether steps may still begin: nothing has failed for good, and nobody wants it undone.
    pub(super) fn is_advancing(&self) -> bool {
        self.phase == Phase::Forward && self.failed.is_none()
    }
}
