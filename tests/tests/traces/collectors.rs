//! Whether traces are recorded at all, and collectors that are not well.

use http::Method;
use switchyard_tests::{Setup, otlp::Collector};

use super::{RECORDED, only};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_says_that_its_trace_is_recorded_where_nothing_else_is() {
    let collector = Collector::listen().await;
    let config = collector.telemetry() + "sample = 0.0\notlp-headers = { x-tenant = 'a', x-key = { env = 'KEY' } }\n";
    let setup = Setup::new().plugin("hello", "hello").config(&config).env("KEY", "secret-key");
    let host = setup.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test%20it").start().await;
    for _ in 0..20 {
        assert_eq!(host.get("/hello/").await.status, 200);
    }
    let mut client = host.client().await;
    let not_recorded = RECORDED.replace("-01", "-00");
    for traceparent in [not_recorded.as_str(), RECORDED] {
        let answer = client.send_with(Method::GET, "/hello/", &[("traceparent", traceparent)], "").await.unwrap();
        assert_eq!(answer.status, 200);
    }
    let (setup, status) = host.stop();
    assert!(status.success());
    drop(setup);
    let spans = collector.spans();
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let server = only(&spans, "GET /hello/*");
    assert_eq!(server.parent, "b7ad6b7169203331");
    assert_eq!(server.resource["deployment.environment.name"], "test it");
    let headers = collector.headers().remove(0);
    assert_eq!((&headers["x-tenant"], &headers["x-key"]), (&"a".parse().unwrap(), &"secret-key".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_nothing_is_recorded_and_the_trace_goes_on() {
    let collector = Collector::listen().await;
    let host = Setup::new().plugin("rogue", "rogue").start().await;
    let mut client = host.client().await;
    let answer = client.send_with(Method::GET, "/rogue/headers", &[("traceparent", RECORDED)], "").await.unwrap();
    assert!(answer.text().contains("00-0af7651916cd43dd8448eb211c80319c-"), "{}", answer.text());
    assert!(host.stop().1.success());
    assert_eq!(collector.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_is_no_concern_of_requests_and_is_told_once() {
    let config = "[telemetry]\notlp = 'http://127.0.0.1:9'\n";
    let host = Setup::new().plugin("hello", "hello").config(config).start().await;
    for _ in 0..200 {
        assert_eq!(host.get("/hello/").await.status, 200);
    }
    let log = host.log();
    assert!(host.stop().1.success(), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_collector_does_not_take_now_is_sent_again() {
    let collector = Collector::listen().await;
    collector.answer(503);
    let host = Setup::new().plugin("hello", "hello").config(&collector.telemetry()).start().await;
    assert_eq!(host.get("/hello/").await.status, 200);
    host.eventually("the collector was asked", async || Some(()).filter(|()| collector.requests() > 0)).await;
    collector.answer(200);
    let spans = collector.until(&host, "the request", |span| span.kind == "server").await;
    assert_eq!(spans.len(), 2, "{spans:#?}");
}

#[test]
fn a_wrong_collector_is_refused_with_its_place() {
    for (line, expected) in [
        ("otlp = 'collector:4318'", "is no collector"),
        ("otlp = 'http://a'\nsample = 2.0", "from 0.0 to 1.0"),
        ("otlp-headers = { x = 'a' }", "otlp-headers are for a collector"),
        ("otlp = 'http://a'\notlp-headers = { x = { env = 'NOT_THERE' } }", "NOT_THERE is not set"),
    ] {
        let setup = Setup::new().config(&format!("[telemetry]\n{line}\n"));
        let (status, text) = setup.run_to_end();
        assert!(!status.success() && text.contains(expected) && text.contains("switchyard.toml:"), "{line}: {text}");
    }
}
