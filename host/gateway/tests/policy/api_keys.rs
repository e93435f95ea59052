//! Keys of the operator's.

use sha2::{Digest, Sha256};
use switchyard_core::route::action::{RouteAuth, Rules};
use switchyard_gateway::{
    Policy,
    auth::{self, api_key},
};

use crate::common::{Backend, Edge, get, got, problem, route, ruled};

/// Everybody needs one of these keys; each belongs to somebody.
pub(crate) fn policy(keys: &[(&str, &str)]) -> auth::Policy {
    let key = |(key, subject): &(&str, &str)| api_key::Key {
        hash: format!("sha256:{}", hex::encode(Sha256::digest(key))),
        subject: (*subject).to_owned(),
        claims: serde_json::from_str(r#"{"plan":"gold"}"#).unwrap(),
    };
    let keys = keys.iter().map(key).collect();
    auth::Policy {
        kind: auth::Kind::ApiKey(api_key::Policy::new("x-api-key", keys).unwrap()),
        public: vec!["/public/*".parse().unwrap()],
    }
}

async fn edge(backend: &Backend) -> Edge {
    let auth = |auth| Rules { auth, ..Rules::default() };
    let routes = vec![
        route("/*"),
        ruled("/free/*", auth(RouteAuth::None)),
        ruled("/maybe/*", auth(RouteAuth::Optional)),
        ruled("/public/not", auth(RouteAuth::Required)),
    ];
    Edge::start(Policy { auth: policy(&[("k1", "alice")]), ..Policy::default() }, backend, routes).await
}

#[tokio::test]
async fn a_key_says_who_calls() {
    let backend = Backend::start().await;
    let edge = edge(&backend).await;
    for line in ["x-api-key: k1", "authorization: Bearer k1", "authorization: ApiKey k1"] {
        let response = edge.send(&get("/a", &[line, "x-auth-subject: root", "X-Auth-Claims: {}"])).await;
        assert_eq!(got(&response, "x-auth-subject").unwrap(), "alice");
        assert_eq!(got(&response, "x-auth-claims").unwrap(), r#"{"plan":"gold","sub":"alice"}"#);
        assert_eq!(response.body.matches("root").count(), 0);
    }
}

#[tokio::test]
async fn without_a_key_nobody_passes_and_a_wrong_one_is_told_so() {
    let backend = Backend::start().await;
    let edge = edge(&backend).await;
    for (line, code, error, challenge) in [
        ("x-other: 1", "SY1008", "Missing or invalid authorization header", "ApiKey realm=\"switchyard\""),
        ("authorization: Basic YTpi", "SY1008", "Missing or invalid authorization header", "ApiKey realm"),
        ("x-api-key: k2", "SY1009", "Invalid token", "error=\"invalid_token\""),
        ("authorization: Bearer k2", "SY1009", "Invalid token", "error=\"invalid_token\""),
    ] {
        // Whether there is such a path is not told either.
        for path in ["/a", "/public/not", "/health/nothing"] {
            let response = edge.send(&get(path, &[line])).await;
            assert_eq!(response.status, 401);
            assert_eq!(problem(&response), (code.to_owned(), error.to_owned()));
            assert!(response.header("www-authenticate").unwrap().contains(challenge), "{line}");
        }
    }
    assert_eq!(backend.count(), 0);
}

#[tokio::test]
async fn some_paths_are_for_everybody() {
    let backend = Backend::start().await;
    let edge = edge(&backend).await;
    for path in ["/health", "/services"] {
        assert_ne!(edge.send(&get(path, &["x-api-key: wrong"])).await.status, 401);
    }
    for path in ["/public/a", "/free/a"] {
        for line in ["x-other: 1", "x-api-key: wrong", "x-api-key: k1"] {
            let response = edge.send(&get(path, &[line, "x-auth-subject: root"])).await;
            assert_eq!(got(&response, "x-auth-subject"), None);
        }
    }
    let known = edge.send(&get("/maybe/a", &["x-api-key: k1"])).await;
    assert_eq!(got(&known, "x-auth-subject").unwrap(), "alice");
    assert_eq!(got(&edge.send(&get("/maybe/a", &[])).await, "x-auth-subject"), None);
    assert_eq!(edge.send(&get("/maybe/a", &["x-api-key: wrong"])).await.status, 401);
}

#[tokio::test]
async fn a_path_is_no_other_because_it_is_written_otherwise() {
    let backend = Backend::start().await;
    let edge = edge(&backend).await;
    for path in ["/public/../a", "/public/%2e%2e/a", "//public/a", "/PUBLIC/a", "/publica", "/public%2Fa"] {
        let status = edge.send(&get(path, &[])).await.status;
        assert!(matches!(status, 400 | 401), "{path} {status}");
    }
    // The host does not count, however the target is written.
    assert_eq!(edge.send("GET http://h.example/a HTTP/1.1\r\nhost: h.example\r\n\r\n").await.status, 401);
}

#[tokio::test]
async fn a_route_that_requires_authentication_refuses_everybody_where_there_is_none() {
    let backend = Backend::start().await;
    let routes = vec![ruled("/a", Rules { auth: RouteAuth::Required, ..Rules::default() })];
    let edge = Edge::start(Policy::default(), &backend, routes).await;
    let response = edge.send(&get("/a", &["authorization: Bearer a"])).await;
    assert_eq!((response.status, problem(&response).0.as_str()), (503, "SY1010"));
    // Until there is one.
    edge.handle.set_policy(Policy { auth: policy(&[("k1", "alice")]), ..Policy::default() });
    assert_eq!(edge.send(&get("/a", &["x-api-key: k1"])).await.status, 200);
    assert_eq!(backend.count(), 1);
}

#[tokio::test]
async fn an_authenticator_that_is_not_loaded_lets_nobody_in() {
    let backend = Backend::start().await;
    let auth = auth::Policy { kind: auth::Kind::Plugin("tokens".parse().unwrap()), public: vec![] };
    let edge = Edge::start(Policy { auth, ..Policy::default() }, &backend, vec![route("/*")]).await;
    let response = edge.send(&get("/a", &["authorization: Bearer a"])).await;
    assert_eq!((response.status, problem(&response).0.as_str()), (503, "SY1010"));
    assert!(response.header("retry-after").is_some());
    assert_eq!(edge.send(&get("/a", &[])).await.status, 401);
    // One that answers for no tokens is no better.
    let auth = auth::Policy { kind: auth::Kind::Plugin("web".parse().unwrap()), public: vec![] };
    edge.handle.set_policy(Policy { auth, ..Policy::default() });
    assert_eq!(edge.send(&get("/a", &["authorization: Bearer a"])).await.status, 503);
    assert_eq!(backend.count(), 0);
}
