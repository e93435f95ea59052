//! How a call of a service can fail.

use std::time::Duration;

use switchyard_core::problem::Code;
use switchyard_runtime::{BodyError, GuestError};

/// When a client may try again after a refusal: long enough to let a queue move, short enough to be worth it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a service gave no response.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing can answer for it now.
    #[error("{detail}")]
    Unavailable {
        /// Which service, and why.
        detail: String,
    },
    /// There is no connection to it to be had; nothing was sent.
    #[error("{detail}")]
    Unreachable {
        /// Which upstream, and why.
        detail: String,
    },
    /// The breaker in front of it refuses calls.
    #[error("{detail}")]
    BreakerOpen {
        /// Which breaker, and why.
        detail: String,
        /// When it may let calls through again.
        retry_after: Duration,
    },
    /// None of its instances is healthy and takes calls.
    #[error("{detail}")]
    NoHealthyInstance {
        /// Which service, and how its instances are.
        detail: String,
        /// When one of them may.
        retry_after: Duration,
    },
    /// It has as many calls as it may.
    #[error("{detail}")]
    Busy {
        /// Which limit was reached.
        detail: String,
    },
    /// Services called each other more often than they may in a row.
    #[error("more than {} calls between services in a row", switchyard_runtime::context::HOPS_MAX)]
    TooManyHops,
    /// It did not answer in time.
    #[error("{detail}")]
    TimedOut {
        /// Which service, and how long it had.
        detail: String,
    },
    /// It failed.
    #[error("{detail}")]
    Failed {
        /// What happened, fit to be shown to clients.
        detail: String,
        /// Where in the guest; for its developers.
        backtrace: Option<String>,
    },
    /// The request's body did not arrive.
    #[error(transparent)]
    Body(BodyError),
}

// === impl CallError ===

impl CallError {
    /// What clients are told.
    pub fn code(&self) -> Code {
        match self {
            Self::Unavailable { .. } => Code::ServiceUnavailable,
            Self::BreakerOpen { .. } => Code::BreakerOpen,
            Self::NoHealthyInstance { .. } => Code::NoHealthyInstance,
            Self::Busy { .. } => Code::ServiceBusy,
            Self::TooManyHops => Code::TooManyHops,
            Self::TimedOut { .. } => Code::GatewayTimeout,
            Self::Unreachable { .. } | Self::Failed { .. } => Code::ServiceFailed,
            Self::Body(BodyError::TooLarge { .. }) => Code::PayloadTooLarge,
            Self::Body(BodyError::TimedOut) => Code::RequestTimeout,
            Self::Body(BodyError::Aborted(_)) => Code::BadRequest,
        }
    }

    /// When it is worth trying again, for refusals.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::BreakerOpen { retry_after, .. } | Self::NoHealthyInstance { retry_after, .. } => Some(*retry_after),
            Self::Unavailable { .. } | Self::Busy { .. } | Self::TooManyHops => Some(RETRY_AFTER),
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Failed { .. } | Self::Body(_) => None,
        }
    }
}

impl From<GuestError> for CallError {
    fn from(error: GuestError) -> Self {
        let detail = error.to_string();
        match error {
            GuestError::Busy { .. } => Self::Busy { detail },
            GuestError::TimedOut { .. } => Self::TimedOut { detail },
            GuestError::Failed { backtrace, .. } => Self::Failed { detail, backtrace },
            GuestError::Shared { cause, .. } => Self::from(*cause),
            GuestError::Body(error) => Self::Body(error),
            GuestError::Unloadable { .. } | GuestError::NotExported { .. } => Self::Unavailable { detail },
        }
    }
}
