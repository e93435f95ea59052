//! An issuer's keys: a JWK Set (RFC 7517), or a secret.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    signature::{RsaPublicKeyComponents, UnparsedPublicKey},
};
use serde_json::{Map, Value};

use super::{Algorithm, Secret, algorithm::Method, verify::Rejected};
use crate::auth::json;

/// The most keys of one set.
pub(crate) const KEYS_MAX: usize = 100;

/// What an issuer signs with.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Key>);

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    kid: Option<String>,
    /// The only algorithm it is for, when it says one.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// Points of the curve, uncompressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Secret),
}

/// Why a document is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidKeySet {
    #[error("it is no JWK Set: a JSON object with an array 'keys'")]
    Form,
    #[error("it has more than {KEYS_MAX} keys")]
    TooMany,
    #[error("it has no key that signatures can be checked with: RSA, P-256, P-384 or Ed25519")]
    Useless,
}

// === impl Keys ===

impl Keys {
    /// The keys of a JWK Set. Those that are for something else, or not understood, are left out (RFC 7517, section 5);
    /// so is every secret, which has no place in a public document.
    pub(crate) fn of_set(document: &[u8]) -> Result<Self, InvalidKeySet> {
        let set = json::object(document).ok_or(InvalidKeySet::Form)?;
        let Some(Value::Array(keys)) = set.get("keys") else { return Err(InvalidKeySet::Form) };
        if keys.len() > KEYS_MAX {
            return Err(InvalidKeySet::TooMany);
        }
        let keys: Vec<_> = keys.iter().filter_map(Value::as_object).filter_map(Key::parse).collect();
        if keys.is_empty() { Err(InvalidKeySet::Useless) } else { Ok(Self(keys)) }
    }

    /// A secret alone.
    pub(crate) fn of_secret(secret: &Secret) -> Self {
        Self(vec![Key { kid: None, algorithm: None, material: Material::Secret(secret.clone()) }])
    }

    /// The key that a token names, or the only one that its algorithm can go with. To try several would let a token
    /// choose how much work it makes.
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&Key, Rejected> {
        let fits = |key: &&Key| key.fits(algorithm);
        let Some(kid) = kid.filter(|_| !algorithm.is_symmetric()) else {
            let mut fitting = self.0.iter().filter(fits);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(key),
                (Some(_), Some(_)) => Err(Rejected::NoKid),
                (None, _) => Err(Rejected::UnknownKey),
            };
        };
        let named = self.0.iter().filter(|key| key.kid.as_deref() == Some(kid));
        named.into_iter().find(fits).ok_or(Rejected::UnknownKey)
    }
}

// === impl Key ===

impl Key {
    fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).map(Value::as_str);
        if text("use").is_some_and(|what| what != Some("sig")) {
            return None;
        }
        let verifies = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
        if !jwk.get("key_ops").is_none_or(verifies) {
            return None;
        }
        let algorithm = match text("alg") {
            None => None,
            Some(name) => Some(name?.parse().ok()?),
        };
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)??).ok();
        let material = match (text("kty")??, text("crv").flatten()) {
            ("RSA", _) => Material::Rsa(RsaPublicKeyComponents { n: number(bytes("n")?), e: number(bytes("e")?) }),
            ("EC", Some("P-256")) => Material::P256(point(&bytes("x")?, &bytes("y")?, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(&bytes("x")?, &bytes("y")?, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        let kid = match text("kid") {
            None => None,
            Some(kid) => Some(kid?.to_owned()),
        };
        Some(Self { kid, algorithm, material })
    }

    /// Whether it is of the kind that an algorithm works with, and nothing else is said of it.
    fn fits(&self, algorithm: Algorithm) -> bool {
        let is_its_kind = match (&self.material, algorithm) {
            (Material::Secret(_), algorithm) => algorithm.is_symmetric(),
            (Material::P256(_), Algorithm::Es256) | (Material::P384(_), Algorithm::Es384) => true,
            (Material::Ed25519(_), Algorithm::EdDsa) => true,
            (Material::Rsa(_), algorithm) => matches!(algorithm.method(), Method::Rsa(_)),
            _ => false,
        };
        is_its_kind && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Whether a signature is this key's.
    pub(super) fn has_signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let checked = match (&self.material, algorithm.method()) {
            (Material::Secret(secret), Method::Hmac(hash)) => {
                // ring compares in a time that does not depend on where the two differ.
                hmac::verify(&hmac::Key::new(hash, secret.bytes()), message, signature)
            }
            (Material::Rsa(key), Method::Rsa(parameters)) => key.verify(parameters, message, signature),
            (Material::P256(point) | Material::P384(point), Method::Ec(curve)) => {
                UnparsedPublicKey::new(curve, point).verify(message, signature)
            }
            (Material::Ed25519(key), Method::Ed(parameters)) => {
                UnparsedPublicKey::new(parameters, key).verify(message, signature)
            }
            _ => return false,
        };
        checked.is_ok()
    }
}

/// A number without the zeros that some write before it.
fn number(mut bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

/// An uncompressed point (SEC 1, section 2.3.3) of coordinates that are as long as their field (RFC 7518, section
/// 6.2.1.2).
fn point(x: &[u8], y: &[u8], length: usize) -> Option<Vec<u8>> {
    (x.len() == length && y.len() == length).then(|| [&[4], x, y].concat())
}
