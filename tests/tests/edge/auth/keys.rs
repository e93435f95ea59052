//! Keys that are published: fetched once, again when one is new, and not because somebody makes names up.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::*;

#[tokio::test]
async fn keys_are_fetched_once_and_again_for_a_new_one_and_no_storm_makes_more() {
    let (old, new) = (Issuer::new("old"), Issuer::new("new"));
    let is_rotated = Arc::new(AtomicBool::new(false));
    let (keys, both) = (old.jwks(), json!({"keys": [old.jwk(), new.jwk()]}));
    let asked = is_rotated.clone();
    let guarded = Guarded::start(move || if asked.load(Ordering::SeqCst) { both.clone() } else { keys.clone() }).await;
    for _ in 0..20 {
        assert_eq!(guarded.bearer(&old.token(&claims())).await.status, 200);
    }
    assert_eq!(guarded.published.connections(), 1);

    is_rotated.store(true, Ordering::SeqCst);
    assert_eq!(guarded.bearer(&new.token(&claims())).await.status, 200);
    assert_eq!(guarded.bearer(&old.token(&claims())).await.status, 200);
    assert_eq!(guarded.published.connections(), 2);

    // 200 names that nobody knows, many at once.
    let evil = Issuer::new("evil");
    let mut storm = tokio::task::JoinSet::new();
    for n in 0..200 {
        let mut client = guarded.host.client().await;
        let token = evil.token_with(&json!({"alg": "ES256", "kid": format!("unknown-{n}")}), &claims());
        storm.spawn(async move {
            let bearer = format!("Bearer {token}");
            client
                .send_with(http::Method::GET, "/up/x", &[("authorization", &bearer)], "")
                .await
                .unwrap()
                .status
                .as_u16()
        });
    }
    assert!(storm.join_all().await.iter().all(|status| *status == 401));
    assert!(guarded.published.connections() <= 3, "{} fetches", guarded.published.connections());
    assert_eq!(guarded.bearer(&new.token(&claims())).await.status, 200);
}

#[tokio::test]
async fn keys_that_cannot_be_had_refuse_nobody_for_good() {
    let issuer = Issuer::new("a");
    let keys = issuer.jwks();
    let is_there = Arc::new(AtomicBool::new(false));
    let asked = is_there.clone();
    let guarded = Guarded::start(move || {
        // What is published is nonsense at first.
        if asked.load(Ordering::SeqCst) { keys.clone() } else { json!({"keys": "none"}) }
    })
    .await;
    let token = issuer.token(&claims());
    let answer = guarded.bearer(&token).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &json!("SY1010")), "{}", answer.text());
    assert!(!answer.header("retry-after").is_empty(), "{:?}", answer.headers);
    assert!(guarded.upstream.bytes().is_empty());
    is_there.store(true, Ordering::SeqCst);
    let comes = async || (guarded.bearer(&token).await.status == 200).then_some(());
    guarded.host.eventually("the keys are fetched again", comes).await;
}

#[tokio::test]
async fn keys_of_a_file_are_followed() {
    let (old, new) = (Issuer::new("a"), Issuer::new("b"));
    let upstream = Recorder::echo().await;
    let config = format!(
        "[gateway.auth]\nkind = 'jwt'\nissuers = [{{ issuer = '{ISSUER}', audiences = ['{AUDIENCE}'], algorithms = ['ES256'], \
         jwks = 'keys.json' }}]\n{}[[route]]\npath = '/up/*'\nservice = 'up'\n",
        upstream.upstream("up")
    );
    let setup = Setup::new().config(&config);
    std::fs::write(setup.path().join("keys.json"), old.jwks().to_string()).unwrap();
    let host = setup.start().await;
    let status = async |issuer: &Issuer| {
        let bearer = format!("Bearer {}", issuer.token(&claims()));
        let sent = host.client().await.send_with(http::Method::GET, "/up/x", &[("authorization", &bearer)], "").await;
        sent.unwrap().status.as_u16()
    };
    assert_eq!((status(&old).await, status(&new).await), (200, 401));
    std::fs::write(host.path().join("keys.json"), json!({"keys": [new.jwk()]}).to_string()).unwrap();
    let comes = async || (status(&new).await == 200).then_some(());
    host.eventually("the new key counts", comes).await;
    assert_eq!(status(&old).await, 401);
}

#[tokio::test]
async fn a_secret_is_a_secret_and_no_key() {
    let secret = "a secret that is long enough to be one";
    let upstream = Recorder::echo().await;
    let config = format!(
        "[gateway.auth]\nkind = 'jwt'\nissuers = [{{ issuer = '{ISSUER}', audiences = ['{AUDIENCE}'], secret = '{secret}' \
         }}]\n{}[[route]]\npath = '/up/*'\nservice = 'up'\n",
        upstream.upstream("up")
    );
    let host = Setup::new().config(&config).start().await;
    let header = json!({"alg": "HS256"});
    let issuer = Issuer::new("a");
    for (token, status) in [
        (tokens::with_secret(secret.as_bytes(), &header, &claims()), 200),
        (tokens::with_secret(b"another secret, also long enough for one", &header, &claims()), 401),
        (tokens::with_secret(b"", &header, &claims()), 401),
        (tokens::with_secret(secret.as_bytes(), &json!({"alg": "none"}), &claims()), 401),
        (tokens::with_secret(secret.as_bytes(), &json!({"alg": "HS512"}), &claims()), 401),
        (issuer.token(&claims()), 401),
        (issuer.token_with(&json!({"alg": "ES256", "jwk": issuer.jwk()}), &claims()), 401),
    ] {
        let bearer = format!("Bearer {token}");
        let sent = host.client().await.send_with(http::Method::GET, "/up/x", &[("authorization", &bearer)], "").await;
        assert_eq!(sent.unwrap().status, status, "{token}");
    }
}
