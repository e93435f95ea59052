//! What the configuration says of breakers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    breaker::{Config, Stance},
    name::ServiceName,
};

/// The settings of all services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BreakerPolicy {
    /// Of services that are not named.
    pub default: BreakerSettings,
    /// Of those that are.
    pub services: BTreeMap<ServiceName, BreakerSettings>,
}

/// The settings of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BreakerSettings {
    /// When its breakers open and close.
    pub config: Config,
    /// What they do when no operator says otherwise.
    pub mode: BreakerMode,
}

/// What breakers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerMode {
    /// They refuse calls while they are open.
    #[default]
    Enforce,
    /// They only say when they would have opened.
    Measure,
}

// === impl BreakerPolicy ===

impl BreakerPolicy {
    /// The settings of a service.
    #[must_use]
    pub fn of(&self, service: &ServiceName) -> BreakerSettings {
        self.services.get(service).copied().unwrap_or(self.default)
    }
}

// === impl BreakerMode ===

impl BreakerMode {
    pub(crate) fn stance(self) -> Stance {
        match self {
            Self::Enforce => Stance::Automatic,
            Self::Measure => Stance::Measuring,
        }
    }
}
