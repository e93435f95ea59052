//! Issuers for tests: keys that are made for one run, and tokens signed with them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac, rand,
    rsa::PublicKeyComponents,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use serde_json::{Value, json};

/// RSA keys cannot be made by ring, so this one is there for all runs.
const RSA: &[u8] = include_bytes!("testing/rsa.pk8");

/// Somebody who signs.
pub(super) enum Signer {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Secret(Vec<u8>),
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// 2033, and when tests take place by their own clock.
pub(super) const NOW: u64 = 2_000_000_000;

/// Claims that hold for `https://id.example` and `shop` at [`NOW`].
pub(super) fn claims() -> Value {
    json!({ "iss": "https://id.example", "aud": "shop", "sub": "alice", "exp": NOW + 60 })
}

// === impl Signer ===

impl Signer {
    pub(super) fn es256() -> Self {
        let (algorithm, random) = (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, rand::SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::Es256(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap())
    }

    pub(super) fn ed25519() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&rand::SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
    }

    pub(super) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::from_pkcs8(RSA).unwrap())
    }

    /// Its public key under a name, as an issuer publishes it.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Es256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": encode(x), "y": encode(y) })
            }
            Self::Ed25519(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(key.public_key()) })
            }
            Self::Rsa(key) => {
                let public: PublicKeyComponents<Vec<u8>> = key.public().into();
                json!({ "kty": "RSA", "kid": kid, "n": encode(public.n), "e": encode(public.e) })
            }
            Self::Secret(secret) => json!({ "kty": "oct", "kid": kid, "k": encode(secret) }),
        }
    }

    /// A token of this header and these claims, as they are written.
    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let random = rand::SystemRandom::new();
        let signature = match self {
            Self::Es256(key) => key.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(signed.as_bytes()).as_ref().to_vec(),
            Self::Rsa(key) => {
                let padding: &dyn signature::RsaEncoding =
                    if header.contains("PS256") { &signature::RSA_PSS_SHA256 } else { &signature::RSA_PKCS1_SHA256 };
                let mut bytes = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, signed.as_bytes(), &mut bytes).unwrap();
                bytes
            }
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{signed}.{}", encode(signature))
    }

    /// A token of these claims, with the header that goes with the key.
    pub(super) fn token(&self, kid: &str, claims: &Value) -> String {
        let algorithm = match self {
            Self::Es256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
            Self::Rsa(_) => "RS256",
            Self::Secret(_) => "HS256",
        };
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": kid });
        self.sign(&header.to_string(), &claims.to_string())
    }
}

/// A server of one document, which counts how often it is asked.
pub(super) struct Server {
    pub(super) url: String,
    document: std::sync::Arc<std::sync::Mutex<Option<String>>>,
    asked: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

// === impl Server ===

impl Server {
    /// One that answers with these keys, which are good for an hour.
    pub(super) async fn start(keys: &[Value]) -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let server = Self { url, document: std::sync::Arc::default(), asked: std::sync::Arc::default() };
        server.publish(keys);
        let (document, asked) = (server.document.clone(), server.asked.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let answer = match document.lock().unwrap().clone() {
                    Some(body) => format!(
                        "HTTP/1.1 200 OK\r\ncache-control: max-age=3600\r\nconnection: close\r\n\
                         content-length: {}\r\n\r\n{body}",
                        body.len()
                    ),
                    None => "HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        server
    }

    pub(super) fn publish(&self, keys: &[Value]) {
        *self.document.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    /// From now on it fails.
    pub(super) fn fail(&self) {
        *self.document.lock().unwrap() = None;
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::SeqCst)
    }
}
