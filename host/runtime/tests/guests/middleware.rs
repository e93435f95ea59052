//! Gateway middleware that looks at records.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, request, response};
use serde_json::{Value, json};
use switchyard_core::describe::Role;
use switchyard_runtime::{GuestError, MiddlewareKind, RequestDecision, ResponseDecision};

use crate::world::{World, context};

const SECOND: Duration = Duration::from_secs(1);

async fn filter() -> World {
    World::new("filter", 60 * SECOND).await
}

/// A POST with a body, for which the guest has a wish.
fn asked(wish: &Value) -> request::Parts {
    let request = Request::post("/orders?x=1")
        .header("host", "shop.example")
        .header("content-length", "5")
        .header("connection", "x-odd")
        .header("te", "trailers")
        .header("x-filter", wish.to_string())
        .header("x-filter-response", wish.to_string());
    request.body(()).unwrap().into_parts().0
}

fn answered() -> response::Parts {
    let response = Response::builder().status(201).header("content-length", "2").header("etag", "\"1\"");
    response.body(()).unwrap().into_parts().0
}

async fn on_request(world: &World, wish: &Value) -> Result<RequestDecision, GuestError> {
    let body = Bytes::from_static(b"hello");
    world.plugin.on_request(context(60 * SECOND), &asked(wish), Some(&body)).await
}

async fn on_response(world: &World, wish: &Value) -> Result<ResponseDecision, GuestError> {
    let body = Bytes::from_static(b"ok");
    world.plugin.on_response(context(60 * SECOND), &asked(wish), &answered(), Some(&body)).await
}

fn pairs(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let shown = headers.iter().filter(|(name, _)| !name.as_str().starts_with("x-filter"));
    let mut pairs: Vec<_> = shown.map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    pairs.sort_unstable();
    pairs
}

#[tokio::test]
async fn it_has_no_other_role_by_the_drop_alone() {
    let world = filter().await;
    assert!(world.description.has(Role::HttpMiddleware) && world.description.has(Role::Authenticator));
    assert_eq!(world.plugin.middleware(), Some(MiddlewareKind::Records));
    assert_eq!(world.description.http_role(), None);
    assert_eq!(World::new("hello", SECOND).await.plugin.middleware(), None);
}

#[tokio::test]
async fn it_sees_what_a_service_would_see() {
    let world = filter().await;
    let RequestDecision::Answer(answer) = on_request(&world, &json!({"do": "show"})).await.unwrap() else {
        panic!("it answers");
    };
    let seen: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(
        (&seen["method"], &seen["path"], &seen["body"]),
        (&json!("POST"), &json!("/orders?x=1"), &json!("hello"))
    );
    let names: Vec<_> = seen["headers"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect();
    assert_eq!(names, ["host", "content-length", "x-filter", "x-filter-response"]);
    let ResponseDecision::NextWith(answer) = on_response(&world, &json!({"do": "show"})).await.unwrap() else {
        panic!("it answers");
    };
    let seen: Value = serde_json::from_slice(answer.body()).unwrap();
    let headers = json!([["content-length", "2"], ["etag", "\"1\""]]);
    assert_eq!(seen, json!({"request": "/orders?x=1", "status": 201, "headers": headers, "body": "ok"}));
    let head = asked(&json!({"do": "show"}));
    let unseen = world.plugin.on_request(context(60 * SECOND), &head, None).await.unwrap();
    let RequestDecision::Answer(answer) = unseen else { panic!("it answers") };
    assert_eq!(serde_json::from_slice::<Value>(answer.body()).unwrap()["body"], Value::Null);
}

#[tokio::test]
async fn what_it_leaves_alone_goes_on_as_it_is() {
    let world = filter().await;
    assert!(matches!(on_request(&world, &Value::Null).await.unwrap(), RequestDecision::Next));
    assert!(matches!(on_response(&world, &Value::Null).await.unwrap(), ResponseDecision::Next));
}

#[tokio::test]
async fn a_head_changes_but_for_what_is_the_connections() {
    let world = filter().await;
    let set = json!([["x-user", "ann"], ["content-length", "99"], ["connection", "close"], ["upgrade", "h2c"]]);
    let wish = json!({"head": {"method": "PUT", "path": "/other/%2F?y", "set": set, "remove": ["host", "te"]}});
    let RequestDecision::NextWithHead(head) = on_request(&world, &wish).await.unwrap() else { panic!("it goes on") };
    assert_eq!((head.method.as_str(), head.uri.to_string().as_str()), ("PUT", "/other/%2F?y"));
    let expected = [
        ("connection", "x-odd"),
        ("content-length", "5"),
        ("host", "shop.example"),
        ("te", "trailers"),
        ("x-user", "ann"),
    ];
    assert_eq!(pairs(&head.headers), expected);
    let wish = json!({"head": {"status": 404, "set": [["x-a", "1"], ["content-length", "99"]], "remove": ["etag"]}});
    let ResponseDecision::NextWithHead(head) = on_response(&world, &wish).await.unwrap() else { panic!("it goes on") };
    assert_eq!((head.status.as_u16(), pairs(&head.headers)), (404, vec![("content-length", "2"), ("x-a", "1")]));
}

#[tokio::test]
async fn a_message_is_replaced_as_a_whole() {
    let world = filter().await;
    let headers = json!([["host", "other.example:81"], ["content-length", "99"], ["transfer-encoding", "chunked"]]);
    let wish = json!({"with": {"path": "/new", "headers": headers, "body": "changed!"}});
    let RequestDecision::NextWith(request) = on_request(&world, &wish).await.unwrap() else { panic!("it goes on") };
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "/new"));
    let expected = [("connection", "x-odd"), ("content-length", "8"), ("host", "other.example:81"), ("te", "trailers")];
    assert_eq!((pairs(request.headers()), &request.body()[..]), (expected.to_vec(), &b"changed!"[..]));
    let wish = json!({"with": {"status": 203, "headers": [["x-a", "1"], ["content-length", "1"]], "body": "new"}});
    let ResponseDecision::NextWith(response) = on_response(&world, &wish).await.unwrap() else { panic!("it goes on") };
    let seen = (response.status().as_u16(), pairs(response.headers()), &response.body()[..]);
    assert_eq!(seen, (203, vec![("x-a", "1")], &b"new"[..]));
    let wish =
        json!({"answer": {"status": 403, "headers": [["x-why", "robots"], ["connection", "close"]], "body": "no"}});
    let RequestDecision::Answer(answer) = on_request(&world, &wish).await.unwrap() else { panic!("it ends here") };
    let seen = (answer.status().as_u16(), pairs(answer.headers()), &answer.body()[..]);
    assert_eq!(seen, (403, vec![("x-why", "robots")], &b"no"[..]));
}

