//! Why a definition is refused: which step, what is wrong with it, and what would be right.

use super::{PARALLEL_MAX, STEPS_MAX};
use crate::{event::topic::InvalidTopic, manifest::ATTEMPTS_MAX, saga::DATA_MAX, saga::id::NAME_MAX};

/// Why a definition does not hold; the text names the step, from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDefinition {
    /// Its name.
    #[error("'{0}' is not the name of a saga: use 1 to {NAME_MAX} of letters, digits, '.', '_', '-' and ':'")]
    Name(String),
    /// It does nothing.
    #[error("the saga has no steps; give it at least one")]
    NoSteps,
    /// It has too many steps.
    #[error("the saga has {0} steps, over the limit of {STEPS_MAX}; let a step start a saga of its own")]
    TooManySteps(usize),
    /// The static data of its steps.
    #[error("the static data of its steps has {0} bytes, over the limit of {DATA_MAX}; give less")]
    DataTooLarge(usize),
    /// One of its steps.
    #[error("the step {index} ('{label}'): {invalid}")]
    Step {
        /// The step, from 0.
        index: u32,
        /// What it is called.
        label: String,
        /// What is wrong with it.
        invalid: InvalidStep,
    },
}

/// Why a step does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStep {
    /// It says not what to do.
    #[error("say exactly one of command, parallel and wait")]
    Nothing,
    /// A group with other members.
    #[error("a parallel group has no other members; give them to its steps")]
    GroupMembers,
    /// A group within a group.
    #[error("a parallel group cannot stand in another one; put its steps into that one")]
    NestedGroup,
    /// A group of none, or of too many.
    #[error("a parallel group has 1 to {PARALLEL_MAX} steps, not {0}; part it into several groups")]
    GroupSize(u32),
    /// A wait with the members of a command.
    #[error("a step that waits has no members but wait and name; leave the others out")]
    WaitMembers,
    /// What it waits for.
    #[error(r#"wait for either {{"signal": "name", "timeout": "1h"}} or {{"timer": "5m"}}"#)]
    Wait,
    /// How the command is sent.
    #[error(
        "via \"component\" takes service, \"event\" takes topic, \"http\" needs service and path and takes \
         compensationPath; leave the others out"
    )]
    Via,
    /// A compensation, and none.
    #[error("it has a compensation and is irreversible; leave one out")]
    UndoTwice,
    /// Neither a compensation nor the word that it needs none.
    #[error("it comes before the pivot; give it a compensation, or say \"irreversible\": true")]
    NoUndo,
    /// There is another pivot.
    #[error("the step {0} is the pivot already; a saga has one at most")]
    SecondPivot(u32),
    /// The pivot in a group.
    #[error("the pivot cannot stand in a parallel group; let it stand alone")]
    PivotInGroup,
    /// A name.
    #[error("'{0}' is not a name: use 1 to {NAME_MAX} of letters, digits, '.', '_', '-' and ':'")]
    Name(String),
    /// A name that another step has.
    #[error("the name '{0}' has another step already; give it another one, or leave it out")]
    Twice(String),
    /// Its topic.
    #[error(transparent)]
    Topic(#[from] InvalidTopic),
    /// Its path.
    #[error("'{0}' is not a path: it starts with '/', and has no white space, '?' or '#'")]
    Path(String),
    /// Its time-out.
    #[error("the timeout must be from 1ms to 30d")]
    Timeout,
    /// How long it waits.
    #[error("the time to wait must be from 1ms to 366d")]
    WaitTime,
    /// Its attempts.
    #[error("maxAttempts must be from 1 to {ATTEMPTS_MAX}")]
    Attempts,
    /// The delay between its attempts.
    #[error("the backoff must be from 1ms to 1d")]
    Backoff,
}
