//! Services: listed with their instances; below them upstreams are registered.

mod instances;

use std::{collections::BTreeMap, sync::Arc};

use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    health::{Check, CheckStatus},
    manifest::Dependency,
    name::ServiceName,
    problem::Code,
    stats::Metrics,
    timestamp::Timestamp,
};
use switchyard_dispatch::{Service, Snapshot};

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    query::Query,
    registrations,
    reply::{Problem, json, page},
    traffic,
};
use crate::{health::Checks, reload::RouteView};
use instances::InstanceItem;

/// One service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Service")]
pub(super) struct ServiceItem<'a> {
    name: &'a ServiceName,
    version: String,
    description: &'a str,
    tags: &'a [String],
    metadata: &'a BTreeMap<String, String>,
    status: CheckStatus,
    registered_at: Timestamp,
    /// Those that may be called: an unhealthy one is left out, unless all are asked for.
    instances: Vec<InstanceItem<'a>>,
    routes: Vec<RouteView>,
    dependencies: Vec<DependencyItem<'a>>,
    /// The latest check of the plugin's health path; null without one, and before the first.
    health: Option<&'a Check>,
    /// Of all requests to it through the gateway.
    metrics: Metrics,
    /// Bytes in the linear memories of its guests, all versions together.
    memory: u64,
}

/// Something that a service needs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ServiceDependency")]
struct DependencyItem<'a> {
    name: &'a str,
    health_url: Option<&'a str>,
}

/// What is known of the services.
struct Seen<'a> {
    snapshot: Arc<Snapshot>,
    checks: Checks,
    sources: &'a Sources,
}

/// `/api/v1/services` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    match (asked.method.clone(), rest) {
        (Method::GET | Method::HEAD, []) => {
            let seen = Seen::now(sources);
            Ok(json(&page(list(&seen, &asked.query)?, &asked.query)?))
        }
        (Method::POST, []) => registrations::register(asked, sources).await,
        (_, []) => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        (Method::GET | Method::HEAD, [name]) => {
            let seen = Seen::now(sources);
            let missing = || Problem::new(Code::NotFound, format!("there is no service {name}"));
            let found = name.parse().ok().and_then(|name: ServiceName| seen.snapshot.services.get(&name));
            Ok(json(&item(found.ok_or_else(missing)?, &seen, asked.query.flag("all")?)))
        }
        (Method::DELETE, [id]) => registrations::deregister(id, sources).await,
        (_, [_]) => Err(Problem::method_not_allowed("GET, HEAD, DELETE")),
        (_, [name, "traffic"]) => traffic::answer(asked, name, sources).await,
        (_, [id, "heartbeat"]) => registrations::heartbeat(asked, id, sources),
        _ => Err(no_such_path()),
    }
}

/// The services that have the name, and all of the tags, that the query asks for. An upstream may have a tag that its
/// service has not: then the service is found by it, and of its instances those that have it.
fn list<'a>(seen: &'a Seen<'_>, query: &Query<'_>) -> Result<Vec<(String, ServiceItem<'a>)>, Problem> {
    let (name, tags): (_, Vec<_>) = (query.first("name"), query.all("tag").collect());
    let all = query.flag("all")?;
    let named = |service: &Service| name.as_deref().is_none_or(|name| service.name().as_str() == name);
    let is_tagged = |own: &[String]| tags.iter().all(|tag| own.contains(tag));
    let mut found = Vec::new();
    for service in seen.snapshot.services.values().filter(|service| named(service)) {
        if service.instances().any(|instance| is_tagged(service.describe(instance).tags)) {
            let mut item = item(service, seen, all);
            item.instances.retain(|instance| is_tagged(instance.tags()));
            found.push((service.name().to_string(), item));
        }
    }
    Ok(found)
}

// === impl Seen ===

impl<'a> Seen<'a> {
    fn now(sources: &'a Sources) -> Self {
        Self { snapshot: sources.dispatcher.snapshot(), checks: sources.checks.borrow().clone(), sources }
    }
}

fn item<'a>(service: &'a Service, seen: &'a Seen<'_>, all: bool) -> ServiceItem<'a> {
    let manifest = &service.manifest;
    let check = seen.checks.get(service.name()).filter(|_| manifest.health.is_some());
    let dependency = |Dependency { name, health_url, .. }: &'a Dependency| DependencyItem {
        name,
        health_url: health_url.as_deref(),
    };
    let instances = service.instances().filter_map(|own| instances::item(service, own, seen));
    ServiceItem {
        name: service.name(),
        version: manifest.version.to_string(),
        description: &manifest.description,
        tags: &manifest.tags,
        metadata: &manifest.metadata,
        status: service.health(check),
        registered_at: service.registered_at.into(),
        instances: instances.filter(|instance| all || instance.may_be_called()).collect(),
        routes: manifest.routes.iter().map(RouteView::of).collect(),
        dependencies: manifest.dependencies.iter().map(dependency).collect(),
        health: check,
        metrics: service.stats.metrics(),
        memory: service
            .instances()
            .filter_map(|own| own.plugin())
            .map(|plugin| plugin.memory())
            .max()
            .unwrap_or_default(),
    }
}
