//! The spans of calls: of upstreams and guests, repeated and failed ones.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use http::Method;
use serde_json::json;
use switchyard_tests::{Recorder, Setup, UpstreamReply, otlp::Collector};

use super::{RECORDED, check_tree, check_whole, only};

/// The trace of [`RECORDED`].
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The value of a header in a head as it came.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_are_siblings_and_each_upstream_gets_its_own_span() {
    let collector = Collector::listen().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let upstream = Recorder::listen(move |_| match count.fetch_add(1, SeqCst) {
        0 => UpstreamReply::Status(503),
        _ => UpstreamReply::Echo,
    });
    let upstream = upstream.await;
    let config =
        collector.telemetry() + &upstream.upstream("users") + "[[route]]\npath = '/users/*'\nservice = 'users'\n";
    let host = Setup::new().config(&config).start().await;
    let mut client = host.client().await;
    let headers = [("traceparent", RECORDED), ("user-agent", "test/1")];
    let answer = client.send_with(Method::GET, "/users/7?token=secret", &headers, "").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());

    let spans = collector.until(&host, "the request", |span| span.kind == "server").await;
    let server = only(&spans, "GET /users/*");
    assert_eq!((server.trace.as_str(), server.parent.as_str()), (TRACE, "b7ad6b7169203331"), "below the client's own");
    assert_eq!((server.text("user_agent.original"), server.text("url.path")), ("test/1", "/users/7"));
    let mut attempts: Vec<_> = spans.iter().filter(|span| span.kind == "client").collect();
    attempts.sort_by_key(|span| span.time);
    assert_eq!(attempts.len(), 2, "{spans:#?}");
    let resent: Vec<_> = attempts.iter().map(|span| span.number("http.request.resend_count")).collect();
    assert_eq!(resent, [None, Some(1)]);
    let statuses: Vec<_> = attempts.iter().map(|span| span.number("http.response.status_code")).collect();
    assert_eq!(statuses, [Some(503), Some(200)]);
    assert_eq!((attempts[0].text("error.type"), attempts[0].error.is_some(), &attempts[1].error), ("503", true, &None));
    assert_eq!(server.error, None, "it was answered in the end");
    for (attempt, request) in attempts.iter().zip(upstream.requests()) {
        assert_eq!((attempt.name.as_str(), &attempt.parent), ("GET", &server.id));
        assert_eq!(header(&request.head, "traceparent"), format!("00-{TRACE}-{}-01", attempt.id));
        assert_eq!(attempt.number("server.port"), Some(upstream.address.port().into()));
        assert_eq!(attempt.text("url.full"), format!("http://{}/users/7", upstream.address));
    }
    assert!(!format!("{spans:?}").contains("secret"), "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_traps_leaves_an_exception_and_a_failed_request() {
    let collector = Collector::listen().await;
    let host = Setup::new().plugin("rogue", "rogue").config(&collector.telemetry()).start().await;
    let answer = host.get("/rogue/trap").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let spans = collector.until(&host, "the request", |span| span.kind == "server").await;
    check_whole(&spans);
    let (server, guest) = (only(&spans, "GET /rogue/*"), only(&spans, "rogue request"));
    assert_eq!(guest.parent, server.id);
    assert_eq!((server.text("switchyard.code"), server.text("error.type")), ("SY2001", "SY2001"));
    assert_eq!(guest.text("error.type"), "SY2001");
    assert!(guest.error.as_ref().unwrap().starts_with("the service 'rogue' failed"), "{guest:#?}");
    let (name, exception) = &guest.events[0];
    assert_eq!((name.as_str(), &exception["exception.type"]), ("exception", &json!("trap")));
    assert!(exception["exception.message"].is_string(), "{guest:#?}");

    // What nobody takes has no route in its name, so that there are few names.
    let answer = host.get("/nowhere").await;
    assert_eq!(answer.status, 404);
    let spans = collector.until(&host, "the other request", |span| span.text("url.path") == "/nowhere").await;
    check_tree(&spans, "GET (server)");
    assert_eq!((spans[0].text("switchyard.code"), &spans[0].error), ("SY1001", &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_between_services_is_below_its_caller() {
    let collector = Collector::listen().await;
    let setup = Setup::new().plugin("hello", "hello-p2").plugin("other", "hello-p2");
    let host = setup.config(&collector.telemetry()).start().await;
    let answer = host.get("/hello/fetch?url=http://other.internal/").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let spans = collector.until(&host, "the request", |span| span.kind == "server").await;
    check_whole(&spans);
    check_tree(&spans, "GET /hello/* (server)\n  hello request (internal)\n    other request (internal)\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_outside_is_told_the_trace_and_its_call_is_a_span() {
    let collector = Collector::listen().await;
    let outside = Recorder::echo().await;
    let outbound = format!("[services.hello]\noutbound = ['{}']\n", outside.address);
    let setup = Setup::new().plugin("hello", "hello-p2").config(&(collector.telemetry() + &outbound));
    let host = setup.start().await;
    let answer = host.get(&format!("/hello/fetch?url=http://{}/x", outside.address)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let spans = collector.until(&host, "the request", |span| span.kind == "server").await;
    check_whole(&spans);
    check_tree(&spans, "GET /hello/* (server)\n  hello request (internal)\n    GET (client)\n");
    let call = only(&spans, "GET");
    assert_eq!((call.text("server.address"), call.number("http.response.status_code")), ("127.0.0.1", Some(200)));
    assert_eq!(call.text("url.full"), format!("http://{}/x", outside.address));
    let got = outside.requests().remove(0).head;
    assert_eq!(header(&got, "traceparent"), format!("00-{}-{}-01", call.trace, call.id));
}
