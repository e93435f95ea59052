//! Signed tokens. What an attacker may try with one stands in the unit tests beside the code; here is what of it comes
//! through the whole of the gateway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use switchyard_gateway::{
    Policy,
    auth::{self, jwt},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::common::{Backend, Edge, get, got, problem, route};

/// An issuer, with its server of keys.
struct Issuer {
    key: Ed25519KeyPair,
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(key.public_key());
        let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "1", "x": x }] }).to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                count.fetch_add(1, SeqCst);
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", set.len());
                let _ = stream.write_all(format!("{head}{set}").as_bytes()).await;
            }
        });
        Self { key, url, asked }
    }

    fn policy(&self) -> Policy {
        let keys = jwt::KeySource::Url(self.url.clone());
        let algorithms = vec![jwt::Algorithm::EdDsa];
        let config = jwt::Config { algorithms, ..jwt::Config::new("https://id.example", "shop", keys) };
        let kind = auth::Kind::Jwt(jwt::Policy::new(vec![config]).unwrap());
        Policy { auth: auth::Policy { kind, public: vec![] }, ..Policy::default() }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

fn header(kid: &str) -> Value {
    json!({ "alg": "EdDSA", "kid": kid })
}

/// Claims that expire so many seconds from now.
fn claims(seconds: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({ "iss": "https://id.example", "aud": ["shop"], "sub": "alice", "name": "Zoë", "exp": now.checked_add_signed(seconds).unwrap() })
}

fn bearer(token: &str) -> String {
    get("/a", &[&format!("authorization: Bearer {token}")])
}

#[tokio::test]
async fn services_are_told_who_calls_by_a_token_that_holds() {
    let (backend, issuer) = (Backend::start().await, Issuer::start().await);
    let edge = Edge::start(issuer.policy(), &backend, vec![route("/*")]).await;
    let token = issuer.sign(&header("1"), &claims(60));
    let response = edge.send(&bearer(&token)).await;
    assert_eq!(got(&response, "x-auth-subject").unwrap(), "alice");
    let told = got(&response, "x-auth-claims").unwrap();
    assert!(told.is_ascii() && !told.contains(' '), "{told}");
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["name"], "Zoë");
    // Who trusts the gateway need not see the token, but may.
    assert_eq!(got(&response, "authorization").unwrap(), format!("Bearer {token}"));
    for _ in 0..10 {
        assert_eq!(edge.send(&bearer(&token)).await.status, 200);
    }
    assert_eq!(issuer.asked.load(SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_does_not_hold_reaches_nobody() {
    let (backend, issuer) = (Backend::start().await, Issuer::start().await);
    let edge = Edge::start(issuer.policy(), &backend, vec![route("/*")]).await;
    let good = issuer.sign(&header("1"), &claims(60));
    let unsigned = good.rsplit_once('.').unwrap().0;
    let none = json!({ "alg": "none" });
    let mut other_audience = claims(60);
    other_audience["aud"] = json!("bank");
    for (token, says) in [
        (issuer.sign(&header("1"), &claims(-60)), "expired"),
        (issuer.sign(&header("1"), &other_audience), "somebody else"),
        (issuer.sign(&none, &claims(60)), "algorithm"),
        (issuer.sign(&json!({ "alg": "EdDSA", "kid": "1", "crit": ["x"], "x": 1 }), &claims(60)), "critical"),
        (issuer.sign(&header("2"), &claims(60)), "does not publish"),
        (format!("{unsigned}."), "signature"),
        (unsigned.to_owned(), "form of a signed JWT"),
        ("x".repeat(9 << 10), "longer than 8192 bytes"),
    ] {
        let response = edge.send(&bearer(&token)).await;
        assert_eq!((response.status, problem(&response).1.as_str()), (401, "Invalid token"));
        let challenge = response.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer realm=\"switchyard\", error=\"invalid_token\""), "{challenge}");
        assert!(challenge.contains(says), "{challenge}");
    }
    let response = edge.send(&get("/a", &[])).await;
    assert_eq!(problem(&response), ("SY1008".to_owned(), "Missing or invalid authorization header".to_owned()));
    assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"switchyard\""));
    assert_eq!(backend.count(), 0);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_does_not_reach_the_issuer() {
    let (backend, issuer) = (Backend::start().await, Issuer::start().await);
    let edge = Edge::start(issuer.policy(), &backend, vec![route("/*")]).await;
    let mut client = edge.client().await;
    for number in 0..100 {
        let token = issuer.sign(&header(&format!("unknown-{number}")), &claims(60));
        assert_eq!(client.send(&bearer(&token)).await.status, 401);
    }
    assert_eq!(client.send(&bearer(&issuer.sign(&header("1"), &claims(60)))).await.status, 200);
    assert_eq!(issuer.asked.load(SeqCst), 2);
}

#[tokio::test]
async fn claims_that_no_header_holds_are_refused_as_that() {
    let (backend, issuer) = (Backend::start().await, Issuer::start().await);
    let edge = Edge::start(issuer.policy(), &backend, vec![route("/*")]).await;
    let mut long = claims(60);
    // Three bytes each in the token, six in the header.
    long["name"] = json!("字".repeat(1_400));
    let response = edge.send(&bearer(&issuer.sign(&header("1"), &long))).await;
    assert_eq!((response.status, problem(&response).0.as_str()), (431, "SY1005"));
}

#[tokio::test]
async fn without_keys_nobody_passes_and_everybody_is_told_to_come_back() {
    let backend = Backend::start().await;
    let mut issuer = Issuer::start().await;
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    issuer.url = format!("http://{gone}/keys");
    let edge = Edge::start(issuer.policy(), &backend, vec![route("/*")]).await;
    let response = edge.send(&bearer(&issuer.sign(&header("1"), &claims(60)))).await;
    assert_eq!((response.status, problem(&response).0.as_str()), (503, "SY1010"));
    assert_eq!(response.header("retry-after"), Some("5"));
    // What is wrong without any key is told as that.
    assert_eq!(edge.send(&bearer("a.b.c")).await.status, 401);
    assert_eq!(backend.count(), 0);
}

#[tokio::test]
async fn a_new_policy_is_in_force_with_the_next_request_of_an_open_connection() {
    let (backend, issuer) = (Backend::start().await, Issuer::start().await);
    let edge = Edge::start(Policy::default(), &backend, vec![route("/*")]).await;
    let mut client = edge.client().await;
    assert_eq!(client.send(&get("/a", &[])).await.status, 200);
    edge.handle.set_policy(issuer.policy());
    assert_eq!(client.send(&get("/a", &[])).await.status, 401);
    edge.handle.set_policy(Policy { request_timeout: Duration::from_secs(1), ..Policy::default() });
    assert_eq!(client.send(&get("/a", &[])).await.status, 200);
}
