//! Which target answers a request: patterns, their precedence, and the table that is built from them once.
//!
//! A request is decided by its raw path: nothing is decoded, merged or case-folded on the way, so the gateway and
//! the service can never read one path in two ways. What clients and servers are known to read differently, `.`
//! and `..` segments, is refused by [`path::check`] before a route is looked for.
//!
//! **Invariants**: a lookup allocates nothing unless it ends in 405; its time depends on the path's segments and the
//! rules for the same path and host, not on the number of routes; of two rules that match, [`Precedence`] alone says which one answers.

pub mod action;
mod headers;
pub mod path;
mod pattern;
mod precedence;
mod table;
mod trie;

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use self::action::HeaderMatch;
pub use self::{
    headers::{HEADERS_MAX, InvalidHeaders},
    pattern::{InvalidPattern, Pattern, SEGMENTS_MAX},
    precedence::{Kind, MethodClaim, Precedence},
    table::{Refused, RouteTable},
};

/// One path, host, set of methods and of headers, and what answers there.
#[derive(Clone, Debug)]
pub struct RouteRule<T> {
    /// The paths it takes.
    pub pattern: Pattern,
    /// The only host it answers to, without a port, in any case; none means every host.
    pub host: Option<String>,
    /// The methods it takes, in upper case; empty means all. One that takes GET takes HEAD as well (RFC 9110,
    /// section 9.3.2: HEAD is GET without the content).
    pub methods: Vec<String>,
    /// The headers that a request must have, all of them, as [`HeaderMatch::list`] gives them; empty means none.
    pub headers: Vec<HeaderMatch>,
    /// What answers.
    pub target: T,
    /// Who asked for it.
    pub origin: Origin,
}

/// Who asked for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "RouteOrigin")]
pub struct Origin {
    /// Where it was written.
    pub layer: Layer,
    /// The plugin for manifests and side files, else the file or the caller that it came from.
    pub owner: String,
}

/// Where a route was written. A later layer wins over an earlier one where both claim the same path, host,
/// headers and method; within the manifests the first that came keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "RouteLayer")]
pub enum Layer {
    /// The component's own manifest.
    Manifest,
    /// A side file, which stands for the manifest and ranks with it.
    SideFile,
    /// `[[route]]` in the config.
    Config,
    /// The admin API.
    Api,
}

/// What a table says about a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<'a, T> {
    /// This target answers.
    Found(&'a T),
    /// The path is known, the method is not.
    MethodNotAllowed {
        /// The methods that would be taken, as the value of `Allow`.
        allow: String,
    },
    /// No rule matches the path and host.
    NotFound,
}

// === impl RouteRule ===

impl<T> RouteRule<T> {
    /// Whether it keeps a newcomer with the same path and host out. Rules that ask for different headers stand beside
    /// each other, as a canary stands beside what everybody gets.
    fn excludes(&self, newcomer: &Self) -> bool {
        let rank_equal = self.origin.layer.rank() == newcomer.origin.layer.rank();
        let any = self.methods.is_empty() || newcomer.methods.is_empty();
        let overlap = any || self.methods.iter().any(|method| newcomer.methods.contains(method));
        rank_equal && overlap && self.headers == newcomer.headers && self.origin.owner != newcomer.origin.owner
    }

    /// Whether its owner asks for nothing more with another rule for the same path and host.
    fn covers(&self, other: &Self) -> bool {
        let all_known = !other.methods.is_empty() && other.methods.iter().all(|method| self.methods.contains(method));
        let is_same = self.origin.owner == other.origin.owner && self.headers == other.headers;
        is_same && (self.methods.is_empty() || all_known)
    }

    /// Whether a request has all headers that it asks for.
    fn takes_headers(&self, has: &dyn Fn(&HeaderMatch) -> bool) -> bool {
        self.headers.iter().all(has)
    }

    /// The same with its host as requests are compared with it, and its headers as they are compared with others'.
    fn plain(mut self) -> Self {
        self.host = self.host.map(|host| trie::Host::parse(&host).map_or(host, |parsed| parsed.as_str().to_owned()));
        self.headers.sort();
        self
    }
}

// === impl Layer ===

impl Layer {
    /// Its rank: manifests and side files are equals.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Manifest | Self::SideFile => 0,
            Self::Config => 1,
            Self::Api => 2,
        }
    }
}

// === impl Origin ===

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.layer {
            Layer::Manifest => "the manifest of",
            Layer::SideFile => "the side file of",
            Layer::Config => "the config",
            Layer::Api => "the admin API,",
        };
        write!(f, "{place} {}", self.owner)
    }
}
