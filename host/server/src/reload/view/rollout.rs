//! New versions that prove themselves, as they are shown.

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    name::{Digest, Generation},
    rollout::Rollout,
};

use crate::reload::stem::{Candidate, RolledBack};

/// A generation that is compared with the one that serves.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rollout")]
pub(crate) struct RolloutView {
    pub(crate) generation: Generation,
    pub(crate) digest: Digest,
    pub(crate) version: semver::Version,
    /// Its share, of a hundred calls; 0 before the first.
    pub(crate) percent: u8,
}

/// A generation that did worse than the one that serves; `error` says what.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RolledBack")]
pub(crate) struct RolledBackView {
    pub(crate) generation: Generation,
    pub(crate) digest: Digest,
    pub(crate) version: semver::Version,
    /// Its share when that showed, of a hundred calls.
    pub(crate) percent: u8,
}

// === impl RolloutView ===

impl RolloutView {
    pub(super) fn of(Candidate { active, rollout }: &Candidate) -> Self {
        Self {
            generation: active.generation,
            digest: active.source.digest,
            version: active.manifest.version.clone(),
            percent: rollout.as_ref().map_or(0, Rollout::percent),
        }
    }
}

// === impl RolledBackView ===

impl RolledBackView {
    pub(super) fn of(RolledBack { generation, digest, version, percent }: &RolledBack) -> Self {
        Self { generation: *generation, digest: *digest, version: version.clone(), percent: *percent }
    }
}
