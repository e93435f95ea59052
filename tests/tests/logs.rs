//! What services log, as the admin API and `switchyard logs` show it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

async fn lines(host: &Host, query: &str) -> Vec<Value> {
    let answer = host.admin(&format!("/api/v1/logs?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

fn member(lines: &[Value], name: &str) -> Vec<String> {
    lines.iter().map(|line| line[name].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guest_writes_is_kept_with_the_request_that_it_was_in() {
    let host = Setup::new().plugin("rogue", "rogue").plugin("hello", "hello").start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("x-request-id", "mine-1"), ("traceparent", trace)];
    let answer = host.client().await.send_with(http::Method::GET, "/rogue/log?n=1", &headers, "").await.unwrap();
    assert_eq!(answer.status, 200);
    let request = answer.header("x-gateway-request-id").to_owned();
    let all = lines(&host, "service=rogue").await;
    let own: Vec<Value> = all.iter().filter(|line| line["source"] != "host").cloned().collect();
    assert_eq!(member(&own, "message"), ["out 0", "err 0", "log 0"], "{all:#?}");
    assert_eq!(member(&own, "source"), ["stdout", "stderr", "rogue"]);
    assert_eq!(member(&own, "level"), ["info", "warn", "info"]);
    for line in &own {
        let told = (&line["requestId"], &line["traceId"]);
        assert_eq!(told, (&json!(request), &json!("0af7651916cd43dd8448eb211c80319c")), "{line}");
        assert_eq!(line["generation"], host.plugin("rogue").await["generation"], "{line}");
    }
    assert_eq!(member(&lines(&host, "service=rogue&level=warn").await, "message"), ["err 0"]);

    // What the host says about it stands beside that, also when its own log is told to be quiet.
    assert!(all[0]["source"] == "host" && all[0]["message"].as_str().unwrap().starts_with("live "), "{}", all[0]);
    host.get("/rogue/trap").await;
    let failed = lines(&host, "service=rogue&level=warn").await;
    let failed = failed.iter().find(|line| line["source"] == "host").unwrap();
    assert!(failed["message"].as_str().unwrap().contains("it panicked"), "{failed}");
    assert!(lines(&host, "service=hello").await.iter().all(|line| line["service"] == "hello"));
    assert_eq!(host.admin("/api/v1/logs?level=loud").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_host_log_keeps_the_lines_of_services() {
    let host = Setup::new().plugin("rogue", "rogue").config("[telemetry]\nlog-level = 'error'").start().await;
    host.get("/rogue/log?n=1").await;
    assert!(!host.log().contains("out 0") && !host.log().contains("live"), "{}", host.log());
    let kept = member(&lines(&host, "service=rogue").await, "message");
    assert!(kept[0].starts_with("live ") && kept[1..] == ["out 0", "err 0", "log 0"], "{kept:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_pushes_out_the_lines_of_its_own_service_alone() {
    let config =
        "[services.rogue]\nlog-rate = 1000000\n[services.other]\nlog-rate = 10\n[telemetry]\nlog-level = 'error'";
    let host = Setup::new().config(config).plugin("rogue", "rogue").plugin("hello", "hello").start().await;
    let quiet = lines(&host, "service=hello").await;
    host.get("/rogue/log?n=2000").await;
    let kept = lines(&host, "service=rogue&limit=1000").await;
    assert_eq!((kept.len(), kept[999]["message"].as_str()), (1_000, Some("log 1999")));
    let page = host.admin("/api/v1/logs?service=rogue&limit=300").await.json();
    let cursor = page["next"].as_str().unwrap();
    let before = lines(&host, &format!("service=rogue&limit=700&cursor={cursor}")).await;
    assert_eq!(before, kept[..700]);
    assert_eq!(lines(&host, "service=hello").await, quiet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_follows_until_the_host_stops() {
    let host = Setup::new().plugin("rogue", "rogue").start().await;
    host.get("/rogue/log?n=1").await;
    let url = format!("http://{}", host.admin);
    let (code, text) = host.tell(&["logs", "rogue", "--limit", "2"]);
    let shown: Vec<&str> = text.lines().collect();
    assert!(code == Some(0) && shown.len() == 2, "{text}");
    assert!(shown[0].ends_with("  warn   rogue  stderr  err 0") && shown[1].ends_with("  rogue  log 0"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let (code, text) = host.tell(&["logs", "--since", "2020-01-01T00:00:00Z", "--json"]);
    let since: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &since["items"]), (Some(0), &json!(lines(&host, "").await)));
    assert_eq!(host.tell(&["logs", "--since", "0s", "--level", "error"]), (Some(0), "no lines\n".to_owned()));
    assert_eq!(host.tell(&["logs", "--since", "yesterday"]).0, Some(2));
    assert_eq!(host.tell(&["logs", "--level", "loud"]).0, Some(2));

    let follow = ["logs", "rogue", "--follow", "--limit", "1", "--json", "--url", &url];
    let mut child = host.command(&follow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut followed = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&followed.next().unwrap().unwrap()).unwrap();
    assert_eq!(tokio::task::block_in_place(&mut next)["message"], "log 0");
    host.get("/rogue/log?n=2").await;
    let rest: Vec<Value> = (0..6).map(|_| tokio::task::block_in_place(&mut next)).collect();
    assert_eq!(member(&rest, "message"), ["out 0", "err 0", "log 0", "out 1", "err 1", "log 1"]);
    let (_, status) = host.stop();
    assert!(status.success());
    let output = tokio::task::block_in_place(|| child.wait_with_output()).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("has ended the stream"), "{error}");
}
