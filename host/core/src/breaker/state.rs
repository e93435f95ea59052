//! Where a breaker stands, and why it moves.

use std::fmt::{self, Display};

use schemars::JsonSchema;
use serde::Serialize;

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "BreakerState")]
pub enum State {
    /// Calls pass, and are counted.
    Closed,
    /// Calls are refused until its time is over.
    Open,
    /// A few calls find out whether the instance is back.
    HalfOpen,
    /// An operator has all calls refused.
    ForcedOpen,
    /// An operator has all calls passed, whatever becomes of them.
    ForcedClosed,
    /// All calls pass, and it says when it would have opened.
    Measuring,
}

/// What an operator, or the configuration, wants of a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stance {
    /// It decides by itself.
    #[default]
    Automatic,
    /// It refuses all calls.
    ForcedOpen,
    /// It refuses none.
    ForcedClosed,
    /// It refuses none, and says when it would have.
    Measuring,
}

/// A move from one state to another. From measuring to measuring: it would have opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Where it stood.
    pub from: State,
    /// Where it stands now.
    pub to: State,
    /// Why.
    pub cause: Cause,
}

/// Why a breaker moved; its text is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// So many failures in a row.
    InARow(u32),
    /// Too many of the calls of the last ten seconds failed.
    Failing {
        /// Those that failed.
        failures: u32,
        /// All of them.
        calls: u32,
    },
    /// Too many of the calls of the last ten seconds were slow.
    Slow {
        /// Those that were slow.
        slow: u32,
        /// All of them.
        calls: u32,
    },
    /// A probe failed.
    Probe,
    /// A probe was slow.
    SlowProbe,
    /// Its time open was over.
    Elapsed,
    /// So many probes succeeded.
    Recovered(u32),
    /// An operator, or the configuration, wants it so.
    Operator,
}

// === impl State ===

impl State {
    /// As it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced-open",
            Self::ForcedClosed => "forced-closed",
            Self::Measuring => "measuring",
        }
    }

    /// Whether no call is refused.
    #[must_use]
    pub fn admits_all(self) -> bool {
        matches!(self, Self::Closed | Self::ForcedClosed | Self::Measuring)
    }

    /// Whether every call is refused.
    #[must_use]
    pub fn refuses_all(self) -> bool {
        matches!(self, Self::Open | Self::ForcedOpen)
    }

    pub(super) fn is_automatic(self) -> bool {
        matches!(self, Self::Closed | Self::Open | Self::HalfOpen)
    }
}

impl Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Cause ===

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InARow(failures) => write!(f, "{failures} calls in a row failed"),
            Self::Failing { failures, calls } => write!(f, "{failures} of {calls} calls failed within ten seconds"),
            Self::Slow { slow, calls } => write!(f, "{slow} of {calls} calls were slow within ten seconds"),
            Self::Probe => f.write_str("a probe failed"),
            Self::SlowProbe => f.write_str("a probe was slow"),
            Self::Elapsed => f.write_str("its time open was over"),
            Self::Recovered(successes) => write!(f, "{successes} probes succeeded"),
            Self::Operator => f.write_str("the operator wants it so"),
        }
    }
}
