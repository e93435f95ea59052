//! Components put into the folder over the admin API: live when that is answered, or nothing has changed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test may panic, and a test that cannot run here says so"
)]

mod commands;
mod deploying;
mod refused;
mod rollback;
mod signatures;
mod winch;

use std::{
    fs,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::Value;
use switchyard_tests::{Answer, Client, Host, component_bytes};

/// Any request at the admin API.
async fn ask(host: &Host, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let mut client = Client::connect(host.admin).await.unwrap();
    let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &[("content-type", kind)] };
    client.send_with(method, path, headers, body).await.unwrap()
}

/// Sends a component alone.
async fn deploy(host: &Host, stem: &str, bytes: &[u8]) -> Answer {
    ask(host, Method::POST, &format!("/api/v1/plugins?name={stem}"), "application/wasm", bytes.to_vec()).await
}

/// Sends a form with these parts.
async fn deploy_form(host: &Host, query: &str, parts: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, content) in parts {
        body.extend_from_slice(
            format!("--frontier\r\ncontent-disposition: form-data; name={name:?}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    ask(host, Method::POST, &format!("/api/v1/plugins?{query}"), "multipart/form-data; boundary=frontier", body).await
}

async fn roll_back(host: &Host, stem: &str, to: &str) -> Answer {
    let path = format!("/api/v1/plugins/{stem}/rollback");
    ask(host, Method::POST, &path, "application/json", to.as_bytes().to_vec()).await
}

/// The JSON of an answer that has this status.
#[track_caller]
fn expect(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json()
}

/// A problem with this status and code, whose detail says this.
#[track_caller]
fn expect_problem(answer: &Answer, status: u16, code: &str, detail: &str) {
    let problem = expect(answer, status);
    assert_eq!(problem["code"], code, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
}

/// The names of what is in the plugins folder.
fn folder(host: &Host) -> Vec<String> {
    let entries = fs::read_dir(host.path().join("plugins")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A component of its own digest that is otherwise the same: with a section that says nothing to anybody.
fn marked(component: &str, mark: u8) -> Vec<u8> {
    [&component_bytes(component)[..], &[0, 3, 1, b'x', mark]].concat()
}

/// Gives a running host another configuration, at once as a whole.
fn configure(host: &Host, text: &str) {
    let file = host.path().join("switchyard.toml");
    let aside = file.with_extension("new");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, file).unwrap();
}

/// Waits until this holds of the host's log.
async fn logged(host: &Host, text: &str) {
    let since = Instant::now();
    while !host.log().contains(text) {
        assert!(since.elapsed() < Duration::from_secs(60), "the log does not say '{text}':\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The events of a topic, once there are so many.
async fn told(host: &Host, topic: &str, count: usize) -> Vec<Value> {
    let since = Instant::now();
    loop {
        let told = host.admin(&format!("/api/v1/events?topic={topic}")).await.json();
        let items = told["items"].as_array().cloned().unwrap_or_default();
        if items.len() >= count {
            return items;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{topic} is not told of {count} times: {told}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
