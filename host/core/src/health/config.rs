//! How checks are made.

use std::time::Duration;

use super::Thresholds;

/// The shortest time between two checks of one thing: what is checked more often is mostly busy with that.
pub const PERIOD_MIN: Duration = Duration::from_millis(100);

/// The longest time between two checks of one thing.
pub const PERIOD_MAX: Duration = Duration::from_secs(3600);

/// When things are checked, and what their answers change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The time between two checks of one thing, from [`PERIOD_MIN`] to [`PERIOD_MAX`]; 10 s.
    pub period: Duration,
    /// How long an answer may take, unless what is checked says otherwise; at least 1 ms; 5 s.
    pub timeout: Duration,
    /// How many results in a row it takes.
    pub thresholds: Thresholds,
}

impl Default for Config {
    fn default() -> Self {
        Self { period: Duration::from_secs(10), timeout: Duration::from_secs(5), thresholds: Thresholds::default() }
    }
}
