//! What an operator decides about requests, and can change while they come.
//!
//! A request takes the policy once, at its beginning, and is decided by that to its end. What has to be remembered from
//! one policy to the next, counts and fetched keys, is kept by the gateway and not here.

use std::time::Duration;

use switchyard_core::{forwarded::Networks, name::ServiceName, rate_limit::Quota};

use crate::{
    auth::{self, Authenticators},
    cors,
};

/// What is decided about every request. By default nothing is but the limits that are always on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which pages of other origins may call. Default none: nothing is said about origins, so browsers keep them out.
    pub cors: Option<cors::Policy>,
    /// Who calls. Default nobody is asked.
    pub auth: auth::Policy,
    /// How much somebody may call: counted by principal, where there is one, else by the client's address. Default
    /// none.
    pub rate_limit: Option<Quota>,
    /// The proxies that are believed about whom they were called by. Default none.
    pub trusted_proxies: Networks,
    /// The services that see every request before it is routed; the first sees it first, and its response last.
    /// Default none.
    pub middleware: Vec<ServiceName>,
    /// The largest request body in bytes, when the route says nothing else. Default 10 MiB.
    pub body_max: u64,
    /// Time until the head of the response, when the route says nothing else. Default 30 s.
    pub request_timeout: Duration,
    /// What each request leaves on standard output. Default nothing.
    pub access_log: AccessLog,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            cors: None,
            auth: auth::Policy::default(),
            rate_limit: None,
            trusted_proxies: Networks::default(),
            middleware: Vec::new(),
            body_max: 10 << 20,
            request_timeout: Duration::from_secs(30),
            access_log: AccessLog::Off,
        }
    }
}

/// What a request leaves on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// Nothing.
    #[default]
    Off,
    /// A line in the combined format of web servers, with a few fields more.
    Text,
    /// An object in JSON, by OpenTelemetry's names.
    Json,
}

/// A policy with all that requests need to be decided by it.
pub(crate) struct Active {
    pub(crate) policy: Policy,
    pub(crate) authenticators: Authenticators,
}

// === impl AccessLog ===

impl AccessLog {
    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }
}

// === impl Active ===

impl Active {
    /// This policy, with what an earlier one has fetched already.
    pub(crate) fn new(policy: Policy, earlier: Option<&Self>) -> Self {
        let authenticators = Authenticators::new(&policy.auth.kind, earlier.map(|earlier| &earlier.authenticators));
        Self { policy, authenticators }
    }
}
