//! The example plugins at the gateway, which are made with the SDK.

use std::time::Duration;

use http::{Request, Response, request, response};
use serde_json::{Value, json};
use switchyard_core::describe::Role;
use switchyard_runtime::{AuthError, Body, MiddlewareKind, RequestDecision, ResponseDecision};

use crate::world::{World, context};

const PATIENCE: Duration = Duration::from_secs(60);

fn asked(agent: &str) -> request::Parts {
    Request::get("/a").header("host", "shop.example").header("user-agent", agent).body(()).unwrap().into_parts().0
}

fn answered() -> response::Parts {
    Response::builder().status(404).header("etag", "\"1\"").body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn header_stamp_adds_a_header_to_responses_alone() {
    let world = World::new("header-stamp", PATIENCE).await;
    assert_eq!(world.plugin.middleware(), Some(MiddlewareKind::Records));
    assert_eq!(world.description.http_role(), None);
    let request = asked("curl");
    let decided = world.plugin.on_request(context(PATIENCE), &request, None).await.unwrap();
    assert!(matches!(decided, RequestDecision::Next), "{decided:?}");
    let decided = world.plugin.on_response(context(PATIENCE), &request, &answered(), None).await.unwrap();
    let ResponseDecision::NextWithHead(head) = decided else { panic!("it goes out with another head: {decided:?}") };
    assert_eq!((head.status.as_u16(), &head.headers["x-stamp"]), (404, &"switchyard".parse().unwrap()));
    assert_eq!(head.headers["etag"], "\"1\"");
}

#[tokio::test]
async fn deny_agents_answers_those_that_it_denies() {
    let world = World::new("deny-agents", PATIENCE).await;
    let decided = world.plugin.on_request(context(PATIENCE), &asked("curl"), None).await.unwrap();
    assert!(matches!(decided, RequestDecision::Next), "{decided:?}");
    let decided = world.plugin.on_request(context(PATIENCE), &asked("BadBot/2"), None).await.unwrap();
    let RequestDecision::Answer(answer) = decided else { panic!("it ends here: {decided:?}") };
    let problem: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((answer.status().as_u16(), &problem["detail"]), (403, &json!("Agents like 'badbot' are not served")));
}

#[tokio::test]
async fn token_check_knows_the_tokens_that_it_issued() {
    let world = World::new("token-check", PATIENCE).await;
    assert!(world.description.has(Role::Authenticator) && world.description.has(Role::HttpHandler));
    let post = |admin: &str| {
        let body = json!({"subject": "ann", "claims": {"roles": ["buyer"]}}).to_string();
        Request::post("/tokens").header("x-auth-subject", admin).body(Body::full(body)).unwrap()
    };
    let refused = world.plugin.call(context(PATIENCE), post("ann")).await.unwrap();
    assert_eq!(refused.status(), 403);
    let issued = world.plugin.call(context(PATIENCE), post("admin")).await.unwrap();
    let issued: Value = serde_json::from_slice(&issued.into_body().collect(1 << 20).await.unwrap()).unwrap();
    let token = issued["token"].as_str().unwrap();
    let claims = world.plugin.validate_token(context(PATIENCE), token).await.unwrap().unwrap();
    assert_eq!((claims.subject.as_str(), &claims.all[..]), ("ann", &br#"{"roles":["buyer"]}"#[..]));
    assert!(claims.valid_until.is_some());
    let other = world.plugin.validate_token(context(PATIENCE), "other").await.unwrap();
    assert!(matches!(other, Err(AuthError::Invalid(_))), "{other:?}");
}
