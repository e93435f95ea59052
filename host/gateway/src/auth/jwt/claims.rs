//! What a token says that has to hold: whom it is for, and when (RFC 7519, section 4.1).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::{Issuer, verify::Rejected};

/// Whether claims hold now. That they are the issuer's is known.
pub(super) fn check(claims: &Map<String, Value>, issuer: &Issuer, now: SystemTime) -> Result<(), Rejected> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
    let leeway = issuer.leeway.as_secs_f64();
    let expires = date(claims, "exp")?.ok_or(Rejected::NoClaim("exp"))?;
    if now >= expires + leeway {
        return Err(Rejected::Expired);
    }
    if date(claims, "nbf")?.is_some_and(|from| now + leeway < from) {
        return Err(Rejected::NotYetValid);
    }
    date(claims, "iat")?;
    audience(claims, &issuer.audiences)
}

/// The subject, if there is one.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<Option<&str>, Rejected> {
    match claims.get("sub") {
        None => Ok(None),
        Some(Value::String(subject)) => Ok(Some(subject)),
        Some(_) => Err(Rejected::Claim("sub")),
    }
}

fn audience(claims: &Map<String, Value>, ours: &[String]) -> Result<(), Rejected> {
    let is_ours = |value: &Value| value.as_str().is_some_and(|name| ours.iter().any(|own| own == name));
    let is_for_us = match claims.get("aud") {
        None => return Err(Rejected::NoClaim("aud")),
        Some(one @ Value::String(_)) => is_ours(one),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => list.iter().any(is_ours),
        Some(_) => return Err(Rejected::Claim("aud")),
    };
    if is_for_us { Ok(()) } else { Err(Rejected::Audience) }
}

/// A NumericDate: seconds since 1970, with or without a fraction.
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<f64>, Rejected> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => number.as_f64().map(Some).ok_or(Rejected::Claim(name)),
        Some(_) => Err(Rejected::Claim(name)),
    }
}
