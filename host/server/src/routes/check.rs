//! From what is written to a route that holds.

mod members;

use std::sync::Arc;

use switchyard_core::{
    manifest::{self, RouteSpec},
    name::ServiceName,
    retry,
    route::action::{Destination, InvalidSplit, Part, RouteAuth, Rules, Split, WEIGHT_MAX},
};
use switchyard_gateway::auth::Kind;

use super::{Callee, Draft, HEADERS_MAX, MirrorDraft, PartDraft, RedirectDraft, Route};
use members::{header, is_host};

/// Why a route does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct InvalidRoute {
    /// The member that is wrong, from the outside in; in camelCase, and an item of a list is its number.
    pub(crate) member: Vec<String>,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
}

// === impl Draft ===

impl Draft {
    /// Checks every member; `retry` is what a route's own is completed by.
    ///
    /// # Errors
    /// With the first member that is wrong.
    pub(crate) fn check(self, retry: &retry::Policy) -> Result<Route, InvalidRoute> {
        let spec = self.spec()?;
        let headers = self.headers.iter().map(header).collect::<Result<Vec<_>, _>>()?;
        if headers.len() > HEADERS_MAX {
            return wrong(&["headers"], format!("a route asks for at most {HEADERS_MAX} headers; leave some out"));
        }
        self.check_effects()?;
        let to = destination(self.service, self.split, self.redirect)?;
        let rules = Rules {
            strip_prefix: self.strip_prefix.map(Arc::from),
            rewrite: self.rewrite.map(|rewrite| rewrite.check()).transpose()?,
            timeout: self.timeout.map(|timeout| timeout.0),
            retry: self.retry.map(|own| own.over(retry, &["retry"])).transpose()?,
            auth: self.auth.map_or(RouteAuth::Inherit, RouteAuth::from),
            rate_limit: self.rate_limit.map(|quota| quota.check(&["rateLimit"])).transpose()?,
            body_max: self.body_max.map(|size| size.0),
            middleware: once_each(self.middleware, &["middleware"])?,
        };
        if rules.body_max == Some(0) {
            return wrong(&["bodyMax"], "the size must be at least 1B");
        }
        let mirror = self.mirror.map(MirrorDraft::check).transpose()?;
        Ok(Route { spec, headers, to, mirror, rules })
    }

    fn spec(&self) -> Result<RouteSpec, InvalidRoute> {
        let spec = RouteSpec {
            path: self.path.clone(),
            methods: self.methods.clone(),
            strip_prefix: self.strip_prefix.clone(),
            host: self.host.clone(),
            timeout: self.timeout,
        };
        if let Err(invalid) = spec.check() {
            let message = invalid.to_string();
            return match invalid {
                manifest::InvalidRoute::Path(_) => wrong(&["path"], message),
                manifest::InvalidRoute::Method { place, .. } => wrong(&["methods", &place.to_string()], message),
                manifest::InvalidRoute::StripPrefix(_) => wrong(&["stripPrefix"], message),
                manifest::InvalidRoute::Timeout => wrong(&["timeout"], message),
            };
        }
        match &self.host {
            Some(host) if !is_host(host) => {
                wrong(&["host"], format!("'{host}' is no host; write its name alone, as in \"shop.example.com\""))
            }
            _ => Ok(spec),
        }
    }

    /// Refuses what would change nothing.
    fn check_effects(&self) -> Result<(), InvalidRoute> {
        if self.rewrite.is_some() && self.strip_prefix.is_some() {
            return wrong(&["rewrite"], "a route has either strip-prefix or rewrite; remove one");
        }
        if self.redirect.is_none() {
            return Ok(());
        }
        let unused = [
            ("stripPrefix", self.strip_prefix.is_some()),
            ("rewrite", self.rewrite.is_some()),
            ("mirror", self.mirror.is_some()),
            ("timeout", self.timeout.is_some()),
            ("retry", self.retry.is_some()),
            ("bodyMax", self.body_max.is_some()),
        ];
        match unused.iter().find(|(_, is_said)| *is_said) {
            Some((member, _)) => wrong(&[member], "a redirect calls no service, so this has no effect; remove it"),
            None => Ok(()),
        }
    }
}

// === impl Route ===

impl Route {
    /// Refuses one that wants to know who calls where nobody is asked.
    ///
    /// # Errors
    /// When it does.
    pub(crate) fn check_auth(&self, kind: &Kind) -> Result<(), InvalidRoute> {
        match (self.rules.auth, kind) {
            (RouteAuth::Required | RouteAuth::Optional, Kind::None) => wrong(
                &["auth"],
                "nobody is asked who calls, since [gateway.auth] of the configuration says no kind; say one there",
            ),
            _ => Ok(()),
        }
    }
}

fn destination(
    service: Option<ServiceName>,
    split: Option<Vec<PartDraft>>,
    redirect: Option<RedirectDraft>,
) -> Result<Destination<Callee>, InvalidRoute> {
    match (service, split, redirect) {
        (Some(service), None, None) => Ok(Destination::Service(Callee { service, version: None })),
        (None, Some(parts), None) => split_of(parts).map(Destination::Split),
        (None, None, Some(redirect)) => redirect.check().map(Destination::Redirect),
        (None, None, None) => wrong(&[], "a route names a service, a split or a redirect; say one of them"),
        (_, split, redirect) => {
            let member = if redirect.is_some() || split.is_none() { "redirect" } else { "split" };
            wrong(&[member], "a route names one of service, split and redirect; remove the others")
        }
    }
}

fn split_of(parts: Vec<PartDraft>) -> Result<Split<Callee>, InvalidRoute> {
    let part = |PartDraft { service, version, weight }| Part { service: Callee { service, version }, weight };
    let parts: Vec<Part<Callee>> = parts.into_iter().map(part).collect();
    for (place, part) in parts.iter().enumerate() {
        if parts[..place].iter().any(|other| other.service == part.service) {
            let at = ["split", &place.to_string(), "service"];
            return wrong(&at, format!("'{}' is there twice; add up its weights", part.service));
        }
    }
    let too_heavy = parts.iter().position(|part| part.weight > WEIGHT_MAX);
    Split::new(parts).or_else(|invalid| match (invalid, too_heavy) {
        (InvalidSplit::Weight, Some(place)) => wrong(&["split", &place.to_string(), "weight"], invalid.to_string()),
        _ => wrong(&["split"], invalid.to_string()),
    })
}

/// Each once: the second time it would see what it has made itself. `at` is where the list stands.
pub(crate) fn once_each(names: Vec<ServiceName>, at: &[&str]) -> Result<Vec<ServiceName>, InvalidRoute> {
    for (place, name) in names.iter().enumerate() {
        if names[..place].contains(name) {
            return wrong(&[at, &[&place.to_string()]].concat(), format!("'{name}' is there twice; remove one"));
        }
    }
    Ok(names)
}

fn wrong<T>(member: &[&str], message: impl Into<String>) -> Result<T, InvalidRoute> {
    let member = member.iter().map(|part| (*part).to_owned()).collect();
    Err(InvalidRoute { member, message: message.into() })
}
