//! The members of `switchyard.toml` as they are written, types checked and nothing else.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::Deserialize;
use switchyard_core::{
    manifest::{Backoff, Start},
    name::ServiceName,
    units::HumanDuration,
};
use switchyard_delivery::config::{OnError, TopicDurability};
use toml::Spanned;

use super::{LogFormat, balancer, breaker, gateway, health, plugins, retry, route, service, upstream};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) gateway: gateway::Raw,
    pub(super) admin: Admin,
    pub(super) plugins: plugins::Raw,
    pub(super) route: Vec<route::Raw>,
    pub(super) upstream: Vec<upstream::Raw>,
    pub(super) subscription: Vec<Spanned<Subscription>>,
    pub(super) schedule: Vec<Spanned<Schedule>>,
    pub(super) events: Events,
    pub(super) topics: BTreeMap<Spanned<String>, Topic>,
    pub(super) queues: BTreeMap<Spanned<String>, Queue>,
    pub(super) services: BTreeMap<ServiceName, service::Raw>,
    pub(super) breaker: breaker::Raw,
    pub(super) retry: retry::Raw,
    pub(super) balancer: balancer::Raw,
    pub(super) health: health::Raw,
    pub(super) store: Store,
    pub(super) telemetry: Telemetry,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Admin {
    pub(super) listen: Option<Spanned<Listen>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Events {
    pub(super) middleware: Vec<Spanned<ServiceName>>,
    pub(super) on_error: OnError,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Topic {
    pub(super) durability: TopicDurability,
    pub(super) retention: Option<Spanned<HumanDuration>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Queue {
    pub(super) max_size: Option<Spanned<u32>>,
    pub(super) max_attempts: Option<Spanned<u32>>,
    pub(super) visibility_timeout: Option<Spanned<HumanDuration>>,
    pub(super) dead_letter_queue: Option<Spanned<String>>,
}

/// A subscription in the file: the members of a manifest's, and who is called.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Subscription {
    pub(super) topic: Spanned<String>,
    pub(super) service: Option<Spanned<ServiceName>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) group: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) broadcast: bool,
    #[serde(default)]
    pub(super) priority: i32,
    pub(super) filter: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) once: bool,
    pub(super) max_attempts: Option<Spanned<u32>>,
    pub(super) backoff: Option<Spanned<Backoff>>,
    #[serde(default)]
    pub(super) start: Start,
}

/// A schedule in the file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Schedule {
    pub(super) name: Spanned<String>,
    pub(super) cron: Option<Spanned<String>>,
    pub(super) every: Option<Spanned<HumanDuration>>,
    pub(super) topic: Option<Spanned<String>>,
    pub(super) queue: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) data: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Store {
    pub(super) path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Telemetry {
    pub(super) log_format: LogFormat,
    pub(super) log_level: Option<Spanned<String>>,
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Listen(pub(super) SocketAddr);

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
            .map(Self)
            .map_err(|_| format!("'{text}' is not an address to listen on: write IP:PORT, as in \"127.0.0.1:3000\""))
    }
}
