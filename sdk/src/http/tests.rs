use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{Failure, IntoResponse, Json, Request, Router, clock, testing};

#[test]
fn a_call_is_sent_as_it_was_said() {
    testing::service("users", || (201, Json("made")));
    let call = service("users").post("/users?a=1").query("q", "x y&z").header("X-Trace", "7").json(&[1]);
    let answer = call.bearer("t0ken").send().expect("an answer");
    assert_eq!((answer.status(), answer.json::<String>()), (201, Ok("made".to_owned())));
    let [(whom, request)] = testing::calls().try_into().expect("one call");
    assert_eq!(
        (whom.as_str(), request.method(), request.target()),
        ("users.internal", "POST", "/users?a=1&q=x%20y%26z")
    );
    assert_eq!((request.header("x-trace"), request.header("authorization")), (Some("7"), Some("Bearer t0ken")));
    assert_eq!((request.header("content-type"), request.body()), (Some("application/json"), &b"[1]"[..]));
}

#[test]
fn urls_are_taken_apart() {
    testing::server("example.com:8443", |request: &Request| request.target().to_owned());
    for (url, target) in [
        ("https://example.com:8443", "/"),
        ("https://example.com:8443?a=1", "/?a=1"),
        ("http://example.com:8443/x/y?a=1#part", "/x/y?a=1"),
    ] {
        assert_eq!(get(url).send().expect(url).text(), target);
    }
    for url in ["", "/x", "ftp://a/", "http://", "http:///x", "http://me@a/", "http://a/b c", "http://a/é"] {
        assert!(matches!(get(url).send(), Err(Error::Invalid { .. })), "{url}");
    }
    let odd = post("http://a/").json(&std::collections::BTreeMap::from([((1, 2), 3)])).send();
    assert!(matches!(odd, Err(Error::Invalid { .. })), "{odd:?}");
}

#[test]
fn who_is_not_there_is_named() {
    let unknown = service("nobody").get("/x").send().expect_err("nobody");
    assert_eq!((unknown.whom(), unknown.status()), ("nobody", None));
    assert_eq!(unknown.to_string(), "GET http://nobody.internal/x: there is no such service or host");
    let denied = get("https://example.com:99/x?secret=1").send().expect_err("not allowed");
    assert!(denied.whom() == "example.com:99" && !denied.to_string().contains("secret"), "{denied}");
}

#[test]
fn an_answer_that_takes_too_long_or_is_too_large_is_none() {
    testing::service("slow", || clock::sleep(Duration::from_secs(3)));
    let call = || service("slow").get("/");
    assert!(call().send().is_ok());
    let late = call().timeout(Duration::from_secs(2)).send().expect_err("late");
    assert_eq!(late.to_string(), "GET http://slow.internal/: no answer within 2s");
    testing::service("large", || vec![0; 100]);
    let call = || service("large").get("/");
    assert!(call().body_max(100).send().is_ok());
    assert!(matches!(call().body_max(99).send(), Err(Error::Broken { .. })));
}

#[test]
fn a_status_is_an_answer_until_one_insists() {
    testing::service("users", |request: &Request| match request.path() {
        "/problem" => crate::Error::conflict("Taken").detail("ann is taken").into_response(),
        "/page" => crate::Response::html("x".repeat(1_000)).with_status(500),
        _ => crate::Error::not_found("Gone").into_response(),
    });
    let answer = |path| service("users").get(path).send().expect("an answer");
    assert_eq!(answer("/x").status(), 404);
    assert_eq!(answer("/x").found(), Ok(None));
    let conflict = answer("/problem").found().expect_err("a conflict");
    assert!(conflict.to_string().ends_with("answered 409: ann is taken"), "{conflict}");
    assert!(answer("/page").ok().expect_err("a page").to_string().len() < 300);
    assert!(matches!(answer("/page").json::<Value>(), Err(Error::Broken { .. })));
}

#[test]
fn handlers_answer_for_those_they_call() {
    testing::service("shaky", |request: &Request| {
        let status = request.query("status").and_then(|status| status.parse().ok()).unwrap_or(200);
        crate::Response::json(&json!({ "ok": true })).with_status(status).with_header("connection", "close")
    });
    let relay = |request: &Request| service("shaky").get(request.target()).send().map_err(crate::Error::from);
    let insist =
        |request: &Request| -> crate::Result<Answer> { Ok(service("shaky").get(request.target()).send()?.ok()?) };
    let lost = || -> crate::Result<Answer> { Ok(service("lost").get("/").send()?) };
    let router = Router::new().get("/relay", relay).get("/insist", insist).get("/lost", lost);
    let relayed = router.serve(Request::get("/relay?status=409"));
    assert_eq!((relayed.status(), relayed.header("connection")), (409, None));
    let refused = router.serve(Request::get("/insist?status=409"));
    assert_eq!((refused.status(), refused.header("content-type")), (502, Some("application/problem+json")));
    let problem: Value = router.serve(Request::get("/lost")).body_json().expect("JSON");
    assert_eq!(
        (&problem["error"], &problem["detail"]),
        (&json!("Service unavailable"), &json!("lost did not answer as it should"))
    );
    assert!(testing::logged().iter().any(|line| line.contains("GET http://lost.internal/")));
}

#[test]
fn what_cannot_succeed_later_is_rejected() {
    testing::service("users", |request: &Request| {
        request.query("status").and_then(|text| text.parse().ok()).map(|status: u16| (status, "x"))
    });
    for (status, is_retried) in [(400, false), (404, false), (408, true), (429, true), (500, true), (503, true)] {
        let error =
            service("users").get("/").query("status", status).send().expect("an answer").ok().expect_err("none");
        assert_eq!(matches!(Failure::from(error), Failure::Retry(_)), is_retried, "{status}");
    }
    let failed = |url| Failure::from(get(url).send().expect_err(url));
    assert!(matches!(failed("http://nobody.internal/"), Failure::Retry(_)));
    assert!(matches!(failed("nobody"), Failure::Reject(_)));
}
