//! `[[route]]`: the same as in the admin API, in kebab-case.

use std::collections::BTreeMap;

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

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Raw {
    path: String,
    host: Option<String>,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, HeaderSaid>,
    service: Option<ServiceName>,
    split: Option<Vec<PartDraft>>,
    redirect: Option<RedirectDraft>,
    strip_prefix: Option<String>,
    rewrite: Option<RewriteDraft>,
    mirror: Option<MirrorDraft>,
    timeout: Option<HumanDuration>,
    retry: Option<RawRetry>,
    auth: Option<AuthSaid>,
    rate_limit: Option<QuotaDraft>,
    body_max: Option<ByteSize>,
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
