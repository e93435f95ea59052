//! `[[route]]`: the same as in the admin API, in kebab-case.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    name::ServiceName,
    retry,
    units::{ByteSize, HumanDuration},
};
use switchyard_gateway::auth::Kind;

use super::{check::Wrong, place::Text, retry::RawRetry};
use crate::routes::{
    AuthSaid, Draft, HeaderSaid, MirrorDraft, PartDraft, QuotaDraft, RedirectDraft, RewriteDraft, Route,
};

/// `[[route]]`, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Route")]
pub(super) struct Raw {
    /// `/a/b` exact; `/a/{id}` one segment; `/a/*` the prefix `/a` and all below it.
    path: String,
    /// Of this host only.
    host: Option<String>,
    /// With these methods only.
    #[schemars(extend("default" = []))]
    #[serde(default)]
    methods: Vec<String>,
    /// With these headers only: a value, or true for any; at most 16.
    #[serde(default)]
    headers: BTreeMap<String, HeaderSaid>,
    /// Who answers; or
    service: Option<ServiceName>,
    /// several, each with its share; or
    split: Option<Vec<PartDraft>>,
    /// where the client is sent.
    redirect: Option<RedirectDraft>,
    /// What is cut off the front of the path.
    strip_prefix: Option<String>,
    /// What the path becomes.
    rewrite: Option<RewriteDraft>,
    /// Where a copy is sent, whose answer is dropped.
    mirror: Option<MirrorDraft>,
    /// Until the response's head; the gateway's when nothing is said.
    timeout: Option<HumanDuration>,
    /// What is not said is that of the service.
    retry: Option<RawRetry>,
    /// Whether credentials are needed; as the gateway when nothing is said.
    auth: Option<AuthSaid>,
    /// Beside the gateway's.
    rate_limit: Option<QuotaDraft>,
    /// The largest request body; the gateway's when nothing is said.
    body_max: Option<ByteSize>,
    /// Services that see its requests, after the gateway's.
    #[schemars(extend("default" = []))]
    #[serde(default)]
    middleware: Vec<ServiceName>,
}

/// Checks all routes; `retry` is what holds for calls of routes that say nothing.
pub(super) fn routes(raw: Vec<Raw>, retry: &retry::Policy, text: Text<'_>) -> Result<Vec<Route>, Wrong> {
    let check = |(place, raw): (usize, Raw)| {
        Draft::from(raw).check(retry).map_err(|invalid| text.wrong(&["route", &place.to_string()], invalid))
    };
    raw.into_iter().enumerate().map(check).collect()
}

/// Refuses a route that wants to know who calls where nobody is asked.
pub(super) fn check_auth(routes: &[Route], kind: &Kind, text: Text<'_>) -> Result<(), Wrong> {
    for (place, route) in routes.iter().enumerate() {
        route.check_auth(kind).map_err(|invalid| text.wrong(&["route", &place.to_string()], invalid))?;
    }
    Ok(())
}

// === impl Draft ===

impl From<Raw> for Draft {
    fn from(raw: Raw) -> Self {
        Self {
            path: raw.path,
            host: raw.host,
            methods: raw.methods,
            headers: raw.headers,
            service: raw.service,
            split: raw.split,
            redirect: raw.redirect,
            strip_prefix: raw.strip_prefix,
            rewrite: raw.rewrite,
            mirror: raw.mirror,
            timeout: raw.timeout,
            retry: raw.retry.map(Into::into),
            auth: raw.auth,
            rate_limit: raw.rate_limit,
            body_max: raw.body_max,
            middleware: raw.middleware,
        }
    }
}
