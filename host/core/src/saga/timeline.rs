//! The history of a saga as people read it: one line for each event of its journal.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    CommandId, Definition, Direction, Event, What,
    definition::Step,
    event::{FailureKind, StuckReason},
};
use crate::timestamp::Timestamp;

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaLine")]
pub struct Entry<'a> {
    /// When.
    pub at: Timestamp,
    /// The event's word in the journal.
    pub event: &'static str,
    /// The step, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What people call the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// The command that an event of an attempt is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'a str>,
    /// Which way that command goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Its attempt, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Its round, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// How an attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<FailureKind>,
    /// Why the saga is stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<StuckReason>,
    /// When it goes on: the deadline, the next attempt, or the end of a pause or wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What else there is to say: an error, a signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'a, str>>,
}

/// The line of an event.
#[must_use]
pub fn entry<'a>(definition: &'a Definition, event: &'a Event) -> Entry<'a> {
    let line = Entry::new(event);
    match &event.what {
        What::Started { .. } | What::Cancelled | What::CompensationForced | What::Completed | What::FailedCleanly => {
            line
        }
        What::Resumed { crash } => line.detail(if *crash { "after a crash" } else { "after an orderly stop" }),
        What::Intended { command, deadline } => line.of(definition, *command).until(Some(*deadline)),
        What::Succeeded { command, .. } => line.of(definition, *command),
        What::Failed { command, kind, error, again } => {
            Entry { kind: Some(*kind), ..line.of(definition, *command).until(*again).detail(error) }
        }
        What::Deferred { command, until, unsent } => {
            let line = line.of(definition, *command).until(Some(*until));
            if *unsent { line.detail("it could not be sent") } else { line }
        }
        What::AnsweredLate { command, done } => {
            line.of(definition, *command).detail(if *done { "it was carried out" } else { "it failed" })
        }
        What::WaitStarted { step, until } => line.at_step(definition, *step).until(*until),
        What::TimerFired { step } => line.at_step(definition, *step),
        What::SignalReceived { step, name, .. } => line.at_step(definition, *step).detail(name),
        What::WaitFailed { step, error } => line.at_step(definition, *step).detail(error),
        What::Retried { data } => line.detail(if data.is_some() { "with other data" } else { "as it was" }),
        What::CompensationStarted { error } => line.detail(error),
        What::Stuck { reason, error } => Entry { reason: Some(*reason), ..line.detail(error) },
    }
}

// === impl Entry ===

impl<'a> Entry<'a> {
    fn new(event: &Event) -> Self {
        Self {
            at: event.at,
            event: event.what.name(),
            step: None,
            name: None,
            command: None,
            direction: None,
            attempt: None,
            round: None,
            kind: None,
            reason: None,
            until: None,
            detail: None,
        }
    }

    fn at_step(self, definition: &'a Definition, step: u32) -> Self {
        Self { step: Some(step), name: definition.step(step).map(Step::label), ..self }
    }

    fn of(self, definition: &'a Definition, id: CommandId) -> Self {
        Self {
            command: definition.command_step(id.step).and_then(|step| step.command(id.direction)),
            direction: Some(id.direction),
            attempt: Some(id.attempt),
            round: Some(id.round),
            ..self.at_step(definition, id.step)
        }
    }

    fn until(self, until: Option<Timestamp>) -> Self {
        Self { until, ..self }
    }

    fn detail(self, detail: impl Into<Cow<'a, str>>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
