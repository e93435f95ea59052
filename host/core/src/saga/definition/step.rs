//! One step of a definition: a command with its compensation, or something to wait for.

use std::{borrow::Cow, time::Duration};

use serde_json::{Map, Value};

use super::DEFAULT_ATTEMPTS;
use crate::{manifest::Backoff, name::ServiceName, saga::id::Direction, units::HumanDuration};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What people call it; none means by its command, signal or timer.
    pub name: Option<String>,
    /// What is done.
    pub work: Work,
}

/// What is done in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A participant carries out a command.
    Command(Box<CommandStep>),
    /// The saga waits for something.
    Wait(Wait),
}

/// A step that a participant carries out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandStep {
    /// The command.
    pub command: String,
    /// Members that are laid over the saga's data in the payload.
    pub data: Map<String, Value>,
    /// How it is undone.
    pub undo: Undo,
    /// How long one attempt may take, in either direction; 30 s.
    pub timeout: Duration,
    /// How often it is tried.
    pub retry: Retry,
    /// How often its compensation is tried.
    pub compensation_retry: Retry,
    /// Whether there is no way back once it is done.
    pub pivot: bool,
    /// How the commands get to their participant.
    pub via: Via,
}

/// How a step is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// By this command.
    Compensation(String),
    /// It need not be, or cannot be: when the saga turns back, what it did stays.
    Irreversible,
    /// Nothing was said; right for a pivot and what comes after it.
    Unsaid,
}

/// How often a command is tried, and how long it rests in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all; 3.
    pub max_attempts: u32,
    /// The delay between attempts; linear of 1 s.
    pub backoff: Backoff,
}

/// How a command gets to its participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// A component's `command-handler`.
    Component {
        /// The service; none means the one that lists the command.
        service: Option<ServiceName>,
    },
    /// An event; the answer is one too.
    Event {
        /// The topic; none means the command's name.
        topic: Option<String>,
    },
    /// A POST.
    Http {
        /// The service.
        service: ServiceName,
        /// The path of the command, and of its compensation unless that has another.
        path: String,
        /// The path of the compensation; none means `path`.
        compensation_path: Option<String>,
    },
}

/// What a saga waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A signal of this name.
    Signal {
        /// The name.
        name: String,
        /// After this time the step has failed; none means that it waits for ever.
        timeout: Option<HumanDuration>,
    },
    /// This much time.
    Timer(HumanDuration),
}

// === impl Step ===

impl Step {
    /// The command, unless it waits.
    #[must_use]
    pub fn command(&self) -> Option<&CommandStep> {
        match &self.work {
            Work::Command(command) => Some(command),
            Work::Wait(_) => None,
        }
    }

    /// What people call it: its name, else its command, else what it waits for.
    #[must_use]
    pub fn label(&self) -> Cow<'_, str> {
        match (&self.name, &self.work) {
            (Some(name), _) => name.into(),
            (None, Work::Command(step)) => step.command.as_str().into(),
            (None, Work::Wait(Wait::Signal { name, .. })) => format!("signal {name}").into(),
            (None, Work::Wait(Wait::Timer(after))) => format!("timer {after}").into(),
        }
    }
}

// === impl CommandStep ===

impl CommandStep {
    /// The command of a direction; none when there is no compensation.
    #[must_use]
    pub fn command(&self, direction: Direction) -> Option<&str> {
        match (direction, &self.undo) {
            (Direction::Forward, _) => Some(&self.command),
            (Direction::Compensation, Undo::Compensation(command)) => Some(command),
            (Direction::Compensation, _) => None,
        }
    }

    pub(in crate::saga) fn has_compensation(&self) -> bool {
        matches!(self.undo, Undo::Compensation(_))
    }

    pub(in crate::saga) fn retry(&self, direction: Direction) -> Retry {
        match direction {
            Direction::Forward => self.retry,
            Direction::Compensation => self.compensation_retry,
        }
    }
}

// === impl Retry ===

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: DEFAULT_ATTEMPTS, backoff: Backoff::default() }
    }
}
