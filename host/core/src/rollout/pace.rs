//! How fast a new version takes over.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the configuration says of new versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reload {
    /// A new version takes all calls at once.
    #[default]
    Off,
    /// It takes them at [`Pace::Quick`].
    Quick,
    /// It takes them at [`Pace::Careful`].
    Careful,
}

/// How fast the share grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// 10, 50, 100 %, at least 5 s each.
    Quick,
    /// 1, 5, 25, 50, 100 %, at least 20 s each.
    Careful,
}

// === impl Reload ===

impl Reload {
    /// How fast a new version takes over; none when at once.
    pub fn pace(self) -> Option<Pace> {
        match self {
            Self::Off => None,
            Self::Quick => Some(Pace::Quick),
            Self::Careful => Some(Pace::Careful),
        }
    }
}

// === impl Pace ===

impl Pace {
    /// The shares of the new version, of a hundred calls.
    pub fn steps(self) -> &'static [u8] {
        match self {
            Self::Quick => &[10, 50, 100],
            Self::Careful => &[1, 5, 25, 50, 100],
        }
    }

    /// How long each of them lasts at least.
    pub fn step_min(self) -> Duration {
        match self {
            Self::Quick => Duration::from_secs(5),
            Self::Careful => Duration::from_secs(20),
        }
    }
}
