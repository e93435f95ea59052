//! The host at a glance: what there is, how it is, and who calls whom.

mod about;
mod counts;
mod history;
mod map;
mod rates;
mod window;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{breaker::State, health::Status, timestamp::Timestamp, units::HumanDuration};

pub(super) use self::history::History;
pub(crate) use self::{about::About, rates::Rates};
use self::{counts::Counts, map::Map};
use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    reply::{Problem, json},
};

/// The whole.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    /// As `/health` of the gateway has it.
    #[schemars(with = "String")]
    status: Status,
    /// Whether everything is loaded that was there at the start.
    ready: bool,
    version: &'static str,
    /// The machine's name.
    node: String,
    started_at: Timestamp,
    uptime: HumanDuration,
    listeners: Listeners,
    requests: Requests,
    #[serde(flatten)]
    counts: Counts,
    store: Store,
    #[serde(flatten)]
    map: Map,
}

/// Where the host listens, as URLs.
#[derive(Debug, Serialize, JsonSchema)]
struct Listeners {
    gateway: String,
    admin: Option<String>,
}

/// Requests of clients.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Requests {
    /// Since the start.
    calls: u64,
    /// Those of them that were answered with a status of 500 or more, or not at all.
    failures: u64,
    #[serde(flatten)]
    now: window::Figures,
}

/// Where the state is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Store {
    /// `embedded`.
    kind: &'static str,
    path: String,
    /// Bytes of its files; null when they cannot be read.
    bytes: Option<u64>,
    /// Bytes that are free on its disk.
    disk_free: u64,
}

/// `/api/v1/overview` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    match *rest {
        _ if !asked.is_read() && matches!(rest, [] | ["history"]) => Err(Problem::method_not_allowed("GET, HEAD")),
        [] => Ok(json(&Overview::now(sources).await?)),
        ["history"] => Ok(json(&History::now(&asked.query, sources))),
        _ => Err(no_such_path()),
    }
}

// === impl Overview ===

impl Overview {
    async fn now(sources: &Sources) -> Result<Self, Problem> {
        let (counts, bytes) = (Counts::now(sources).await?, sources.about.store_bytes().await);
        let about = &sources.about;
        let (snapshot, checks) = (sources.dispatcher.snapshot(), sources.checks.borrow().clone());
        let breakers: BTreeMap<String, State> =
            sources.dispatcher.breakers().into_iter().map(|breaker| (breaker.id, breaker.state)).collect();
        let status = sources.gateway.as_ref().map_or(Status::Starting, switchyard_gateway::Handle::status);
        let seen = sources.rates.seen();
        let (calls, failures) = seen.gateway.totals();
        Ok(Self {
            status,
            ready: sources.plugins.shown().is_ready,
            version: env!("CARGO_PKG_VERSION"),
            node: about.node.clone(),
            started_at: about.started_at.into(),
            uptime: HumanDuration(std::time::Duration::from_secs(about.started.elapsed().as_secs())),
            listeners: Listeners {
                gateway: about.gateway.clone(),
                admin: about.admin.map(|address| format!("http://{address}")),
            },
            requests: Requests { calls, failures, now: seen.gateway.now() },
            counts,
            store: Store {
                kind: sources.store.capabilities().name,
                path: about.store.display().to_string(),
                bytes,
                disk_free: sources.store.stats().disk_free_bytes,
            },
            map: Map::of(&snapshot, &checks, &breakers, status, &seen),
        })
    }
}
