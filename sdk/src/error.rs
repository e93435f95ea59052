//! The error that a handler answers with.

use std::fmt;

use crate::{IntoResponse, JsonError, Response, batch, events, kv, log, queues, sagas};

/// What handlers return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An answer that is not a success: a status and a text for the caller, sent as `{"error": text}`.
///
/// `?` turns the other errors of this crate into one: 503 for what may work later, 422 for an event that a middleware
/// rejected, 409 for a saga whose status does not allow it, else 500 with the cause in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: u16,
    message: String,
}

// === impl Error ===

impl Error {
    /// An error of this status, 400 to 599.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// 400: the request is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// 500: the cause goes to the log, the caller reads `Internal error` only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        log::error!("{cause}");
        Self::new(500, "Internal error")
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.message)
    }
}

impl std::error::Error for Error {}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Response::json(&serde_json::json!({ "error": self.message })).with_status(self.status)
    }
}

impl From<kv::Error> for Error {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::Contended(_) => contended(),
            other => Self::internal(other),
        }
    }
}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        Self::internal(error)
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
            queues::Error::Full(what) => Self::new(503, what),
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
            batch::Error::Full(what) => Self::new(503, what),
            batch::Error::Unavailable(why) => unavailable(&why),
            other => Self::internal(other),
        }
    }
}

impl From<sagas::Error> for Error {
    fn from(error: sagas::Error) -> Self {
        match error {
            sagas::Error::Conflict(why) => Self::new(409, why),
            sagas::Error::Unavailable(why) => unavailable(&why),
            other => Self::internal(other),
        }
    }
}

fn contended() -> Error {
    Error::new(503, "Too many changes at once, try again")
}

fn unavailable(why: &str) -> Error {
    log::error!("{why}");
    Error::new(503, "The store is not available, try again")
}
