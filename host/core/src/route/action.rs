//! What a route does with a request, beyond saying which one it takes.
//!
//! It is data: whoever holds a route decides by it and needs nothing else. `S` is what a service is known by: its name
//! where routes are written, the service itself where requests are answered.

use std::{sync::Arc, time::Duration};

use crate::{name::ServiceName, rate_limit::Quota, retry};

/// The most services that one route splits its requests between.
pub const SPLIT_MAX: usize = 16;

/// The greatest weight of one part of a split.
pub const WEIGHT_MAX: u32 = 1_000_000;

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination<S> {
    /// One service.
    Service(S),
    /// Several services, each with its share.
    Split(Split<S>),
    /// Another place, which the client is sent to.
    Redirect(Redirect),
}

/// Shares of requests, by weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<S> {
    parts: Vec<Part<S>>,
    total: u64,
}

/// One share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<S> {
    /// Who gets it.
    pub service: S,
    /// Its share, in proportion to the sum of all; 0 to [`WEIGHT_MAX`].
    pub weight: u32,
}

/// Why there is no such split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSplit {
    /// Nobody would get anything.
    #[error("a split has at least one service with a weight above 0")]
    Empty,
    /// More than [`SPLIT_MAX`].
    #[error("a split has at most {SPLIT_MAX} services")]
    TooMany,
    /// A weight above [`WEIGHT_MAX`].
    #[error("a weight is at most {WEIGHT_MAX}")]
    Weight,
}

/// Where a client is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// `https` or `http`; none keeps the request's.
    pub scheme: Option<String>,
    /// A host, with a port if need be; none keeps the request's.
    pub host: Option<String>,
    /// None keeps the path. The query is kept in any case.
    pub path: Option<Rewrite>,
    /// 301, 302, 303, 307 or 308. Default 302.
    pub status: u16,
}

/// What the path becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// This one, whatever it was.
    Full(String),
    /// The route's own prefix, or its whole path when it is exact, is replaced by this.
    Prefix(String),
}

/// A copy of some requests, whose answer nobody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror<S> {
    /// Who gets it.
    pub service: S,
    /// Of a hundred requests, how many; 1 to 100. Default 100.
    pub percent: u8,
}

/// A header that a request must have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderMatch {
    /// Its name, in lower case.
    pub name: String,
    /// Its exact value; none means any.
    pub value: Option<String>,
}

/// Whether a route wants to know who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouteAuth {
    /// As the gateway does for its path.
    #[default]
    Inherit,
    /// Everybody may.
    None,
    /// Only who is authenticated.
    Required,
    /// Who sends credentials is authenticated, and refused when they are wrong; others pass without.
    Optional,
}

/// Everything else that a route says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// What is cut off the front of the path before the service sees it.
    pub strip_prefix: Option<Arc<str>>,
    /// What the path becomes, after the prefix was cut.
    pub rewrite: Option<Rewrite>,
    /// Time until the response's head; none means the gateway's `request-timeout`.
    pub timeout: Option<Duration>,
    /// None means that of `[retry]`.
    pub retry: Option<retry::Policy>,
    /// Whether it wants to know who calls.
    pub auth: RouteAuth,
    /// A limit of its own, which counts beside the gateway's.
    pub rate_limit: Option<Quota>,
    /// The largest request body in bytes; none means the gateway's.
    pub body_max: Option<u64>,
    /// Middleware of its own, after the gateway's; the first sees the request first.
    pub middleware: Vec<ServiceName>,
}

// === impl Destination ===

impl<S> Destination<S> {
    /// The same with other ideas of what a service is; none when one of a split, or the only one, is not known. Parts
    /// of a split that are not known are left out as long as one with a weight is.
    pub fn try_map<T>(&self, mut known: impl FnMut(&S) -> Option<T>) -> Option<Destination<T>> {
        Some(match self {
            Self::Service(service) => Destination::Service(known(service)?),
            Self::Redirect(redirect) => Destination::Redirect(redirect.clone()),
            Self::Split(split) => {
                let part = |part: &Part<S>| Some(Part { service: known(&part.service)?, weight: part.weight });
                Destination::Split(Split::new(split.parts.iter().filter_map(part).collect()).ok()?)
            }
        })
    }

    /// Everybody who may answer.
    pub fn services(&self) -> impl Iterator<Item = &S> {
        let (one, parts) = match self {
            Self::Service(service) => (Some(service), &[][..]),
            Self::Split(split) => (None, split.parts.as_slice()),
            Self::Redirect(_) => (None, &[][..]),
        };
        one.into_iter().chain(parts.iter().map(|part| &part.service))
    }
}

// === impl Split ===

impl<S> Split<S> {
    /// A split between these.
    ///
    /// # Errors
    /// When nobody, or too many, would share, or a weight is too great.
    pub fn new(parts: Vec<Part<S>>) -> Result<Self, InvalidSplit> {
        let total = parts.iter().map(|part| u64::from(part.weight)).sum();
        match total {
            _ if parts.len() > SPLIT_MAX => Err(InvalidSplit::TooMany),
            _ if parts.iter().any(|part| part.weight > WEIGHT_MAX) => Err(InvalidSplit::Weight),
            0 => Err(InvalidSplit::Empty),
            total => Ok(Self { parts, total }),
        }
    }

    /// Its parts, as they were given.
    pub fn parts(&self) -> &[Part<S>] {
        &self.parts
    }

    /// Who answers, given a number of chance; every one of them gets its share of all numbers.
    pub fn pick(&self, chance: u64) -> &S {
        let mut at = chance % self.total;
        for part in &self.parts {
            match at.checked_sub(u64::from(part.weight)) {
                Some(rest) => at = rest,
                None => return &part.service,
            }
        }
        // The sum of the weights is above `at`, so this is not reached.
        &self.parts[self.parts.len() - 1].service
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(weights: &[u32]) -> Result<Split<usize>, InvalidSplit> {
        Split::new(weights.iter().enumerate().map(|(service, weight)| Part { service, weight: *weight }).collect())
    }

    #[test]
    fn every_part_gets_its_share_and_no_more() {
        let split = split(&[0, 90, 10, 0]).unwrap();
        let mut counts = [0; 4];
        (0..1_000).for_each(|chance| counts[*split.pick(chance)] += 1);
        assert_eq!(counts, [0, 900, 100, 0]);
        assert_eq!(*split.pick(u64::MAX), 1);
    }

    #[test]
    fn a_split_that_gives_nothing_is_none() {
        assert_eq!(split(&[]), Err(InvalidSplit::Empty));
        assert_eq!(split(&[0, 0]), Err(InvalidSplit::Empty));
        assert_eq!(split(&[1; SPLIT_MAX + 1]), Err(InvalidSplit::TooMany));
        assert_eq!(split(&[WEIGHT_MAX + 1]), Err(InvalidSplit::Weight));
    }

    #[test]
    fn what_is_not_known_is_left_out_of_a_split_while_somebody_is() {
        let both = Destination::Split(split(&[1, 1]).unwrap());
        let first = both.try_map(|service| (*service == 0).then_some("a")).unwrap();
        assert_eq!(first.services().collect::<Vec<_>>(), [&"a"]);
        assert_eq!(both.try_map(|_| None::<()>), None);
        assert_eq!(Destination::Service(7).try_map(|_| None::<()>), None);
    }
}