#[tokio::test]
async fn what_is_no_message_is_the_middlewares_failure() {
    let world = filter().await;
    for (wish, named) in [
        (json!({"head": {"method": "GE T"}}), "the method 'GE T'"),
        (json!({"head": {"method": "CONNECT"}}), "the method 'CONNECT'"),
        (json!({"head": {"path": "orders"}}), "the path 'orders'"),
        (json!({"head": {"path": "/a b"}}), "the path '/a b'"),
        (json!({"head": {"path": "/a#b"}}), "the path '/a#b'"),
        (json!({"head": {"path": "http://a/b"}}), "the path 'http://a/b'"),
        (json!({"head": {"set": [["x y", "1"]]}}), "the header name 'x y'"),
        (json!({"head": {"set": [["x", "1\r\ny: 2"]]}}), "an invalid value of the header 'x'"),
        (json!({"head": {"set": [["host", "b"]]}}), "several hosts"),
        (json!({"head": {"set": [["host", "a@b"]], "remove": ["host"]}}), "a host that is none"),
        (json!({"with": {"many": 1_001}}), "1001 headers"),
        (json!({"with": {"body": "a".repeat((1 << 20) + 1)}}), "1048577 bytes"),
        (json!({"answer": {"status": 101}}), "status 101"),
        (json!({"answer": {"many": 1_001}}), "1001 headers"),
        (json!({"do": "trap"}), "panicked"),
    ] {
        let error = on_request(&world, &wish).await.unwrap_err();
        assert!(matches!(error, GuestError::Failed { .. }), "{wish}: {error}");
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
    for (wish, named) in [
        (json!({"head": {"status": 99}}), "status 99"),
        (json!({"head": {"set": [["", "1"]]}}), "the header name ''"),
        (json!({"with": {"status": 600}}), "status 600"),
        (json!({"do": "trap"}), "panicked"),
    ] {
        let error = on_response(&world, &wish).await.unwrap_err();
        assert!(matches!(error, GuestError::Failed { .. }), "{wish}: {error}");
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}

#[tokio::test]
async fn one_that_spins_is_ended_and_one_that_is_none_is_not_called() {
    let world = World::new("filter", SECOND).await;
    let spun = on_request(&world, &json!({"do": "spin"})).await;
    assert!(matches!(spun, Err(GuestError::TimedOut { .. })), "{spun:?}");
    assert!(on_request(&world, &Value::Null).await.is_ok(), "it goes on with another instance");
    let hello = World::new("hello", SECOND).await;
    let error = on_request(&hello, &Value::Null).await.unwrap_err().to_string();
    assert!(error.contains("switchyard:plugin/http-middleware@0.1.x"), "{error}");
}
