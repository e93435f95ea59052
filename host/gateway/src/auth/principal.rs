//! Who calls, once that is known.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::json;

/// The longest subject in bytes; services get it as a header.
pub(crate) const SUBJECT_MAX: usize = 1 << 10;

/// The most bytes that claims may have as services get them; 8 KiB, which is what many servers take for one header.
pub(crate) const CLAIMS_MAX: usize = 8 << 10;

pub(crate) const X_AUTH_SUBJECT: HeaderName = HeaderName::from_static("x-auth-subject");
pub(crate) const X_AUTH_CLAIMS: HeaderName = HeaderName::from_static("x-auth-claims");

/// Somebody whose credentials hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// What is counted by: issuer and subject, since two issuers may know two people by one name.
    key: Option<Arc<str>>,
    subject: Option<HeaderValue>,
    claims: HeaderValue,
}

/// Why services cannot be told of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrincipal {
    /// No header can hold it, or none that says anything.
    #[error("the subject has 1 to {SUBJECT_MAX} bytes, without control characters, nor spaces at its ends")]
    Subject,
    /// Services would refuse the request, or cut it.
    #[error("the claims have more than {CLAIMS_MAX} bytes")]
    ClaimsTooLong,
}

// === impl Principal ===

impl Principal {
    /// Somebody of whom `claims`, a JSON object, is known. Whoever has no subject is not counted by it either.
    pub(super) fn new(realm: &str, subject: Option<&str>, claims: &[u8]) -> Result<Self, InvalidPrincipal> {
        let key = subject.map(|subject| format!("{realm}\n{subject}").into());
        let subject = subject.map(subject_value).transpose()?;
        let claims = std::str::from_utf8(claims).map(json::compact).unwrap_or_default();
        if claims.len() > CLAIMS_MAX {
            return Err(InvalidPrincipal::ClaimsTooLong);
        }
        let claims = HeaderValue::try_from(claims).expect("compact JSON is visible ASCII");
        Ok(Self { key, subject, claims })
    }

    /// What its requests are counted by.
    pub(crate) fn key(&self) -> Option<&Arc<str>> {
        self.key.as_ref()
    }

    /// Tells the service. What clients sent under these names was removed before.
    pub(crate) fn introduce(&self, headers: &mut HeaderMap) {
        if let Some(subject) = &self.subject {
            headers.insert(X_AUTH_SUBJECT, subject.clone());
        }
        headers.insert(X_AUTH_CLAIMS, self.claims.clone());
    }

    #[cfg(test)]
    pub(super) fn claims(&self) -> &str {
        self.claims.to_str().unwrap()
    }
}

fn subject_value(subject: &str) -> Result<HeaderValue, InvalidPrincipal> {
    let fits = (1..=SUBJECT_MAX).contains(&subject.len())
        && subject.trim() == subject
        && !subject.chars().any(char::is_control);
    if fits {
        HeaderValue::from_bytes(subject.as_bytes()).map_err(|_| InvalidPrincipal::Subject)
    } else {
        Err(InvalidPrincipal::Subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_get_subject_and_claims() {
        let mut headers = HeaderMap::new();
        let claims = "{ \"sub\": \"jürgen\" }";
        Principal::new("i", Some("jürgen"), claims.as_bytes()).unwrap().introduce(&mut headers);
        assert_eq!(headers[X_AUTH_SUBJECT].as_bytes(), "jürgen".as_bytes());
        assert_eq!(headers[X_AUTH_CLAIMS], r#"{"sub":"j\u00fcrgen"}"#);
    }

    #[test]
    fn what_fits_into_no_header_is_nobody() {
        for subject in ["", " a", "a ", "a\nb", "a\u{85}b", &"a".repeat(SUBJECT_MAX + 1)] {
            assert_eq!(Principal::new("", Some(subject), b"{}"), Err(InvalidPrincipal::Subject), "{subject:?}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(CLAIMS_MAX));
        assert_eq!(Principal::new("", None, long.as_bytes()), Err(InvalidPrincipal::ClaimsTooLong));
    }

    #[test]
    fn one_name_of_two_issuers_is_two_principals() {
        let of = |realm, subject| Principal::new(realm, Some(subject), b"{}").unwrap();
        assert_ne!(of("a", "x").key(), of("b", "x").key());
        assert_eq!(of("a", "x").key(), of("a", "x").key());
        assert_eq!(Principal::new("a", None, b"{}").unwrap().key(), None);
    }
}
