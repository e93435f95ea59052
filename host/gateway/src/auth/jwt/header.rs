//! A token as it was sent: taken apart, and nothing in it believed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Algorithm, Rejected, TOKEN_MAX};
use crate::auth::json;

/// The parts of a token.
#[derive(Debug)]
pub(crate) struct Unverified<'a> {
    pub(super) algorithm: Algorithm,
    /// Which of its issuer's keys it says it was signed with.
    pub(super) kid: Option<String>,
    /// What the signature is over.
    pub(super) signed: &'a [u8],
    pub(super) signature: Vec<u8>,
    pub(super) claims: Map<String, Value>,
    /// The claims as they were written.
    pub(super) payload: Vec<u8>,
}

// === impl Unverified ===

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it has not the form of one, or asks for what is not done here.
    pub(crate) fn parse(token: &'a str) -> Result<Self, Rejected> {
        if token.len() > TOKEN_MAX {
            return Err(Rejected::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejected::Malformed)?;
        // A dot left over is no sign of the alphabet, so that five parts, an encrypted token, are none of these.
        let header = json::object(&decode(header)?).ok_or(Rejected::Malformed)?;
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => name.parse().map_err(|_| Rejected::Algorithm)?,
            _ => return Err(Rejected::Malformed),
        };
        // RFC 7515, section 4.1.11: what is not understood, and said to be critical, must be refused.
        if header.contains_key("crit") {
            return Err(Rejected::Critical);
        }
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(Rejected::Malformed),
        };
        let payload = decode(payload)?;
        let claims = json::object(&payload).ok_or(Rejected::Malformed)?;
        Ok(Self { algorithm, kid, signed: signed.as_bytes(), signature: decode(signature)?, claims, payload })
    }

    /// Who is said to have issued it: whose keys have to fit.
    pub(crate) fn issuer(&self) -> Result<&str, Rejected> {
        match self.claims.get("iss") {
            Some(Value::String(issuer)) => Ok(issuer),
            Some(_) => Err(Rejected::Claim("iss")),
            None => Err(Rejected::NoClaim("iss")),
        }
    }
}

/// Base64url without padding (RFC 7515, section 2), in its one form: also the bits that no byte has are zero.
fn decode(part: &str) -> Result<Vec<u8>, Rejected> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejected::Malformed)
}
