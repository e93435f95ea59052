//! The members of a route that have members themselves.

use std::time::Duration;

use http::{HeaderName, HeaderValue, uri::Authority};
use switchyard_core::{
    rate_limit::Quota,
    retry,
    route::{
        action::{HeaderMatch, Mirror, Redirect, Rewrite, RouteAuth},
        path,
    },
    units::HumanDuration,
};

use super::{
    super::{AuthSaid, Callee, DraftRetry, HeaderSaid, MirrorDraft, QuotaDraft, RedirectDraft, RewriteDraft},
    InvalidRoute, wrong,
};

/// The most attempts of a call.
const ATTEMPTS_MAX: u32 = retry::ATTEMPTS_MAX;

/// The statuses that send a client elsewhere and can be asked for.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

pub(super) fn header((name, said): (&String, &HeaderSaid)) -> Result<HeaderMatch, InvalidRoute> {
    let at = ["headers", name.as_str()];
    let Ok(parsed) = name.parse::<HeaderName>() else {
        return wrong(&at, format!("'{name}' is no name of a header"));
    };
    if parsed == http::header::HOST {
        return wrong(&at, "write the host as the member host of the route");
    }
    let value = match said {
        HeaderSaid::Any => None,
        HeaderSaid::Value(value) => match HeaderValue::from_str(value) {
            Ok(_) if value.trim() == value => Some(value.clone()),
            _ => return wrong(&at, format!("'{value}' is no value that a header can have")),
        },
    };
    Ok(HeaderMatch { name: parsed.as_str().to_owned(), value })
}

/// A host without a scheme, a user or a path.
pub(super) fn is_host(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

fn path_of(text: String, at: &[&str]) -> Result<String, InvalidRoute> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
    match path::check(&text) {
        Ok(()) if is_plain => Ok(text),
        Ok(()) => wrong(at, format!("'{text}' is no path: write it without a query, and percent-encoded")),
        Err(invalid) => wrong(at, invalid.to_string()),
    }
}

fn rewrite(path: Option<String>, prefix: Option<String>, at: &str) -> Result<Option<Rewrite>, InvalidRoute> {
    match (path, prefix) {
        (None, None) => Ok(None),
        (Some(path), None) => Ok(Some(Rewrite::Full(path_of(path, &[at, "path"])?))),
        (None, Some(prefix)) => Ok(Some(Rewrite::Prefix(path_of(prefix, &[at, "prefix"])?))),
        (Some(_), Some(_)) => wrong(&[at, "prefix"], "say either path or prefix; remove one"),
    }
}

// === impl RewriteDraft ===

impl RewriteDraft {
    pub(super) fn check(self) -> Result<Rewrite, InvalidRoute> {
        match rewrite(self.path, self.prefix, "rewrite")? {
            Some(rewrite) => Ok(rewrite),
            None => wrong(&["rewrite"], "say either path, what the path becomes, or prefix, what its prefix becomes"),
        }
    }
}

// === impl RedirectDraft ===

impl RedirectDraft {
    pub(super) fn check(self) -> Result<Redirect, InvalidRoute> {
        let Self { scheme, host, path, prefix, status } = self;
        if scheme.is_none() && host.is_none() && path.is_none() && prefix.is_none() {
            let message = "it would send the client to where it is; say one of scheme, host, path and prefix";
            return wrong(&["redirect"], message);
        }
        if let Some(scheme) = scheme.as_ref().filter(|scheme| !["http", "https"].contains(&scheme.as_str())) {
            return wrong(&["redirect", "scheme"], format!("'{scheme}' is no scheme here; write http or https"));
        }
        if let Some(host) = host.as_ref().filter(|host| !is_host(host)) {
            let message = format!("'{host}' is no host; write HOST or HOST:PORT, as in \"shop.example.com\"");
            return wrong(&["redirect", "host"], message);
        }
        let status = status.unwrap_or(302);
        if !REDIRECTS.contains(&status) {
            return wrong(&["redirect", "status"], format!("{status} is none of 301, 302, 303, 307 and 308"));
        }
        Ok(Redirect { scheme, host, path: rewrite(path, prefix, "redirect")?, status })
    }
}

// === impl MirrorDraft ===

impl MirrorDraft {
    pub(super) fn check(self) -> Result<Mirror<Callee>, InvalidRoute> {
        match self.percent.unwrap_or(100) {
            percent @ 1..=100 => {
                Ok(Mirror { service: Callee { service: self.service, version: self.version }, percent })
            }
            _ => wrong(&["mirror", "percent"], "a percentage is a number from 1 to 100"),
        }
    }
}

// === impl DraftRetry ===

impl DraftRetry {
    /// What is said here over what is said elsewhere; `at` is where it stands.
    ///
    /// # Errors
    /// With the first member that is wrong.
    pub(crate) fn over(&self, base: &retry::Policy, at: &[&str]) -> Result<retry::Policy, InvalidRoute> {
        let attempts = self.attempts.unwrap_or(base.attempts);
        if !(1..=ATTEMPTS_MAX).contains(&attempts) {
            let message = format!("attempts are from 1, which repeats nothing, to {ATTEMPTS_MAX}");
            return wrong(&[at, &["attempts"]].concat(), message);
        }
        for (member, said) in [("base", &self.base), ("max", &self.max)] {
            if said.is_some_and(|said| said.0.is_zero()) {
                return wrong(&[at, &[member]].concat(), "the duration must be at least 1ms");
            }
        }
        let said = |own: Option<HumanDuration>, other| own.map_or(other, |own| own.0);
        let (first, max): (Duration, Duration) = (said(self.base, base.base), said(self.max, base.max));
        if first > max {
            let (first, max) = (first.as_millis(), max.as_millis());
            let member = if self.base.is_some() { "base" } else { "max" };
            let message = format!("base is {first}ms and max {max}ms; raise max, or lower base");
            return wrong(&[at, &[member]].concat(), message);
        }
        Ok(retry::Policy { attempts, base: first, max, all_methods: self.all_methods.unwrap_or(base.all_methods) })
    }
}

// === impl QuotaDraft ===

impl QuotaDraft {
    /// `at` is where it stands.
    ///
    /// # Errors
    /// With the first member that is wrong.
    pub(crate) fn check(&self, at: &[&str]) -> Result<Quota, InvalidRoute> {
        for (member, said) in [("requests", self.requests), ("burst", self.burst)] {
            if said == Some(0) {
                return wrong(&[at, &[member]].concat(), "the number must be at least 1");
            }
        }
        if self.window.is_some_and(|window| window.0.is_zero()) {
            return wrong(&[at, &["window"]].concat(), "the duration must be at least 1ms");
        }
        let defaults = Quota::default();
        let requests = self.requests.unwrap_or(defaults.requests);
        let window = self.window.map_or(defaults.window, |window| window.0);
        Ok(Quota { requests, window, burst: self.burst.unwrap_or(requests) })
    }
}

// === impl AuthSaid ===

impl From<AuthSaid> for RouteAuth {
    fn from(said: AuthSaid) -> Self {
        match said {
            AuthSaid::None => Self::None,
            AuthSaid::Optional => Self::Optional,
            AuthSaid::Required => Self::Required,
        }
    }
}
