//! What the other errors of this crate are to a caller.

use super::Error;
use crate::{JsonError, batch, events, http, kv, log, queues, sagas};

impl From<kv::Error> for Error {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::Contended(_) => contended(),
            other => Self::internal(crate::failure::with_sources(&other)),
        }
    }
}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        Self::internal(crate::failure::with_sources(&error))
    }
}

impl From<events::Error> for Error {
    fn from(error: events::Error) -> Self {
        match error {
            events::Error::Rejected(why) => Self::new(422, why),
            events::Error::Unavailable(why) => unavailable(&why),
            other => Self::internal(other),
        }
    }
}

impl From<queues::Error> for Error {
    fn from(error: queues::Error) -> Self {
        match error {
            queues::Error::Full(what) => Self::unavailable(what),
            queues::Error::Unavailable(why) => unavailable(&why),
            other => Self::internal(other),
        }
    }
}

impl From<batch::Error> for Error {
    fn from(error: batch::Error) -> Self {
        match error {
            batch::Error::Conflict(_) | batch::Error::Contended(_) => contended(),
            batch::Error::Rejected(why) => Self::new(422, why),
            batch::Error::Full(what) => Self::unavailable(what),
            batch::Error::Unavailable(why) => unavailable(&why),
            other => Self::internal(other),
        }
    }
}

impl From<sagas::Error> for Error {
    fn from(error: sagas::Error) -> Self {
        match error {
            sagas::Error::Conflict(why) => Self::conflict(why),
            sagas::Error::Unavailable(why) => unavailable(&why),
            other => Self::internal(other),
        }
    }
}

/// Callers are told which service it was, and no more: what went wrong there is for the log.
impl From<http::Error> for Error {
    fn from(error: http::Error) -> Self {
        let (status, message) = match &error {
            http::Error::Invalid { .. } | http::Error::Denied { .. } => return Self::internal(error),
            http::Error::TimedOut { .. } => (504, "Gateway timeout"),
            http::Error::Unreachable { .. } | http::Error::Broken { .. } | http::Error::Status { .. } => {
                (502, "Service unavailable")
            }
        };
        log::error!("{error}");
        Self::new(status, message).detail(format!("{} did not answer as it should", error.whom()))
    }
}

fn contended() -> Error {
    Error::unavailable("Too many changes at once, try again")
}

fn unavailable(why: &str) -> Error {
    log::error!("{why}");
    Error::unavailable("The store is not available, try again")
}
