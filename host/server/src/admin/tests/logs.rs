//! Lines of services.

use switchyard_core::name::Generation;
use switchyard_runtime::ports::{LogLevel, LogLine, Logs as _};

use super::*;

fn write(api: &Api, service: &str, level: LogLevel, text: &str) {
    let service = service.parse().expect("a name");
    let generation = Generation(1);
    let line =
        LogLine { service: &service, generation, level, source: "log", text, request_id: None, traceparent: None };
    api.sources.logs.line(line);
}

fn messages(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().filter_map(|item| item["message"].as_str()).collect()
}

#[tokio::test]
async fn a_page_has_the_newest_line_last_and_leads_to_those_before() {
    let api = Api::new();
    for n in 1..=5 {
        write(&api, "shop", LogLevel::Info, &n.to_string());
    }
    write(&api, "users", LogLevel::Error, "<img src=x>\u{1b}[2J");
    let all = api.get("/api/v1/logs").await.expect(200);
    assert_eq!(messages(&all), ["1", "2", "3", "4", "5", "<img src=x>\u{1b}[2J"]);
    assert_eq!(all["next"], Value::Null);
    let newest = api.get("/api/v1/logs?service=shop&limit=2").await.expect(200);
    assert_eq!(messages(&newest), ["4", "5"]);
    let cursor = newest["next"].as_str().expect("a cursor");
    let before = api.get(&format!("/api/v1/logs?service=shop&limit=9&cursor={cursor}")).await.expect(200);
    assert_eq!((messages(&before), &before["next"]), (vec!["1", "2", "3"], &Value::Null));
    assert_eq!(messages(&api.get("/api/v1/logs?level=warn").await.expect(200)).len(), 1);
    assert!(messages(&api.get("/api/v1/logs?service=nobody").await.expect(200)).is_empty());
    assert!(messages(&api.get("/api/v1/logs?cursor=1-1").await.expect(200)).is_empty());
    for wrong in ["level=loud", "service=A", "limit=0", "cursor=x", "follow=maybe"] {
        assert_eq!(api.get(&format!("/api/v1/logs?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_stream_begins_where_it_is_asked_to_and_ends_with_the_host() {
    let api = Api::new();
    for n in 1..=4 {
        write(&api, "shop", LogLevel::Info, &n.to_string());
    }
    let page = api.get("/api/v1/logs?limit=2").await.expect(200);
    let id = page["items"][0]["id"].as_str().expect("an id");
    api.sources.logs.close();
    let count = |answer: &Answered| answer.text().matches("event: log").count();
    assert_eq!(count(&api.get("/api/v1/logs?follow=true").await), 0);
    let newest = api.get("/api/v1/logs?follow=true&limit=3&level=info").await;
    assert_eq!((count(&newest), newest.headers["content-type"].as_bytes()), (3, &b"text/event-stream"[..]));
    let unknown = Request::builder().uri("/api/v1/logs?follow=true").header("last-event-id", "7-1");
    let anew = api.ask_with(unknown, "").await;
    assert!(count(&anew) == 4 && anew.text().contains("event: gap"), "{}", anew.text());
    let request = Request::builder().uri("/api/v1/logs?follow=true").header("last-event-id", id);
    let resumed = api.ask_with(request, "").await;
    assert_eq!(count(&resumed), 1, "{}", resumed.text());
    assert!(resumed.text().contains(r#""message":"4""#) && !resumed.text().contains("gap"), "{}", resumed.text());
}
