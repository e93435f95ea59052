//! Authenticators: telling the gateway whose a bearer token is.
//!
//! An authenticator is one function, attached by `[gateway.auth] kind = "plugin"` of the host. Services get the subject
//! as the header `X-Auth-Subject`, and all claims as `X-Auth-Claims`.
//!
//! ```
//! use std::time::Duration;
//! use switchyard_sdk::{AuthError, Claims, Manifest, config};
//!
//! fn manifest() -> Manifest {
//!     switchyard_sdk::manifest!()
//! }
//!
//! fn authenticate(token: &str) -> Result<Claims, AuthError> {
//!     let known = config::get("token")?;
//!     match known.as_deref() == Some(token) {
//!         true => Ok(Claims::new("admin").claim("roles", ["all"]).valid_for(Duration::from_secs(60))),
//!         false => Err(AuthError::invalid("it is not the one in the configuration")),
//!     }
//! }
//!
//! switchyard_sdk::plugin! { manifest: manifest, authenticator: authenticate }
//! # fn main() {
//! switchyard_sdk::testing::set_config("token", "t0ken");
//! assert_eq!(authenticate("t0ken").unwrap().subject(), "admin");
//! assert!(matches!(authenticate("other"), Err(AuthError::Invalid(_))));
//! # }
//! ```

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::bindings::authenticator::exports::switchyard::plugin::authenticator as wit;
use crate::clock::{self, Timestamp};
use crate::kv;

/// Whose a token is, and what else it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    subject: String,
    all: Map<String, Value>,
    valid_until: Option<Timestamp>,
}

/// Why a token does not count. The texts are for the host's log; clients are not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is malformed, unknown, expired or revoked: 401.
    #[error("the token is invalid: {0}")]
    Invalid(String),
    /// It cannot be checked now: 503.
    #[error("the token cannot be checked: {0}")]
    Unavailable(String),
}

// === impl Claims ===

impl Claims {
    /// The token is this principal's: 1 to 1,024 bytes without control characters, nor spaces at the ends.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), all: Map::new(), valid_until: None }
    }

    /// It says this too. A value that cannot be JSON (a map with keys that are no strings) is null. All claims together
    /// are at most 16 KiB, and the gateway passes on no more than 8.
    pub fn claim(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.all.insert(name.into(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// The gateway may remember this answer for so long; it does not ask again meanwhile, so a token that is revoked
    /// counts until then. Not said, it asks for each request.
    pub fn valid_for(self, time: Duration) -> Self {
        self.valid_until(Timestamp::from_unix(clock::now().as_unix().saturating_add(time)))
    }

    /// The gateway may remember this answer until then; as [`valid_for`](Self::valid_for).
    pub fn valid_until(self, end: Timestamp) -> Self {
        Self { valid_until: Some(end), ..self }
    }

    /// The principal.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What it says of this.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// Until when the answer may be remembered.
    pub fn expiry(&self) -> Option<Timestamp> {
        self.valid_until
    }
}

impl From<Claims> for wit::Claims {
    fn from(claims: Claims) -> Self {
        let Claims { subject, all, valid_until } = claims;
        let valid_until = valid_until.map(|until| until.as_unix().as_secs());
        Self { subject, all: Value::Object(all).to_string().into_bytes(), valid_until }
    }
}

// === impl AuthError ===

impl AuthError {
    /// It does not count, because of this.
    pub fn invalid(why: impl fmt::Display) -> Self {
        Self::Invalid(why.to_string())
    }

    /// It cannot be checked now, because of this.
    pub fn unavailable(why: impl fmt::Display) -> Self {
        Self::Unavailable(why.to_string())
    }
}

impl From<kv::Error> for AuthError {
    fn from(error: kv::Error) -> Self {
        Self::unavailable(error)
    }
}

impl From<crate::Error> for AuthError {
    fn from(error: crate::Error) -> Self {
        Self::unavailable(error)
    }
}

impl From<AuthError> for wit::AuthError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid(why) => Self::Invalid(why),
            AuthError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_go_over_as_one_object() {
        let claims = Claims::new("ann").claim("roles", ["a", "b"]).claim("age", 7);
        let end = Timestamp::from_unix(Duration::from_millis(61_900));
        let raw = wit::Claims::from(claims.clone().valid_until(end));
        let all: Value = serde_json::from_slice(&raw.all).expect("JSON");
        assert_eq!(all, serde_json::json!({ "roles": ["a", "b"], "age": 7 }));
        assert_eq!((raw.subject.as_str(), raw.valid_until), ("ann", Some(61)));
        let silent = wit::Claims::from(Claims::new("ann"));
        assert_eq!((silent.all.as_slice(), silent.valid_until), (&b"{}"[..], None));
        assert!(claims.valid_for(Duration::MAX).expiry().is_some());
    }

    #[test]
    fn a_store_that_does_not_answer_says_nothing_of_the_token() {
        let error = AuthError::from(kv::Error::Store("away".to_owned()));
        assert_eq!(error, AuthError::unavailable("key-value store: away"));
    }
}
