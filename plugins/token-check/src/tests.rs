//! The service on a host in memory.

use std::time::Duration;

use serde_json::{Value, json};
use switchyard_sdk::{AuthError, Request, Response, clock, testing};

use super::{authenticate, router, token};

fn post(subject: Option<&str>, body: &Value) -> Response {
    let request = Request::new("POST", "/tokens").with_body(body.to_string());
    router().serve(match subject {
        Some(subject) => request.with_header("X-Auth-Subject", subject),
        None => request,
    })
}

fn issue(body: &Value) -> (String, String) {
    let response = post(Some("admin"), body);
    assert_eq!(response.status(), 201);
    let issued: Value = serde_json::from_slice(response.body()).expect("JSON");
    let text = |name: &str| issued[name].as_str().expect("text").to_owned();
    (text("id"), text("token"))
}

#[test]
fn a_token_is_its_subjects_until_it_is_revoked() {
    let (id, token) = issue(&json!({ "subject": "ann", "claims": { "roles": ["buyer"] } }));
    let claims = authenticate(&token).expect("it counts");
    assert_eq!((claims.subject(), claims.get("roles")), ("ann", Some(&json!(["buyer"]))));
    assert!(claims.expiry().expect("it is remembered").as_unix() <= clock::now().as_unix() + super::REMEMBERED);
    assert!(matches!(authenticate(&id), Err(AuthError::Invalid(_))), "what is stored is no token");
    let revoke =
        || router().serve(Request::new("DELETE", &format!("/tokens/{id}")).with_header("x-auth-subject", "admin"));
    assert_eq!(revoke().status(), 204);
    assert!(matches!(authenticate(&token), Err(AuthError::Invalid(_))));
    assert_eq!(revoke().status(), 404);
}

#[test]
fn a_token_expires_and_is_not_remembered_for_longer() {
    let (_, token) = issue(&json!({ "subject": "ann", "expiresIn": 5 }));
    let end = clock::now().as_unix() + Duration::from_secs(5);
    assert!(authenticate(&token).expect("it counts").expiry().expect("it is remembered").as_unix() <= end);
    testing::advance(Duration::from_secs(5));
    assert!(matches!(authenticate(&token), Err(AuthError::Invalid(why)) if why == "it has expired"));
}

#[test]
fn the_administrator_is_the_configurations() {
    assert!(authenticate("opensesame").is_err(), "there is none without configuration");
    testing::set_config("admin-sha256", &token::id("opensesame").to_uppercase());
    assert_eq!(authenticate("opensesame").expect("it counts").subject(), "admin");
    assert!(authenticate("").is_err());
    assert!(include_str!("../README.md").contains(&token::id("opensesame")), "the README's command works");
}

#[test]
fn only_the_administrator_issues_and_revokes() {
    for subject in [None, Some("ann"), Some("Admin")] {
        assert_eq!(post(subject, &json!({ "subject": "ann" })).status(), 403, "{subject:?}");
    }
    assert_eq!(router().serve(Request::new("DELETE", "/tokens/x")).status(), 403);
    for body in [json!({}), json!({ "subject": "" }), json!({ "subject": "a\nb" }), json!({ "subject": "a", "x": 1 })] {
        assert_eq!(post(Some("admin"), &body).status(), 400, "{body}");
    }
    let large = json!({ "subject": "ann", "claims": { "a": "x".repeat(5_000) } });
    assert_eq!(post(Some("admin"), &large).status(), 400);
}
