//! One direction of one step: how often it was tried, and whether it may have been done.

use serde::{Deserialize, Serialize};

use super::id::{CommandId, Direction};
use crate::timestamp::Timestamp;

/// One direction of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    pub(super) state: RunState,
    pub(super) round: u32,
    /// The last attempt of this round; 0 before the first.
    pub(super) attempt: u32,
    /// Attempts of this round that do not count: the participant asked for a pause, or an operator granted new ones.
    pub(super) forgiven: u32,
    /// Pauses that the participant asked for, since then.
    pub(super) deferrals: u32,
    pub(super) effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<Timestamp>,
}

/// How one direction of a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum RunState {
    /// It has not begun, or begins again.
    Idle,
    /// An attempt was intended, and has no outcome.
    Open {
        deadline: Timestamp,
    },
    /// The next attempt is due then.
    Backoff {
        until: Timestamp,
    },
    /// It waits for a timer or a signal.
    Waiting {
        until: Option<Timestamp>,
    },
    Done,
    Failed {
        rejected: bool,
    },
    /// It never takes place, since the saga turned back.
    Dropped,
}

/// Whether a command has been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Effect {
    No,
    /// An attempt was lost.
    Maybe,
    Yes,
}

// === impl Run ===

impl Default for Run {
    fn default() -> Self {
        Self {
            state: RunState::Idle,
            round: 1,
            attempt: 0,
            forgiven: 0,
            deferrals: 0,
            effect: Effect::No,
            error: None,
            started_at: None,
            ended_at: None,
        }
    }
}

impl Run {
    /// Whether nothing was ever to be done; most compensations are so, and take no room in the store.
    pub(super) fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// When something happens to it by itself.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            RunState::Open { deadline } => Some(deadline),
            RunState::Backoff { until } => Some(until),
            RunState::Waiting { until } => until,
            RunState::Idle | RunState::Done | RunState::Failed { .. } | RunState::Dropped => None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, RunState::Open { .. })
    }

    /// The attempt that was made last.
    pub(super) fn last(&self, step: u32, direction: Direction) -> CommandId {
        CommandId { step, direction, round: self.round, attempt: self.attempt }
    }

    /// The attempt to be made next.
    pub(super) fn next(&self, step: u32, direction: Direction) -> CommandId {
        CommandId { attempt: self.attempt + 1, ..self.last(step, direction) }
    }

    /// Attempts that count, of this round.
    pub(super) fn counted(&self) -> u32 {
        self.attempt.saturating_sub(self.forgiven)
    }

    /// Begins again because an operator says so.
    ///
    /// The key changes, unless the command may have been done under it: then the participant, who answers a key that
    /// it knows as it did the first time, is asked again with the same one. Another key would do it twice. After a
    /// rejection the key does change, as that is what it would be answered for ever.
    pub(super) fn retry(&mut self) {
        let rejected = matches!(self.state, RunState::Failed { rejected: true });
        if rejected || self.effect == Effect::No {
            self.round += 1;
            self.attempt = 0;
        }
        self.forgiven = self.attempt;
        self.deferrals = 0;
        self.state = RunState::Idle;
        self.error = None;
        self.ended_at = None;
    }
}
