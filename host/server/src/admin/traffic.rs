//! How the HTTP calls of a service are shared between its versions: shown, asked for, given back to the main one.

use std::sync::Arc;

use http::Method;
use schemars::JsonSchema;
use semver::Version;
use serde::Serialize;
use switchyard_core::{
    name::{Digest, Generation, ServiceName},
    problem::Code,
    stats::Metrics,
    timestamp::Timestamp,
};
use switchyard_dispatch::Service;

use super::{
    Sources,
    api::{Answer, Asked},
    body, registrations,
    reply::{Problem, empty, json},
};
use crate::{
    reload::PluginView,
    traffic::{Copies, Draft, Kept},
};

/// The traffic of one service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Traffic")]
pub(super) struct TrafficItem {
    service: ServiceName,
    versions: Vec<VersionItem>,
    mirror: Option<Copies>,
    rollout: Option<RolloutItem>,
    /// When it was asked for; null when the main version answers.
    changed_at: Option<Timestamp>,
}

/// One version, as one generation of it answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TrafficVersion")]
struct VersionItem {
    version: Version,
    /// The stem of its file; null when it is not there.
    plugin: Option<String>,
    generation: Option<Generation>,
    digest: Option<Digest>,
    /// Whether it is the main one.
    main: bool,
    /// As it was asked for; null when it was not.
    weight: Option<u32>,
    /// Of a hundred calls, how many it gets.
    share: f64,
    /// Calls that ended with a status of 500 or more, or without an answer.
    failures: u64,
    /// Of its calls since it is one of several.
    metrics: Metrics,
}

/// A new generation that proves itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TrafficRollout")]
struct RolloutItem {
    plugin: String,
    from: Option<Version>,
    to: Version,
    digest: Digest,
    /// Of a hundred calls of that plugin; 0 before the first.
    percent: u8,
}

/// `/api/v1/services/{name}/traffic`.
pub(super) async fn answer(asked: &Asked<'_>, name: &str, sources: &Sources) -> Answer {
    match *asked.method {
        Method::GET | Method::HEAD => {
            let service = service(name, sources)?;
            Ok(json(&TrafficItem::of(&service, sources)))
        }
        Method::PUT => {
            let there: Vec<Version> =
                service(name, sources)?.versions.iter().map(|one| one.manifest.version.clone()).collect();
            let draft = body::read::<Draft>(&asked.body)?;
            let service_name = name.parse::<ServiceName>().map_err(|_| unknown(name))?;
            let version = sources.traffic.set(&service_name, draft, &there).await?;
            registrations::until(sources, |live| live.traffic >= version).await;
            let service = service(name, sources)?;
            Ok(json(&TrafficItem::of(&service, sources)))
        }
        Method::DELETE => {
            match sources.traffic.clear(name).await? {
                Some(version) => registrations::until(sources, |live| live.traffic >= version).await,
                None => _ = service(name, sources)?,
            }
            Ok(empty())
        }
        _ => Err(Problem::method_not_allowed("GET, HEAD, PUT, DELETE")),
    }
}

fn service(name: &str, sources: &Sources) -> Result<Arc<Service>, Problem> {
    let parsed = name.parse::<ServiceName>().map_err(|_| unknown(name))?;
    sources.dispatcher.snapshot().services.get(&parsed).cloned().ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no service {name}"))
}

// === impl TrafficItem ===

impl TrafficItem {
    fn of(service: &Service, sources: &Sources) -> Self {
        let kept = sources.traffic.of(service.name().as_str());
        let plugins = sources.plugins.shown().plugins;
        let of_service: Vec<&PluginView> =
            plugins.iter().filter(|plugin| plugin.service.as_ref() == Some(service.name())).collect();
        let mut versions: Vec<_> =
            service.versions.iter().map(|one| VersionItem::of(service, one, kept.as_ref(), &of_service)).collect();
        let asked = kept.iter().flat_map(|kept| &kept.traffic.versions);
        let missing = asked.filter(|share| versions.iter().all(|one| one.version != share.version));
        let missing: Vec<_> = missing.map(|share| VersionItem::missing(&share.version, share.weight)).collect();
        versions.extend(missing);
        Self {
            service: service.name().clone(),
            versions,
            mirror: kept.as_ref().and_then(|kept| kept.traffic.mirror.clone()),
            rollout: of_service.iter().find_map(|plugin| RolloutItem::of(plugin)),
            changed_at: kept.map(|kept| kept.changed_at),
        }
    }
}

// === impl VersionItem ===

impl VersionItem {
    fn of(service: &Service, one: &Arc<Service>, kept: Option<&Kept>, plugins: &[&PluginView]) -> Self {
        let version = &one.manifest.version;
        let is_main = same_instance(service, one);
        let share = match &service.traffic {
            Some(traffic) => {
                traffic.shares().iter().filter(|(of, _)| Arc::ptr_eq(of, one)).map(|(_, share)| share).sum()
            }
            None => f64::from(u8::from(is_main)),
        };
        let plugin = one.plugin();
        let generation = plugin.map(|plugin| plugin.generation());
        let stem = plugins.iter().find(|plugin| generation.is_some_and(|generation| has(plugin, generation)));
        let asked = kept.iter().flat_map(|kept| &kept.traffic.versions).find(|share| share.version == *version);
        Self {
            version: version.clone(),
            plugin: stem.map(|plugin| plugin.name.clone()),
            generation,
            digest: plugin.map(|plugin| plugin.digest()),
            main: is_main,
            weight: asked.map(|share| share.weight),
            share: (share * 100_000.0).round() / 1_000.0,
            failures: one.stats.tally().failures,
            metrics: one.stats.metrics(),
        }
    }

    fn missing(version: &Version, weight: u32) -> Self {
        Self {
            version: version.clone(),
            plugin: None,
            generation: None,
            digest: None,
            main: false,
            weight: Some(weight),
            share: 0.0,
            failures: 0,
            metrics: Metrics::default(),
        }
    }
}

fn same_instance(one: &Service, other: &Service) -> bool {
    matches!((&one.local, &other.local), (Some(one), Some(other)) if Arc::ptr_eq(one, other))
}

fn has(plugin: &PluginView, generation: Generation) -> bool {
    let of_rollout = plugin.rollout.as_ref().map(|rollout| rollout.generation);
    plugin.generation == Some(generation) || of_rollout == Some(generation)
}

// === impl RolloutItem ===

impl RolloutItem {
    fn of(plugin: &PluginView) -> Option<Self> {
        let rollout = plugin.rollout.as_ref()?;
        Some(Self {
            plugin: plugin.name.clone(),
            from: plugin.version.clone(),
            to: rollout.version.clone(),
            digest: rollout.digest,
            percent: rollout.percent,
        })
    }
}
