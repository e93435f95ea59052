//! Routes as the admin API shows them.

use serde::Serialize;
use switchyard_core::{name::ServiceName, route::Origin, units::HumanDuration};
use switchyard_dispatch::Snapshot;

/// One route that is in force.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteItem<'a> {
    path: String,
    host: Option<&'a str>,
    /// Empty means all.
    methods: &'a [String],
    service: &'a ServiceName,
    strip_prefix: Option<&'a str>,
    /// None means the gateway's.
    timeout: Option<HumanDuration>,
    origin: &'a Origin,
}

/// All routes, each with what it is sorted by.
pub(super) fn list(snapshot: &Snapshot) -> Vec<(String, RouteItem<'_>)> {
    let items = snapshot.routes.rules().iter().map(|rule| {
        let item = RouteItem {
            path: rule.pattern.to_string(),
            host: rule.host.as_deref(),
            methods: &rule.methods,
            service: rule.target.service.name(),
            strip_prefix: rule.target.strip_prefix.as_deref(),
            timeout: rule.target.timeout.map(HumanDuration),
            origin: &rule.origin,
        };
        let host = item.host.unwrap_or_default();
        (format!("{} {host} {} {:?}", item.path, item.methods.join(","), item.origin.layer), item)
    });
    items.collect()
}
