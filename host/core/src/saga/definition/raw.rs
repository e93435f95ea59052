//! A definition as it is written in JSON. Its shape is checked here, all else by [`Definition::check`].
//!
//! Members are camelCase; in a side file, which is TOML, they may be kebab-case as its other members are.

mod read;
mod write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::OnFailure;
use crate::{manifest::Backoff, name::ServiceName, units::HumanDuration};

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SagaDefinition")]
pub(super) struct RawDefinition {
    /// Its name.
    name: String,
    /// What becomes of a saga when a step before the pivot fails.
    #[serde(default, alias = "on-failure")]
    on_failure: OnFailure,
    /// In their order.
    steps: Vec<RawStep>,
}

/// A command, a wait or a group, told apart by the one member that only it has.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "SagaDefinitionStep")]
struct RawStep {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Steps that run together; or
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel: Option<Vec<RawStep>>,
    /// a wait for a signal or the time; or
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<RawWait>,
    /// a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// What its payload has besides the data of the saga.
    #[serde(skip_serializing_if = "Map::is_empty")]
    data: Map<String, Value>,
    /// The command that undoes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    compensation: Option<String>,
    /// Nothing undoes it.
    #[serde(skip_serializing_if = "is_false")]
    irreversible: bool,
    /// Once it is done there is no way back.
    #[serde(skip_serializing_if = "is_false")]
    pivot: bool,
    /// Of an attempt; 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<HumanDuration>,
    /// How the command is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<RawRetry>,
    /// How its compensation is.
    #[serde(alias = "compensation-retry", skip_serializing_if = "Option::is_none")]
    compensation_retry: Option<RawRetry>,
    /// How commands go out.
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<RawVia>,
    /// Who takes them, when not whoever declares the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<ServiceName>,
    /// With `event`: the topic of its commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// With `http`: where its command is posted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Where its compensation is.
    #[serde(alias = "compensation-path", skip_serializing_if = "Option::is_none")]
    compensation_path: Option<String>,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "SagaWait")]
struct RawWait {
    /// The signal that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    /// For so long at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<HumanDuration>,
    /// Or only so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<HumanDuration>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SagaRetry")]
struct RawRetry {
    /// Attempts in all.
    #[serde(default = "default_attempts", alias = "max-attempts")]
    max_attempts: u32,
    /// The delays between them.
    #[serde(default)]
    backoff: Backoff,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaVia")]
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
