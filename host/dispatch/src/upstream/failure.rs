//! Why an upstream gave no answer, and what that says of it.

use http::Request;
use switchyard_core::breaker::Outcome;
use switchyard_runtime::{Body, BodyError};

use super::CONNECTIONS_MAX;
use crate::error::CallError;

/// Why.
#[derive(Debug)]
pub(crate) enum Failure {
    /// As many connections as there may be are in use.
    Busy,
    /// There was no connection to be had.
    Unreachable(String),
    /// What came was no answer, or nothing more came.
    Broken(String),
    /// No answer within the time of the call.
    TimedOut,
    /// The request's body did not arrive.
    Upload(BodyError),
}

/// A request that has no answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) why: Failure,
    /// The request, when nothing of it was sent.
    pub(crate) unsent: Option<Request<Body>>,
}

// === impl Failure ===

impl Failure {
    /// What it says of the upstream.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Busy | Self::Upload(_) => Outcome::Uncounted,
            Self::Unreachable(_) | Self::Broken(_) => Outcome::Failure,
            Self::TimedOut => Outcome::TimedOut,
        }
    }

    /// Its name where failures are counted by kind, as `error.type`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unreachable(_) => "unreachable",
            Self::Broken(_) => "broken",
            Self::TimedOut => "timeout",
            Self::Upload(_) => "upload",
        }
    }

    /// What the caller is told of a call of the upstream with this id.
    pub(crate) fn into_error(self, id: &str) -> CallError {
        match self {
            Self::Busy => CallError::Busy {
                detail: format!("the upstream '{id}' is busy: all of its {CONNECTIONS_MAX} connections are in use"),
            },
            Self::Unreachable(why) => {
                CallError::Unreachable { detail: format!("the upstream '{id}' cannot be reached: {why}") }
            }
            Self::Broken(why) => {
                CallError::Failed { detail: format!("the upstream '{id}' gave no answer: {why}"), backtrace: None }
            }
            Self::TimedOut => CallError::TimedOut { detail: format!("the upstream '{id}' did not answer in time") },
            Self::Upload(error) => CallError::Body(error),
        }
    }
}

// === impl Failed ===

impl Failed {
    pub(super) fn of(why: Failure) -> Box<Self> {
        Box::new(Self { why, unsent: None })
    }

    /// One whose request can be sent again as it is.
    pub(super) fn unsent(why: Failure, request: Request<Body>) -> Box<Self> {
        Box::new(Self { why, unsent: Some(request) })
    }
}
