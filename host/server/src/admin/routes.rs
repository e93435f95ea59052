//! Routes: listed as they are in force, added and removed.

use std::{collections::BTreeMap, sync::Arc};

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use switchyard_core::{
    name::ServiceName,
    rate_limit::Quota,
    route::{
        Layer, Origin, RouteRule,
        action::{Destination, HeaderMatch, Part, Redirect, Rewrite, RouteAuth},
    },
    timestamp::Timestamp,
    units::{ByteSize, HumanDuration},
};
use switchyard_dispatch::{RouteTarget, Service, Snapshot};

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    body, registrations, reply,
    reply::{Problem, empty, page, with_status},
};
use crate::routes::Draft;

/// One route that is in force.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteItem<'a> {
    path: String,
    host: Option<&'a str>,
    /// Empty means all.
    methods: &'a [String],
    headers: BTreeMap<&'a str, Value>,
    /// One of these three is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a ServiceName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<Value>,
    strip_prefix: Option<&'a str>,
    rewrite: Option<Value>,
    mirror: Option<Value>,
    /// None means the gateway's.
    timeout: Option<HumanDuration>,
    retry: Option<Value>,
    auth: &'static str,
    rate_limit: Option<Value>,
    body_max: Option<ByteSize>,
    middleware: &'a [ServiceName],
    origin: &'a Origin,
    /// Null unless it came over the admin API.
    id: Option<&'a str>,
}

/// A route that was added here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AddedItem {
    id: String,
    #[serde(flatten)]
    route: Draft,
    created_at: Timestamp,
}

/// `/api/v1/routes` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    match (asked.method.clone(), rest) {
        (Method::GET | Method::HEAD, []) => {
            let snapshot = sources.dispatcher.snapshot();
            Ok(reply::json(&page(list(&snapshot), &asked.query)?))
        }
        (Method::POST, []) => {
            let config = sources.config.borrow().clone();
            let draft = body::read::<Draft>(&asked.body)?;
            let (retry, auth) = (&config.retries.default.policy, &config.gateway.policy.auth.kind);
            let (id, kept, version) = sources.routes.add(draft, retry, auth).await?;
            registrations::until(sources, |live| live.routes >= version).await;
            Ok(with_status(
                StatusCode::CREATED,
                reply::json(&AddedItem { id, route: kept.route, created_at: kept.created_at }),
            ))
        }
        (_, []) => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        (Method::DELETE, [id]) => {
            let version = sources.routes.remove(id).await?;
            registrations::until(sources, |live| live.routes >= version).await;
            Ok(empty())
        }
        (_, [_]) => Err(Problem::method_not_allowed("DELETE")),
        _ => Err(no_such_path()),
    }
}

/// All routes, each with what it is sorted by.
fn list(snapshot: &Snapshot) -> Vec<(String, RouteItem<'_>)> {
    let items = snapshot.routes.rules().iter().map(|rule| {
        let item = RouteItem::of(rule);
        let (host, headers) = (item.host.unwrap_or_default(), json!(item.headers));
        (format!("{} {host} {} {headers} {:?}", item.path, item.methods.join(","), item.origin.layer), item)
    });
    items.collect()
}

fn rewritten(rewrite: &Rewrite) -> (&'static str, &str) {
    match rewrite {
        Rewrite::Full(path) => ("path", path),
        Rewrite::Prefix(prefix) => ("prefix", prefix),
    }
}

fn redirected(redirect: &Redirect) -> Value {
    let mut shown = json!({"scheme": redirect.scheme, "host": redirect.host, "status": redirect.status});
    if let Some((member, path)) = redirect.path.as_ref().map(rewritten) {
        shown[member] = json!(path);
    }
    shown
}

/// With the service, and the version of it if the route names one.
fn with_version(service: &Service, mut shown: Value) -> Value {
    shown["service"] = json!(service.name());
    if let Some(version) = service.traffic.as_ref().and_then(|traffic| traffic.pinned()) {
        shown["version"] = json!(version.manifest.version);
    }
    shown
}

// === impl RouteItem ===

impl<'a> RouteItem<'a> {
    fn of(rule: &'a RouteRule<RouteTarget>) -> Self {
        let RouteTarget { to, mirror, rules, .. } = &rule.target;
        let (service, split, redirect) = match to {
            Destination::Service(service) => (Some(service.name()), None, None),
            Destination::Split(split) => {
                let part = |part: &Part<Arc<Service>>| with_version(&part.service, json!({"weight": part.weight}));
                (None, Some(split.parts().iter().map(part).collect()), None)
            }
            Destination::Redirect(redirect) => (None, None, Some(redirected(redirect))),
        };
        let header = |header: &'a HeaderMatch| {
            let value = header.value.as_ref().map_or(Value::Bool(true), |value| json!(value));
            (header.name.as_str(), value)
        };
        let mirror = mirror.as_ref().map(|to| with_version(&to.service, json!({"percent": to.percent})));
        let retry = rules.retry.as_ref().map(|retry| {
            json!({"attempts": retry.attempts, "base": HumanDuration(retry.base), "max": HumanDuration(retry.max),
                   "allMethods": retry.all_methods})
        });
        let quota = |quota: &Quota| json!({"requests": quota.requests, "window": HumanDuration(quota.window), "burst": quota.burst});
        Self {
            path: rule.pattern.to_string(),
            host: rule.host.as_deref(),
            methods: &rule.methods,
            headers: rule.headers.iter().map(header).collect(),
            service,
            split,
            redirect,
            strip_prefix: rules.strip_prefix.as_deref(),
            rewrite: rules.rewrite.as_ref().map(rewritten).map(|(member, path)| json!({member: path})),
            mirror,
            timeout: rules.timeout.map(HumanDuration),
            retry,
            auth: auth_name(rules.auth),
            rate_limit: rules.rate_limit.as_ref().map(quota),
            body_max: rules.body_max.map(ByteSize),
            middleware: &rules.middleware,
            origin: &rule.origin,
            id: (rule.origin.layer == Layer::Api).then_some(rule.origin.owner.as_str()),
        }
    }
}

fn auth_name(auth: RouteAuth) -> &'static str {
    match auth {
        RouteAuth::Inherit => "inherit",
        RouteAuth::None => "none",
        RouteAuth::Required => "required",
        RouteAuth::Optional => "optional",
    }
}
