//! A definition as it is written in JSON. Its shape is checked here, all else by [`Definition::check`].
//!
//! Members are camelCase; in a side file, which is TOML, they may be kebab-case as its other members are.

mod read;
mod write;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::OnFailure;
use crate::{manifest::Backoff, name::ServiceName, units::HumanDuration};

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawDefinition {
    name: String,
    #[serde(default, alias = "on-failure")]
    on_failure: OnFailure,
    steps: Vec<RawStep>,
}

/// A command, a wait or a group, told apart by the one member that only it has.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RawStep {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel: Option<Vec<RawStep>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<RawWait>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    data: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compensation: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    irreversible: bool,
    #[serde(skip_serializing_if = "is_false")]
    pivot: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<HumanDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<RawRetry>,
    #[serde(alias = "compensation-retry", skip_serializing_if = "Option::is_none")]
    compensation_retry: Option<RawRetry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<RawVia>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<ServiceName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(alias = "compensation-path", skip_serializing_if = "Option::is_none")]
    compensation_path: Option<String>,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RawWait {
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<HumanDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<HumanDuration>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawRetry {
    #[serde(default = "default_attempts", alias = "max-attempts")]
    max_attempts: u32,
    #[serde(default)]
    backoff: Backoff,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RawVia {
    #[default]
    Component,
    Event,
    Http,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn default_attempts() -> u32 {
    super::DEFAULT_ATTEMPTS
}
