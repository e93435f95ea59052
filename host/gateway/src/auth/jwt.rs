//! JSON Web Tokens (RFC 7519), signed in the compact form of JWS (RFC 7515), as RFC 8725 wants them checked.
//!
//! Which algorithms and keys count is said by the configuration for each issuer, never by the token: it may only choose
//! among them. The signature is checked before anything but the issuer is believed, and the issuer only chooses whose
//! keys have to fit. The mathematics are ring's; what stands here is the reading and the rules.
//!
//! **Invariants**: an issuer has either public keys or a secret, never both, so that no public key is ever a secret; a
//! key is used with the algorithms of its own kind alone; `crit` means refused, since nothing is understood here that
//! it could name; keys and places of keys inside a token (`jwk`, `jku`, `x5c`, `x5u`) have no effect.

mod algorithm;
mod claims;
mod config;
mod header;
mod key;
mod verify;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use self::{
    algorithm::{Algorithm, UnknownAlgorithm},
    config::{Config, ISSUERS_MAX, InvalidConfig},
};
pub(crate) use self::{
    header::Unverified,
    key::Keys,
    verify::{Rejected, verify},
};

/// The longest token in bytes; 8 KiB.
pub const TOKEN_MAX: usize = 8 << 10;

/// Who may issue tokens, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    issuers: Arc<[Issuer]>,
}

/// One issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer {
    /// What `iss` says, to the byte.
    pub(crate) name: String,
    /// Whom its tokens may be for; one is enough.
    pub(crate) audiences: Vec<String>,
    /// What it signs with.
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) keys: KeySource,
    /// How far the clocks may be apart.
    pub(crate) leeway: Duration,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A JWK Set at an http or https URL; http only where nobody can change what passes.
    Url(String),
    /// A JWK Set in a file.
    File(PathBuf),
    /// A secret that the issuer shares with this gateway: at least as many bytes as the algorithm's hash has.
    Secret(Secret),
}

/// Bytes that are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

// === impl Policy ===

impl Policy {
    pub(crate) fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }
}

// === impl Secret ===

impl Secret {
    /// A secret of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
use self::key::{InvalidKeySet, KEYS_MAX};

#[cfg(test)]
mod tests;
