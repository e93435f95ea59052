//! What a saga does, step by step, and how each step is undone: the `sagas` of a manifest.
//!
//! ```
//! use switchyard_core::saga::Definition;
//!
//! let definition: Definition = serde_json::from_str(
//!     r#"{
//!         "name": "process-order",
//!         "steps": [
//!             { "command": "inventory.reserve", "compensation": "inventory.release", "timeout": "30s" },
//!             { "wait": { "signal": "approved", "timeout": "1d" } },
//!             { "parallel": [
//!                 { "command": "payment.charge", "compensation": "payment.refund", "retry": { "maxAttempts": 5 } },
//!                 { "command": "mail.send", "irreversible": true, "via": "event", "topic": "mails" }
//!             ] },
//!             { "command": "shipping.create", "pivot": true }
//!         ]
//!     }"#,
//! )?;
//! assert_eq!(definition.check(), Ok(()));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Steps are numbered from 0 in the order in which they are written, those of a parallel group one by one.

mod check;
mod invalid;
mod raw;
mod step;

use std::{ops::Range, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::Digest;

pub use invalid::{InvalidDefinition, InvalidStep};
pub use step::{CommandStep, Retry, Step, Undo, Via, Wait, Work};

/// The most steps of one definition.
pub const STEPS_MAX: usize = 100;

/// The most steps of one parallel group.
pub const PARALLEL_MAX: usize = 16;

/// The time-out of a command that says none; 30 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The attempts of a command that says none.
pub const DEFAULT_ATTEMPTS: u32 = 3;

/// The definition of a saga, of the right shape. Whether it holds says [`Definition::check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "raw::RawDefinition", into = "raw::RawDefinition")]
#[schemars(rename = "SagaDefinition")]
pub struct Definition {
    name: String,
    on_failure: OnFailure,
    steps: Vec<Step>,
    stages: Vec<Stage>,
    digest: Digest,
}

/// What becomes of a saga when a step before the pivot fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaOnFailure")]
pub enum OnFailure {
    /// What was done is undone.
    #[default]
    Compensate,
    /// It is kept as it is, for an operator.
    Stuck,
}

/// Steps that run together: one, or a parallel group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stage {
    first: u32,
    count: u32,
    is_parallel: bool,
}

// === impl Definition ===

impl Definition {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What becomes of a saga when a step before the pivot fails.
    #[must_use]
    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    /// All steps, each at its index.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The SHA-256 of its JSON: two definitions are the same when it is.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The steps of a stage; none after the last one.
    pub(super) fn stage(&self, stage: u32) -> Option<Range<u32>> {
        self.stages.get(stage as usize).map(|stage| stage.first..stage.first + stage.count)
    }

    pub(super) fn stages(&self) -> u32 {
        u32::try_from(self.stages.len()).unwrap_or(u32::MAX)
    }

    /// The step of this index.
    #[must_use]
    pub fn step(&self, index: u32) -> Option<&Step> {
        self.steps.get(index as usize)
    }

    /// The step of this index, if it is a command.
    #[must_use]
    pub fn command_step(&self, index: u32) -> Option<&CommandStep> {
        self.step(index)?.command()
    }

    /// The pivot's index.
    #[must_use]
    pub fn pivot(&self) -> Option<u32> {
        (0..).zip(&self.steps).find(|(_, step)| step.command().is_some_and(|c| c.pivot)).map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests;
