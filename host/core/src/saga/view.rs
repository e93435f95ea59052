//! A saga as people and programs see it: in the admin API, on the command line, in the console.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Direction, Saga, SagaId, Status,
    definition::Step,
    run::{Effect, Run, RunState},
    state::{Phase, StepState},
};
use crate::timestamp::Timestamp;

/// A saga, looked at.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Saga")]
pub struct View<'a> {
    /// Its id.
    pub saga_id: &'a SagaId,
    /// The name of its definition.
    pub saga_name: &'a str,
    /// Where it stands.
    pub status: Status,
    /// Its data.
    pub data: &'a Map<String, Value>,
    /// The step it is at, from 0; the number of steps when all are done.
    pub current_step: u32,
    /// Its steps.
    pub steps: Vec<StepView<'a>>,
    /// What turned it back or stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was completed or had failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Answers that came when nobody waited for them any more.
    pub late_answers: u32,
}

/// One step, looked at.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaStep")]
pub struct StepView<'a> {
    /// Its index, from 0.
    pub index: u32,
    /// What people call it.
    pub name: Cow<'a, str>,
    /// How its way forward stands; none of the members of a command when it waits.
    #[serde(flatten)]
    pub forward: RunView<'a>,
    /// What it answered, when that is known.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub result: &'a Value,
    /// How its way back stands; none before that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compensation: Option<RunView<'a>>,
}

/// One direction of a step, looked at.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaRun")]
pub struct RunView<'a> {
    /// The command; none when the step waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'a str>,
    /// How it stands.
    pub status: StepStatus,
    /// Attempts that count: without pauses, and anew once an operator has it tried again.
    pub attempts: u32,
    /// 1 until an operator has it tried again with another key.
    pub round: u32,
    /// When it was first attempted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was done, or had failed for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When something happens to it by itself: a deadline, the next attempt, the end of its wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

/// How one step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaStepStatus")]
pub enum StepStatus {
    /// It has not begun.
    Pending,
    /// An attempt is under way.
    Running,
    /// It failed, and the next attempt is due later.
    Retrying,
    /// It waits for a signal or a timer.
    Waiting,
    /// It is done.
    Completed,
    /// It failed for good.
    Failed,
    /// It failed for good, and may have been done nevertheless.
    Unknown,
    /// It never takes place, since the saga turned back.
    Skipped,
    /// It is being undone.
    Compensating,
    /// It is undone.
    Compensated,
}

// === impl Saga ===

impl Saga {
    /// The saga as it stands.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            saga_id: &self.id,
            saga_name: self.definition.name(),
            status: self.status(),
            data: &self.state.data,
            current_step: self.current_step(),
            steps: (0..).zip(&self.state.steps).map(|(index, step)| self.step_view(index, step)).collect(),
            error: self.error(),
            started_at: self.state.started_at,
            ended_at: self.state.ended_at,
            late_answers: self.state.late_answers,
        }
    }

    /// The step it is at, from 0: the one that is undone, else the one that failed, else the first that is not done;
    /// the number of steps when all are.
    #[must_use]
    pub fn current_step(&self) -> u32 {
        let is_going_back = match &self.state.phase {
            Phase::Compensating => true,
            Phase::Stuck { direction, .. } => *direction == Direction::Compensation,
            _ => false,
        };
        let undone = self.next_undo().filter(|_| is_going_back);
        let is_left = |index: &u32| self.state.steps[*index as usize].forward.state != RunState::Done;
        let all = u32::try_from(self.state.steps.len()).unwrap_or(u32::MAX);
        undone.or(self.state.failed).or_else(|| self.members().find(is_left)).unwrap_or(all)
    }

    fn step_view<'a>(&'a self, index: u32, step: &'a StepState) -> StepView<'a> {
        let definition = self.definition.command_step(index);
        let command = |direction| definition.and_then(|definition| definition.command(direction));
        let mut forward = step.forward.view(command(Direction::Forward));
        let compensation = command(Direction::Compensation).filter(|_| step.compensation.state != RunState::Idle);
        match step.compensation.state {
            RunState::Open { .. } | RunState::Backoff { .. } => forward.status = StepStatus::Compensating,
            RunState::Done => forward.status = StepStatus::Compensated,
            _ => {}
        }
        StepView {
            index,
            name: self.definition.step(index).map(Step::label).unwrap_or_default(),
            forward,
            result: &step.result,
            compensation: compensation.map(|command| step.compensation.view(Some(command))),
        }
    }
}

// === impl Run ===

impl Run {
    fn view<'a>(&'a self, command: Option<&'a str>) -> RunView<'a> {
        RunView {
            command,
            status: self.status(),
            attempts: self.counted(),
            round: self.round,
            started_at: self.started_at,
            ended_at: self.ended_at,
            due_at: self.deadline(),
            error: self.error.as_deref(),
        }
    }

    fn status(&self) -> StepStatus {
        match self.state {
            RunState::Idle => StepStatus::Pending,
            RunState::Open { .. } => StepStatus::Running,
            RunState::Backoff { .. } => StepStatus::Retrying,
            RunState::Waiting { .. } => StepStatus::Waiting,
            RunState::Done => StepStatus::Completed,
            RunState::Failed { .. } if self.effect == Effect::Maybe => StepStatus::Unknown,
            RunState::Failed { .. } => StepStatus::Failed,
            RunState::Dropped => StepStatus::Skipped,
        }
    }
}
