//! Tokens as issuers make them, and as attackers do: every part can be anything.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

/// What stands before the point of a P-256 key in the form in which it is published elsewhere (RFC 5480).
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Somebody who has a key and signs with it.
pub(super) struct Issuer {
    kid: &'static str,
    pkcs8: Vec<u8>,
    pair: EcdsaKeyPair,
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The part that is signed.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

/// The part that is signed with a signature behind it.
pub(super) fn signed(unsigned: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{unsigned}.{}", encode(signature))
}

/// A token whose signature is a hash with this secret.
pub(super) fn with_secret(secret: &[u8], header: &Value, claims: &Value) -> String {
    let unsigned = unsigned(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), unsigned.as_bytes());
    signed(&unsigned, tag)
}

// === impl Issuer ===

impl Issuer {
    pub(super) fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random).unwrap();
        Self { kid, pkcs8, pair }
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "JWT", "kid": self.kid})
    }

    /// A token that holds, if the claims do.
    pub(super) fn token(&self, claims: &Value) -> String {
        self.sign(&unsigned(&self.header(), claims))
    }

    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.sign(&unsigned(header, claims))
    }

    /// Signs whatever it is.
    pub(super) fn sign(&self, unsigned: &str) -> String {
        signed(unsigned, self.pair.sign(&SystemRandom::new(), unsigned.as_bytes()).unwrap())
    }

    /// The same in the other form of signatures, which tokens do not have.
    pub(super) fn sign_asn1(&self, unsigned: &str) -> String {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pkcs8, &random).unwrap();
        signed(unsigned, pair.sign(&random, unsigned.as_bytes()).unwrap())
    }

    /// The public key as it is published (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
               "x": encode(&point[1..33]), "y": encode(&point[33..])})
    }

    pub(super) fn jwks(&self) -> Value {
        json!({"keys": [self.jwk()]})
    }

    /// Everything that a careless host could take for a secret when it is told that it is one.
    pub(super) fn public_forms(&self) -> Vec<Vec<u8>> {
        let point = self.pair.public_key().as_ref();
        let der = [&SPKI_P256[..], point].concat();
        let base64 = base64::engine::general_purpose::STANDARD.encode(&der);
        let lines: Vec<&str> =
            (0..base64.len()).step_by(64).map(|at| &base64[at..(at + 64).min(base64.len())]).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        vec![
            point.to_vec(),
            point[1..].to_vec(),
            der,
            pem.clone().into_bytes(),
            format!("{pem}\n").into_bytes(),
            self.jwk().to_string().into_bytes(),
            self.jwks().to_string().into_bytes(),
            Vec::new(),
        ]
    }
}
