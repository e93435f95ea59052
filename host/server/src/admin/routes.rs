//! Routes: listed as they are in force, added and removed.

pub(super) mod matching;

use std::{collections::BTreeMap, sync::Arc};

use http::{Method, StatusCode};
use schemars::JsonSchema;
use semver::Version;
use serde::Serialize;
use serde_json::json;
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
use crate::routes::{Draft, DraftRetry, HeaderSaid, MirrorDraft, PartDraft, QuotaDraft, RedirectDraft, RewriteDraft};

/// One route that is in force.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Route")]
pub(super) struct RouteItem<'a> {
    path: String,
    host: Option<&'a str>,
    /// Empty means all.
    methods: &'a [String],
    headers: BTreeMap<&'a str, HeaderSaid>,
    /// One of these three is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a ServiceName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<Vec<PartDraft>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<RedirectDraft>,
    strip_prefix: Option<&'a str>,
    rewrite: Option<RewriteDraft>,
    mirror: Option<MirrorDraft>,
    /// None means the gateway's.
    timeout: Option<HumanDuration>,
    retry: Option<DraftRetry>,
    auth: &'static str,
    rate_limit: Option<QuotaDraft>,
    body_max: Option<ByteSize>,
    middleware: &'a [ServiceName],
    origin: &'a Origin,
    /// Null unless it came over the admin API.
    id: Option<&'a str>,
}

/// A route that was added here.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AddedRoute")]
pub(super) struct AddedItem {
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
        (_, ["match"]) => matching::answer(asked, sources),
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

fn rewritten(rewrite: &Rewrite) -> RewriteDraft {
    match rewrite {
        Rewrite::Full(path) => RewriteDraft { path: Some(path.clone()), prefix: None },
        Rewrite::Prefix(prefix) => RewriteDraft { path: None, prefix: Some(prefix.clone()) },
    }
}

fn redirected(redirect: &Redirect) -> RedirectDraft {
    let RewriteDraft { path, prefix } = redirect.path.as_ref().map(rewritten).unwrap_or_default();
    let Redirect { scheme, host, status, .. } = redirect;
    RedirectDraft { scheme: scheme.clone(), host: host.clone(), path, prefix, status: Some(*status) }
}

/// The version of the service that the route names, if it names one.
fn version_of(service: &Service) -> Option<Version> {
    service.traffic.as_ref().and_then(|traffic| traffic.pinned()).map(|version| version.manifest.version.clone())
}

// === impl RouteItem ===

impl<'a> RouteItem<'a> {
    fn of(rule: &'a RouteRule<RouteTarget>) -> Self {
        let RouteTarget { to, mirror, rules, .. } = &rule.target;
        let (service, split, redirect) = match to {
            Destination::Service(service) => (Some(service.name()), None, None),
            Destination::Split(split) => {
                let part = |part: &Part<Arc<Service>>| PartDraft {
                    service: part.service.name().clone(),
                    version: version_of(&part.service),
                    weight: part.weight,
                };
                (None, Some(split.parts().iter().map(part).collect()), None)
            }
            Destination::Redirect(redirect) => (None, None, Some(redirected(redirect))),
        };
        let header = |header: &'a HeaderMatch| {
            let value = header.value.clone().map_or(HeaderSaid::Any, HeaderSaid::Value);
            (header.name.as_str(), value)
        };
        let mirror = mirror.as_ref().map(|to| MirrorDraft {
            service: to.service.name().clone(),
            version: version_of(&to.service),
            percent: Some(to.percent),
        });
        let retry = rules.retry.as_ref().map(|retry| DraftRetry {
            attempts: Some(retry.attempts),
            base: Some(HumanDuration(retry.base)),
            max: Some(HumanDuration(retry.max)),
            all_methods: Some(retry.all_methods),
        });
        let quota = |quota: &Quota| QuotaDraft {
            requests: Some(quota.requests),
            window: Some(HumanDuration(quota.window)),
            burst: Some(quota.burst),
        };
        Self {
            path: rule.pattern.to_string(),
            host: rule.host.as_deref(),
            methods: &rule.methods,
            headers: rule.headers.iter().map(header).collect(),
            service,
            split,
            redirect,
            strip_prefix: rules.strip_prefix.as_deref(),
            rewrite: rules.rewrite.as_ref().map(rewritten),
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
