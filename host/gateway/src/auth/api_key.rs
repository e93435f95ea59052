//! Keys that the operator hands out.
//!
//! The configuration has their SHA-256 only, so that who reads it cannot call. A plain hash is enough for keys that
//! are random, of 128 bits or more; a password has less and does not belong here. What a request brings is hashed
//! first and then looked up, so that the time of the look-up says nothing about a key.

use std::{collections::HashMap, sync::Arc};

use http::HeaderName;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::principal::{InvalidPrincipal, Principal};
use crate::request;

/// The longest key in bytes that is looked at; 1 KiB.
pub const KEY_MAX: usize = 1 << 10;

/// The keys' header, unless another one is set.
pub const HEADER_DEFAULT: &str = "x-api-key";

/// Whom keys belong to, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(crate) header: HeaderName,
    keys: Arc<HashMap<[u8; 32], Arc<Principal>>>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `sha256:` and the 64 hexadecimal digits of the key's hash: `printf %s KEY | sha256sum`.
    pub hash: String,
    /// Whose it is: services get it as `X-Auth-Subject`, and rate limits count by it. Several keys may have one.
    pub subject: String,
    /// What else is to be known: services get it as `X-Auth-Claims`, with the subject as `sub` beside it.
    pub claims: Map<String, Value>,
}

/// Why there are no such keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// No header can have this name, or it has another meaning.
    #[error("header: '{0}' cannot carry keys; choose a name of its own, such as X-API-Key")]
    Header(String),
    /// It could not be found.
    #[error("key of '{0}': write sha256: and the 64 hexadecimal digits that `printf %s KEY | sha256sum` prints")]
    Hash(String),
    /// One key for two.
    #[error("key of '{0}': the same key is there twice")]
    Twice(String),
    /// Services could not be told of whoever it is.
    #[error("key of '{subject}': {reason}")]
    Principal {
        /// Whose key.
        subject: String,
        /// What is wrong about it.
        reason: InvalidPrincipal,
    },
}

// === impl Policy ===

impl Policy {
    /// These keys, in this header or, where it is absent, as `Authorization: Bearer KEY` or `Authorization: ApiKey
    /// KEY`.
    ///
    /// # Errors
    /// With the first one that cannot be used.
    pub fn new(header: &str, keys: Vec<Key>) -> Result<Self, InvalidKeys> {
        let name = HeaderName::from_bytes(header.as_bytes());
        let name = name.ok().filter(is_free).ok_or_else(|| InvalidKeys::Header(header.to_owned()))?;
        let mut known = HashMap::new();
        for Key { hash, subject, mut claims } in keys {
            let hash = digest(&hash).ok_or_else(|| InvalidKeys::Hash(subject.clone()))?;
            claims.insert("sub".to_owned(), Value::String(subject.clone()));
            let claims = Value::Object(claims).to_string();
            let principal = Principal::new("", Some(&subject), claims.as_bytes())
                .map_err(|reason| InvalidKeys::Principal { subject: subject.clone(), reason })?;
            if known.insert(hash, Arc::new(principal)).is_some() {
                return Err(InvalidKeys::Twice(subject));
            }
        }
        Ok(Self { header: name, keys: Arc::new(known) })
    }

    /// Whose key this is.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Arc<Principal>> {
        if key.len() > KEY_MAX {
            return None;
        }
        self.keys.get(&<[u8; 32]>::from(Sha256::digest(key)))
    }
}

/// Whether a header has no other meaning to the gateway or to HTTP itself.
fn is_free(header: &HeaderName) -> bool {
    let taken = ["authorization", "host", "content-length", "content-type", "cookie", "origin", "forwarded"];
    !taken.contains(&header.as_str()) && !request::is_hop_by_hop(header) && !request::is_ours(header)
}

/// The bytes of `sha256:HEX`.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.strip_prefix("sha256:")?, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `k1`.
    const HASH: &str = "sha256:6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0";

    fn key(hash: &str, subject: &str) -> Key {
        let claims = serde_json::from_str(r#"{"plan":"gold","sub":"somebody else"}"#).unwrap();
        Key { hash: hash.to_owned(), subject: subject.to_owned(), claims }
    }

    fn hash_of(key: &str) -> String {
        format!("sha256:{}", hex::encode(Sha256::digest(key)))
    }

    #[test]
    fn a_key_is_found_by_what_it_hashes_to() {
        let policy = Policy::new("X-API-Key", vec![key(&hash_of("k1"), "shop"), key(&hash_of("k2"), "shop")]).unwrap();
        let found = policy.find(b"k1").unwrap();
        assert_eq!(found.claims(), r#"{"plan":"gold","sub":"shop"}"#);
        assert_eq!(found.key(), policy.find(b"k2").unwrap().key());
        for wrong in [&b"k3"[..], b"", b"k1 ", HASH.as_bytes(), &hash_of("k1").as_bytes()[7..]] {
            assert!(policy.find(wrong).is_none());
        }
    }

    #[test]
    fn a_key_that_is_too_long_is_not_hashed() {
        let long = "k".repeat(KEY_MAX + 1);
        let policy = Policy::new(HEADER_DEFAULT, vec![key(&hash_of(&long), "a")]).unwrap();
        assert!(policy.find(long.as_bytes()).is_none());
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_the_remedy() {
        let error = |keys| Policy::new(HEADER_DEFAULT, keys).unwrap_err().to_string();
        for hash in ["", "k1", &HASH[7..], "sha256:12", "sha1:6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2"] {
            assert!(error(vec![key(hash, "a")]).contains("sha256sum"), "{hash}");
        }
        assert!(error(vec![key(HASH, "a"), key(HASH, "b")]).contains("twice"));
        assert!(error(vec![key(HASH, "")]).contains("subject"));
        for header in ["authorization", "Host", "te", "x-forwarded-for", "X-Auth-Subject", "a b", ""] {
            assert!(matches!(Policy::new(header, vec![]), Err(InvalidKeys::Header(_))), "{header}");
        }
    }
}
