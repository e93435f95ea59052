//! Whether a token holds.

use std::time::SystemTime;

use super::{Issuer, Keys, TOKEN_MAX, Unverified, claims};
use crate::auth::principal::{InvalidPrincipal, Principal};

/// Why a token does not count. The texts are told to clients, so nothing of what these sent is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("the token is longer than {TOKEN_MAX} bytes")]
    TooLong,
    #[error("the token has not the form of a signed JWT")]
    Malformed,
    #[error("the token's algorithm is not one that its issuer signs with")]
    Algorithm,
    #[error("the token has critical extensions, and none is understood here")]
    Critical,
    #[error("the token is of an issuer that is not trusted here")]
    Issuer,
    #[error("the token does not say which of its issuer's keys it was signed with")]
    NoKid,
    #[error("the token was signed with a key that its issuer does not publish")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has no claim '{0}'")]
    NoClaim(&'static str),
    #[error("the token's claim '{0}' is of the wrong type")]
    Claim(&'static str),
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is for somebody else")]
    Audience,
    #[error("services cannot be told of the token: {0}")]
    Principal(InvalidPrincipal),
}

/// Who a token of this issuer stands for.
///
/// # Errors
/// [`Rejected::UnknownKey`] when the issuer may have published its key since; everything else is for good.
pub(crate) fn verify(
    token: &Unverified<'_>,
    issuer: &Issuer,
    keys: &Keys,
    now: SystemTime,
) -> Result<Principal, Rejected> {
    // The issuer's list decides, before any key is looked at: the token's word alone is how HMAC with a public key as
    // its secret gets in (RFC 8725, section 3.1).
    if !issuer.algorithms.contains(&token.algorithm) {
        return Err(Rejected::Algorithm);
    }
    let key = keys.find(token.algorithm, token.kid.as_deref())?;
    if !key.has_signed(token.algorithm, token.signed, &token.signature) {
        return Err(Rejected::Signature);
    }
    if token.issuer()? != issuer.name {
        return Err(Rejected::Issuer);
    }
    claims::check(&token.claims, issuer, now)?;
    let subject = claims::subject(&token.claims)?;
    Principal::new(&issuer.name, subject, &token.payload).map_err(Rejected::Principal)
}
