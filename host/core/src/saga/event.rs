//! What happens to a saga, as its journal keeps it. A saga is what these, applied in their order, make of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::id::{CommandId, SagaId};
use crate::{name::Digest, timestamp::Timestamp};

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it was decided or learned.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// The saga began; the first entry, and nowhere else.
    Started {
        /// Its id.
        id: SagaId,
        /// The name of its definition.
        name: String,
        /// The definition that it keeps.
        definition: Digest,
        /// Its data.
        data: Map<String, Value>,
    },
    /// It has an owner again while commands had no outcome: nobody knows whether they were sent.
    Resumed {
        /// Whether the last owner crashed, instead of stopping in good order.
        crash: bool,
    },
    /// A command is about to be sent.
    Intended {
        /// Which attempt.
        command: CommandId,
        /// When its outcome counts as lost.
        deadline: Timestamp,
    },
    /// A participant has done what a command asks.
    Succeeded {
        /// Which attempt.
        command: CommandId,
        /// Its result; null for a compensation, whose result is not kept.
        result: Value,
    },
    /// An attempt failed.
    Failed {
        /// Which attempt.
        command: CommandId,
        /// How.
        kind: FailureKind,
        /// Why, for people.
        error: String,
        /// When the next attempt is due; none when this was the last one.
        again: Option<Timestamp>,
    },
    /// The attempt does not count: the participant asked for a pause, or it could not be sent.
    Deferred {
        /// Which attempt.
        command: CommandId,
        /// Until when.
        until: Timestamp,
        /// Whether it was not sent: that is the host's doing, and none of the pauses that a participant has.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unsent: bool,
    },
    /// An answer came that nobody waits for any more: a second one, one of an earlier attempt, or one after its
    /// deadline. It is counted, and changes nothing.
    AnsweredLate {
        /// Which attempt.
        command: CommandId,
        /// Whether it says that the command was carried out.
        done: bool,
    },
    /// A step began to wait.
    WaitStarted {
        /// The step.
        step: u32,
        /// When a timer is over, or a signal comes too late; none means never.
        until: Option<Timestamp>,
    },
    /// A step's timer is over.
    TimerFired {
        /// The step.
        step: u32,
    },
    /// A signal came, for a step that waits or will wait for it.
    SignalReceived {
        /// The step.
        step: u32,
        /// The signal.
        name: String,
        /// What came with it.
        data: Value,
    },
    /// A step that waits has failed: no signal came in time, or what came with it has no room.
    WaitFailed {
        /// The step.
        step: u32,
        /// Why, for people.
        error: String,
    },
    /// Somebody wants it undone; no further step begins.
    Cancelled,
    /// An operator wants it undone.
    CompensationForced,
    /// An operator wants it tried again from where it is stuck.
    Retried {
        /// What its data is from now on; none means as before.
        data: Option<Map<String, Value>>,
    },
    /// Nothing of the way forward is open any more, and the way back begins.
    CompensationStarted {
        /// What turned it back, for people.
        error: String,
    },
    /// It goes neither way by itself.
    Stuck {
        /// Why.
        reason: StuckReason,
        /// Why, for people.
        error: String,
    },
    /// All steps are done.
    Completed,
    /// All that was done is undone.
    FailedCleanly,
}

/// How an attempt failed, which says what may be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaFailureKind")]
pub enum FailureKind {
    /// The participant did nothing, and may do it later.
    Retry,
    /// The participant did nothing, and never will.
    Reject,
    /// Nobody knows: a time-out, a lost reply, a trap. It may have been done.
    Lost,
    /// It was done, and its result has no room in the saga.
    TooLarge,
}

/// Why a saga is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaStuckReason")]
pub enum StuckReason {
    /// A step failed, after the pivot or with `onFailure` of `"stuck"`.
    StepFailed,
    /// A compensation was rejected, or ran out of attempts.
    CompensationFailed,
    /// Nobody knows whether the pivot was done, so that neither way is safe.
    PivotUnknown,
    /// Its commands were under way whenever the host crashed, time and again: it is parked.
    Crashes,
}

// === impl What ===

impl What {
    /// The word in the journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Resumed { .. } => "resumed",
            Self::Intended { .. } => "intended",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Deferred { .. } => "deferred",
            Self::AnsweredLate { .. } => "answeredLate",
            Self::WaitStarted { .. } => "waitStarted",
            Self::TimerFired { .. } => "timerFired",
            Self::SignalReceived { .. } => "signalReceived",
            Self::WaitFailed { .. } => "waitFailed",
            Self::Cancelled => "cancelled",
            Self::CompensationForced => "compensationForced",
            Self::Retried { .. } => "retried",
            Self::CompensationStarted { .. } => "compensationStarted",
            Self::Stuck { .. } => "stuck",
            Self::Completed => "completed",
            Self::FailedCleanly => "failedCleanly",
        }
    }
}
