//! The algorithms of signatures (RFC 7518, section 3; RFC 8037).

use std::{fmt, str::FromStr};

use ring::{
    hmac,
    signature::{self, EcdsaVerificationAlgorithm, EdDSAParameters, RsaParameters},
};

/// An algorithm that a token may be signed with. `none` is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: a secret that both sides know.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA with PKCS #1 padding and SHA-256, keys of 2,048 to 8,192 bits.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
    /// RSA with PSS padding and SHA-256.
    Ps256,
    /// The same with SHA-384.
    Ps384,
    /// The same with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// EdDSA on Ed25519.
    EdDsa,
}

/// A name that is no algorithm's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no algorithm that is checked here; choose among RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and \
     EdDSA, or HS256, HS384 and HS512 with a secret"
)]
pub struct UnknownAlgorithm(pub String);

/// How ring checks it.
pub(super) enum Method {
    Hmac(hmac::Algorithm),
    Rsa(&'static RsaParameters),
    Ec(&'static EcdsaVerificationAlgorithm),
    Ed(&'static EdDSAParameters),
}

const NAMES: [(&str, Algorithm); 12] = [
    ("HS256", Algorithm::Hs256),
    ("HS384", Algorithm::Hs384),
    ("HS512", Algorithm::Hs512),
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("PS256", Algorithm::Ps256),
    ("PS384", Algorithm::Ps384),
    ("PS512", Algorithm::Ps512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("EdDSA", Algorithm::EdDsa),
];

// === impl Algorithm ===

impl Algorithm {
    /// Whether whoever can check its signatures can also make them.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// The fewest bytes of a secret for it (RFC 7518, section 3.2); 0 without one.
    pub(super) fn secret_min(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 0,
        }
    }

    pub(super) fn method(self) -> Method {
        match self {
            Self::Hs256 => Method::Hmac(hmac::HMAC_SHA256),
            Self::Hs384 => Method::Hmac(hmac::HMAC_SHA384),
            Self::Hs512 => Method::Hmac(hmac::HMAC_SHA512),
            Self::Rs256 => Method::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Method::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Method::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Method::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Method::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Method::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Method::Ec(&signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Method::Ec(&signature::ECDSA_P384_SHA384_FIXED),
            Self::EdDsa => Method::Ed(&signature::ED25519),
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let known = NAMES.iter().find(|(name, _)| *name == text);
        known.map(|(_, algorithm)| *algorithm).ok_or_else(|| UnknownAlgorithm(text.to_owned()))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMES.iter().find(|(_, algorithm)| algorithm == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_registry_to_the_letter() {
        for (name, algorithm) in NAMES {
            assert_eq!((name.parse(), algorithm.to_string()), (Ok(algorithm), name.to_owned()));
        }
        for name in ["none", "None", "rs256", "HS256 ", "ES256K", "ES512", "RSA1_5", ""] {
            assert_eq!(name.parse::<Algorithm>(), Err(UnknownAlgorithm(name.to_owned())));
        }
    }
}
