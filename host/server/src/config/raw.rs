//! The members of `switchyard.toml` as they are written, types checked and nothing else.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    event::topic::Pattern,
    manifest::{ATTEMPTS_MAX, Backoff, Start},
    name::ServiceName,
    units::HumanDuration,
};
use switchyard_delivery::config::{OnError, TopicDurability};

use super::{
    LogFormat, admin, balancer, breaker, gateway, health, plugins, retry, route, service, spanned::Spanned, telemetry,
    upstream,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Configuration")]
pub(super) struct Raw {
    /// Where requests come in, and what is decided about them.
    pub(super) gateway: gateway::Raw,
    /// The admin API and the console.
    pub(super) admin: admin::Raw,
    /// The folder of components.
    pub(super) plugins: plugins::Raw,
    /// Routes of the operator.
    pub(super) route: Vec<route::Raw>,
    /// Servers outside of the host that answer for services.
    pub(super) upstream: Vec<upstream::Raw>,
    /// Who is called for the events of which topics.
    pub(super) subscription: Vec<Spanned<Subscription>>,
    /// Events and messages by the clock, in UTC.
    pub(super) schedule: Vec<Spanned<Schedule>>,
    /// What sees events before they are stored.
    pub(super) events: Events,
    /// What is said of topics, by their names.
    pub(super) topics: BTreeMap<Spanned<String>, Topic>,
    /// What is said of queues, by their names.
    pub(super) queues: BTreeMap<Spanned<String>, Queue>,
    /// What services get and may use, by their names.
    pub(super) services: BTreeMap<ServiceName, service::Raw>,
    /// When breakers open and close, unless a service says otherwise.
    pub(super) breaker: breaker::Raw,
    /// When calls are repeated, unless a service or a route says otherwise.
    pub(super) retry: retry::Raw,
    /// How an instance is chosen, unless a service says otherwise.
    pub(super) balancer: balancer::Raw,
    /// How services and dependencies are checked.
    pub(super) health: health::Raw,
    /// Where the durable state is.
    pub(super) store: Store,
    /// What the host tells of itself.
    pub(super) telemetry: Telemetry,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Events {
    /// Services whose event-middleware sees each event, in this order.
    #[schemars(extend("default" = []))]
    pub(super) middleware: Vec<Spanned<ServiceName>>,
    /// What happens to an event when one of them fails or is not there.
    #[schemars(extend("default" = "pass"))]
    pub(super) on_error: OnError,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Topic {
    /// When publishing is answered: once it is on disk, or earlier.
    #[schemars(extend("default" = "durable"))]
    pub(super) durability: TopicDurability,
    /// How long its events are kept.
    #[schemars(extend("default" = "7d"))]
    pub(super) retention: Option<Spanned<HumanDuration>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Queue {
    /// Messages waiting and delayed that it may hold.
    #[schemars(range(min = 1), extend("default" = 1000))]
    pub(super) max_size: Option<Spanned<u32>>,
    /// Failures before the dead letter.
    #[schemars(range(min = 1, max = ATTEMPTS_MAX), extend("default" = 3))]
    pub(super) max_attempts: Option<Spanned<u32>>,
    /// How long a lease lasts; 1s to 12h.
    #[schemars(extend("default" = "30s"))]
    pub(super) visibility_timeout: Option<Spanned<HumanDuration>>,
    /// A queue for dead letters, instead of the store's.
    pub(super) dead_letter_queue: Option<Spanned<String>>,
}

/// A subscription in the file: the members of a manifest's, and who is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Subscription {
    /// A topic pattern.
    #[schemars(with = "Pattern")]
    pub(super) topic: Spanned<String>,
    /// Who is called: this service, or
    pub(super) service: Option<Spanned<ServiceName>>,
    /// this webhook, which needs a name or a group too.
    pub(super) url: Option<Spanned<String>>,
    /// What its cursor goes by; SERVICE/TOPIC when nothing is said.
    pub(super) name: Option<Spanned<String>>,
    /// The group, whose members share one delivery.
    pub(super) group: Option<Spanned<String>>,
    /// Whether every host gets each event.
    #[schemars(extend("default" = false))]
    #[serde(default)]
    pub(super) broadcast: bool,
    /// Higher is served first.
    #[schemars(extend("default" = 0))]
    #[serde(default)]
    pub(super) priority: i32,
    /// A CEL expression over the envelope and `data`.
    pub(super) filter: Option<Spanned<String>>,
    /// Ends with the first success.
    #[schemars(extend("default" = false))]
    #[serde(default)]
    pub(super) once: bool,
    /// Attempts before the dead letter.
    #[schemars(range(min = 1, max = ATTEMPTS_MAX), extend("default" = 3))]
    pub(super) max_attempts: Option<Spanned<u32>>,
    /// The delay between attempts; linear of 1s when nothing is said.
    pub(super) backoff: Option<Spanned<Backoff>>,
    /// Where a new cursor begins.
    #[schemars(extend("default" = "latest"))]
    #[serde(default)]
    pub(super) start: Start,
}

/// A schedule in the file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Schedule {
    /// Its name; no two have the same.
    pub(super) name: Spanned<String>,
    /// Five fields, in UTC; or
    pub(super) cron: Option<Spanned<String>>,
    /// so often, at least 1s.
    pub(super) every: Option<Spanned<HumanDuration>>,
    /// The topic of an event; or
    pub(super) topic: Option<Spanned<String>>,
    /// the queue of a message.
    pub(super) queue: Option<Spanned<String>>,
    /// The data of the event or message.
    #[serde(default)]
    pub(super) data: serde_json::Value,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Store {
    /// Its folder; `store` in the data folder when nothing is said. At restart.
    pub(super) path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Telemetry {
    /// How log lines look. At restart.
    #[schemars(extend("default" = "text"))]
    pub(super) log_format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or TARGET=LEVEL,…; at restart.
    #[schemars(extend("default" = "info"))]
    pub(super) log_level: Option<Spanned<String>>,
    /// The collector that traces and metrics are sent to over HTTP, as in "http://127.0.0.1:4318". At restart.
    pub(super) otlp: Option<Spanned<String>>,
    /// Headers that the collector wants, at most 16.
    pub(super) otlp_headers: BTreeMap<Spanned<String>, Spanned<telemetry::Header>>,
    /// The share of traces that begin here which is recorded; a client that says so is followed.
    #[schemars(range(min = 0, max = 1), extend("default" = 1.0))]
    pub(super) sample: Option<Spanned<f64>>,
    /// How often metrics are sent to the collector; from 1s to 1h. At restart.
    #[schemars(extend("default" = "60s"))]
    pub(super) metrics_interval: Option<Spanned<HumanDuration>>,
}

/// An address to listen on: IP:PORT.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
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
