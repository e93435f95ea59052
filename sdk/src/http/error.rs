//! Why a call has no answer that can be used.

use std::fmt;
use std::time::Duration;

/// Why a call has no answer that can be used; says who was called.
///
/// In a handler of requests `?` makes 502 `Service unavailable` or 504 `Gateway timeout` of it, with the cause in the log; in
/// one of events, messages or commands a retry, or a rejection when the same call would fail in the same way.
///
/// ```
/// use switchyard_sdk::{Error, http, testing};
///
/// testing::service("users", || (404, "never heard of"));
/// let error = http::service("users").get("/users/7?token=x").send()?.ok().unwrap_err();
/// assert_eq!(error.to_string(), "GET http://users.internal/users/7: answered 404: never heard of");
/// assert_eq!(error.whom(), "users");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be sent like this: a URL, a header or a body that is none.
    #[error("{called}: {what}")]
    #[non_exhaustive]
    Invalid {
        /// Who was called.
        called: Called,
        /// What is wrong.
        what: String,
    },
    /// The host does not allow this service to call there.
    #[error("{called}: not allowed; `[services.NAME] outbound` of the host's configuration says who may be called")]
    #[non_exhaustive]
    Denied {
        /// Who was called.
        called: Called,
    },
    /// There was no complete answer in time. What was asked for may be done, or not.
    #[error("{called}: no answer within {after:?}")]
    #[non_exhaustive]
    TimedOut {
        /// Who was called.
        called: Called,
        /// The time that it had.
        after: Duration,
    },
    /// Nobody is there: no such service, no healthy instance, an open breaker, no connection.
    #[error("{called}: {why}")]
    #[non_exhaustive]
    Unreachable {
        /// Who was called.
        called: Called,
        /// Why.
        why: String,
    },
    /// The answer broke off, is too large or is not what was expected.
    #[error("{called}: {why}")]
    #[non_exhaustive]
    Broken {
        /// Who was called.
        called: Called,
        /// Why.
        why: String,
    },
    /// The answer is no success, of [`Answer::ok`](super::Answer::ok).
    #[error("{called}: answered {status}: {detail}")]
    #[non_exhaustive]
    Status {
        /// Who was called.
        called: Called,
        /// The status.
        status: u16,
        /// What the answer says of it.
        detail: String,
    },
}

/// Who was called, and how: `GET http://users.internal/users/7`. Without the query, which may hold what is not for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    method: String,
    url: String,
}

/// What the host says of a call that failed.
#[derive(Debug)]
pub(crate) enum Fault {
    Invalid(String),
    Denied,
    TimedOut,
    Unreachable(String),
    Broken(String),
}

// === impl Error ===

impl Error {
    pub(crate) fn new(called: Called, fault: Fault, after: Duration) -> Self {
        match fault {
            Fault::Invalid(what) => Self::Invalid { called, what },
            Fault::Denied => Self::Denied { called },
            Fault::TimedOut => Self::TimedOut { called, after },
            Fault::Unreachable(why) => Self::Unreachable { called, why },
            Fault::Broken(why) => Self::Broken { called, why },
        }
    }

    /// Who was called: the name of a service of this host, or another one's address.
    pub fn whom(&self) -> &str {
        self.called().whom()
    }

    /// The status, when there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Invalid { .. } => false,
            // An operator can change what is allowed.
            Self::Denied { .. } | Self::TimedOut { .. } | Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => *status >= 500 || matches!(status, 408 | 425 | 429),
        }
    }

    fn called(&self) -> &Called {
        match self {
            Self::Invalid { called, .. }
            | Self::Denied { called }
            | Self::TimedOut { called, .. }
            | Self::Unreachable { called, .. }
            | Self::Broken { called, .. }
            | Self::Status { called, .. } => called,
        }
    }
}

// === impl Called ===

impl Called {
    pub(crate) fn new(method: &str, url: &str) -> Self {
        let url = url.split(['?', '#']).next().unwrap_or_default();
        Self { method: method.to_owned(), url: url.to_owned() }
    }

    /// The name of a service of this host, or another one's address.
    pub fn whom(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        authority.strip_suffix(".internal").unwrap_or(authority)
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}
