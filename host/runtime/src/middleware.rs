//! Gateway middleware and authenticators as the gateway sees them: what they decide, and what comes after them.
//!
//! **Invariant**: what stands in these types has been checked. A head that a guest handed on is one that the gateway
//! could have got from a client, except for its origin; claims are a JSON object, and a subject fits into a header.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, request, response};
use switchyard_core::describe::{Description, Role};

use crate::{body::Body, ports::OutgoingError};

/// The longest subject in bytes; services get it as a header.
pub const SUBJECT_MAX: usize = 1 << 10;

/// The most bytes that claims may have, written without spaces; 16 KiB.
pub const CLAIMS_MAX: usize = 16 << 10;

/// How often one request may be handed on by one chain middleware: a first time, and again where that failed.
pub const NEXT_MAX: u32 = 16;

/// How a middleware takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MiddlewareKind {
    /// It looks at requests and at responses, each a call by itself: `switchyard:plugin/http-middleware`.
    Records,
    /// A request goes into it and its response comes out of it: `wasi:http/handler` on both of its sides.
    Chain,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum RequestDecision {
    /// It goes on as it is.
    Next,
    /// It goes on with this head and its own body.
    NextWithHead(request::Parts),
    /// It goes on as this one. `content-length` says the body's length, if it says anything.
    NextWith(Request<Bytes>),
    /// It ends here, with this response, which has no `content-length`.
    Answer(Response<Bytes>),
}

/// What becomes of a response.
#[derive(Debug)]
pub enum ResponseDecision {
    /// It goes out as it is.
    Next,
    /// It goes out with this head and its own body.
    NextWithHead(response::Parts),
    /// It goes out as this one, which has no `content-length`.
    NextWith(Response<Bytes>),
}

/// What comes after a chain middleware. It may be called again, and when it is not, nothing comes after.
pub type Next = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Result<Response<Body>, OutgoingError>> + Send + Sync>;

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The principal: 1 to [`SUBJECT_MAX`] bytes without control characters, nor spaces at the ends.
    pub subject: String,
    /// All that the token says: a JSON object without spaces and repeated names, at most [`CLAIMS_MAX`] bytes.
    pub all: Bytes,
    /// Until when this may be remembered; none means not at all.
    pub valid_until: Option<SystemTime>,
}

/// Why a token does not count. The texts are for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is malformed, unknown, expired or revoked.
    #[error("the token is invalid: {0}")]
    Invalid(String),
    /// It cannot be checked now.
    #[error("the token cannot be checked: {0}")]
    Unavailable(String),
}

// === impl MiddlewareKind ===

impl MiddlewareKind {
    /// How a component of this description takes part, if it does. It cannot be both: records are for the 0.2 track.
    pub fn of(description: &Description) -> Option<Self> {
        if description.has(Role::HttpChain) {
            Some(Self::Chain)
        } else if description.has(Role::HttpMiddleware) {
            Some(Self::Records)
        } else {
            None
        }
    }
}
