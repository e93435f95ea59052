//! What is wanted of a token, and what is kept of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use switchyard_sdk::clock::Timestamp;
use switchyard_sdk::{Claims, Error, Result};

/// The longest subject in bytes, as the gateway takes it.
const SUBJECT_MAX: usize = 1_024;

/// The most bytes that claims have as JSON: the gateway passes on 8 KiB.
const CLAIMS_MAX: usize = 4 * 1_024;

/// The body of a request for a token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted {
    subject: String,
    #[serde(default)]
    claims: Map<String, Value>,
    /// Seconds; none means that it does not expire.
    expires_in: Option<u32>,
}

/// What is kept of a token.
#[derive(Serialize, Deserialize)]
pub struct Issued {
    subject: String,
    claims: Map<String, Value>,
    /// Seconds since 1970.
    expires_at: Option<u64>,
}

/// What a token is known by, and cannot be had from: its SHA-256, in hexadecimal.
pub fn id(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Wanted ===

impl Wanted {
    pub fn into_issued(self, now: Timestamp) -> Result<Issued> {
        let Self { subject, claims, expires_in } = self;
        let is_subject = (1..=SUBJECT_MAX).contains(&subject.len())
            && subject.trim() == subject
            && !subject.contains(char::is_control);
        if !is_subject {
            return Err(Error::bad_request("subject is 1 to 1024 bytes without control characters or outer spaces"));
        }
        if Value::Object(claims.clone()).to_string().len() > CLAIMS_MAX {
            return Err(Error::bad_request("claims are at most 4096 bytes"));
        }
        let expires_at = expires_in.map(|seconds| now.as_unix().as_secs() + u64::from(seconds));
        Ok(Issued { subject, claims, expires_at })
    }
}

// === impl Issued ===

impl Issued {
    /// Whose it is, to be remembered for so long at most; none when it has expired.
    pub fn claims(self, now: Timestamp, remembered: Duration) -> Option<Claims> {
        let expires_at = self.expires_at.map_or(Duration::MAX, Duration::from_secs);
        if now.as_unix() >= expires_at {
            return None;
        }
        let until = Timestamp::from_unix((now.as_unix() + remembered).min(expires_at));
        let claims = self.claims.into_iter();
        Some(claims.fold(Claims::new(self.subject), |all, (name, value)| all.claim(name, value)).valid_until(until))
    }
}
