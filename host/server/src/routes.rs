//! Routes of the operator: as they are written, in the configuration or for the admin API, and as they are checked.
//!
//! Both places have the same members and the same checks; an error names the member, and whoever reads the text says
//! where that stands.
//!
//! **Invariant**: no member is accepted that the rest of the route leaves without an effect.

mod check;
mod draft;
mod owner;

use std::fmt;

use switchyard_core::{
    manifest::RouteSpec,
    name::ServiceName,
    route::action::{Destination, HeaderMatch, Mirror, Rules},
};

pub(crate) use self::{
    check::{InvalidRoute, once_each},
    draft::{AuthSaid, Draft, DraftRetry, HeaderSaid, MirrorDraft, PartDraft, QuotaDraft, RedirectDraft, RewriteDraft},
    owner::{Kept, Routes},
};

/// The most headers that one route may ask for.
pub(crate) const HEADERS_MAX: usize = 16;

/// Whom a route leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Callee {
    pub(crate) service: ServiceName,
    /// The version that answers, whatever the shares of the service's versions are; none leaves it to these.
    pub(crate) version: Option<semver::Version>,
}

/// A route that holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Route {
    /// Which requests it takes: path, methods and host. What manifests say besides is in `rules`.
    pub(crate) spec: RouteSpec,
    /// The headers that a request must have.
    pub(crate) headers: Vec<HeaderMatch>,
    /// What answers.
    pub(crate) to: Destination<Callee>,
    /// Who gets a copy.
    pub(crate) mirror: Option<Mirror<Callee>>,
    /// Everything else.
    pub(crate) rules: Rules,
}

// === impl Callee ===

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.service)?;
        self.version.iter().try_for_each(|version| write!(f, " {version}"))
    }
}

#[cfg(test)]
mod tests;
