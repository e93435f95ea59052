use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::json;

use super::{
    super::{
        jwt::{Algorithm, Config, KeySource, Secret},
        testing::{NOW, Server, Signer, claims},
    },
    *,
};

/// The gateway of one issuer that signs with ES256, and its clock.
struct Edge {
    kind: Kind,
    authenticators: Authenticators,
    start: Instant,
}

impl Edge {
    fn new(keys: KeySource) -> Self {
        let config = Config { algorithms: vec![Algorithm::Es256], ..Config::new("https://id.example", "shop", keys) };
        let kind = Kind::Jwt(jwt::Policy::new(vec![config]).unwrap());
        Self { authenticators: Authenticators::new(&kind, None), kind, start: Instant::now() }
    }

    /// What a token is worth so many seconds after the start.
    async fn check(&self, token: &str, seconds: u64) -> Result<(), Denied> {
        let Kind::Jwt(policy) = &self.kind else { unreachable!() };
        let wall = UNIX_EPOCH + Duration::from_secs(NOW);
        let now = self.start + Duration::from_secs(seconds);
        self.authenticators.verify(policy, token, wall, now, patience()).await.map(drop)
    }
}

/// Nothing here takes as long.
fn patience() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn unknown() -> Result<(), Denied> {
    Err(Rejected::UnknownKey.into())
}

#[tokio::test]
async fn keys_are_fetched_once_for_many_requests() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("1")]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    let token = signer.token("1", &claims());
    let all = join_all((0..50).map(|_| edge.check(&token, 0))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_causes_one_fetch_in_30_s() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("1")]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    let good = signer.token("1", &claims());
    edge.check(&good, 0).await.unwrap();
    assert_eq!(server.asked(), 1);
    let storm: Vec<_> = (0..200).map(|number| signer.token(&format!("x{number}"), &claims())).collect();
    for (seconds, asked) in [(0, 2), (29, 2), (30, 3), (59, 3), (60, 4)] {
        let all = join_all(storm.iter().map(|token| edge.check(token, seconds))).await;
        assert!(all.iter().all(|result| *result == unknown()));
        assert_eq!(server.asked(), asked, "after {seconds} s");
        edge.check(&good, seconds).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_key_counts_from_its_first_token_on() {
    let (old, new) = (Signer::es256(), Signer::es256());
    let server = Server::start(&[old.jwk("1")]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    edge.check(&old.token("1", &claims()), 0).await.unwrap();
    server.publish(&[new.jwk("2")]);
    // Many come with it at once, and all wait for the one fetch.
    let token = new.token("2", &claims());
    let all = join_all((0..20).map(|_| edge.check(&token, 1))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(server.asked(), 2);
    // What was withdrawn counts no more.
    assert_eq!(edge.check(&old.token("1", &claims()), 2).await, unknown());
}

#[tokio::test]
async fn a_wrong_signature_is_no_reason_to_fetch() {
    let (ours, other) = (Signer::es256(), Signer::es256());
    let server = Server::start(&[ours.jwk("1")]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    for _ in 0..10 {
        let denied = edge.check(&other.token("1", &claims()), 40).await;
        assert_eq!(denied, Err(Rejected::Signature.into()));
    }
    // Nor is an issuer that is not known.
    let mut strange = claims();
    strange["iss"] = json!("https://evil.example");
    assert_eq!(edge.check(&other.token("9", &strange), 40).await, Err(Rejected::Issuer.into()));
    assert!(server.asked() <= 2, "{}", server.asked());
}

#[tokio::test]
async fn keys_are_kept_while_their_server_is_down() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("1")]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    let token = signer.token("1", &claims());
    edge.check(&token, 0).await.unwrap();
    server.fail();
    // Before they are too old they are fetched beside the request, then before it.
    for seconds in [3_000, 4_000, 40_000, 80_000] {
        edge.check(&token, seconds).await.unwrap();
    }
    let day_after = 3_600 + 24 * 3_600 + 10;
    let denied = edge.check(&token, day_after).await.unwrap_err();
    assert!(matches!(denied, Denied::Unavailable(_)), "{denied:?}");
    server.publish(&[signer.jwk("1")]);
    assert!(matches!(edge.check(&token, day_after + 4).await, Err(Denied::Unavailable(_))));
    edge.check(&token, day_after + 5).await.unwrap();
}

#[tokio::test]
async fn nobody_passes_while_there_are_no_keys() {
    let signer = Signer::es256();
    let server = Server::start(&[]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    let token = signer.token("1", &claims());
    let all = join_all((0..20).map(|_| edge.check(&token, 0))).await;
    assert!(all.iter().all(|result| matches!(result, Err(Denied::Unavailable(_)))), "{all:?}");
    assert_eq!(server.asked(), 1);
    server.publish(&[signer.jwk("1")]);
    edge.check(&token, 6).await.unwrap();
}

#[tokio::test]
async fn a_fetch_outlives_the_request_that_began_it() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("1")]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    let token = signer.token("1", &claims());
    // Polled once and dropped: the client went away.
    let _ = tokio::time::timeout(Duration::ZERO, edge.check(&token, 0)).await;
    edge.check(&token, 0).await.unwrap();
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_file_is_read_again_for_a_key_that_it_did_not_have() {
    let (old, new) = (Signer::es256(), Signer::es256());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let write = |signer: &Signer, kid| std::fs::write(&path, json!({ "keys": [signer.jwk(kid)] }).to_string()).unwrap();
    write(&old, "1");
    let edge = Edge::new(KeySource::File(path.clone()));
    edge.check(&old.token("1", &claims()), 0).await.unwrap();
    write(&new, "2");
    edge.check(&new.token("2", &claims()), 1).await.unwrap();
    std::fs::write(&path, "oh").unwrap();
    edge.check(&new.token("2", &claims()), 100).await.unwrap();
}

#[tokio::test]
async fn what_is_known_is_kept_by_the_next_policy() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("1")]).await;
    let edge = Edge::new(KeySource::Url(server.url.clone()));
    let token = signer.token("1", &claims());
    edge.check(&token, 0).await.unwrap();
    let authenticators = Authenticators::new(&edge.kind, Some(&edge.authenticators));
    let edge = Edge { authenticators, ..edge };
    edge.check(&token, 0).await.unwrap();
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn issuers_are_told_apart_by_their_tokens() {
    let signer = Signer::Secret(vec![7; 32]);
    let of = |name: &str, secret: u8| Config {
        algorithms: vec![Algorithm::Hs256],
        ..Config::new(name, "shop", KeySource::Secret(Secret::new(vec![secret; 32])))
    };
    let policy = jwt::Policy::new(vec![of("https://other.example", 7), of("https://id.example", 8)]).unwrap();
    let authenticators = Authenticators::new(&Kind::Jwt(policy.clone()), None);
    let wall = UNIX_EPOCH + Duration::from_secs(NOW);
    // The key of one issuer signs nothing for the other.
    let token = signer.token("k", &claims());
    let denied = authenticators.verify(&policy, &token, wall, Instant::now(), patience()).await.unwrap_err();
    assert_eq!(denied, Rejected::Signature.into());
    let mut theirs = claims();
    theirs["iss"] = json!("https://other.example");
    let token = signer.token("k", &theirs);
    authenticators.verify(&policy, &token, wall, Instant::now(), patience()).await.unwrap();
}

#[tokio::test]
async fn nobody_waits_for_keys_longer_than_he_has_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // It takes connections, and never answers.
    let edge = Edge::new(KeySource::Url(format!("http://{}/jwks", listener.local_addr().unwrap())));
    let Kind::Jwt(policy) = &edge.kind else { unreachable!() };
    let token = Signer::es256().token("1", &claims());
    let wall = UNIX_EPOCH + Duration::from_secs(NOW);
    let deadline = Instant::now() + Duration::from_millis(50);
    let denied = edge.authenticators.verify(policy, &token, wall, edge.start, deadline).await.unwrap_err();
    assert!(matches!(denied, Denied::Unavailable(_)), "{denied:?}");
}
