//! Each template in Rust.

use std::process::Command;

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Client, Host, bus::event};

use crate::project::{Project, toolchain};

/// Makes a service of a template, tests and builds it as its README says, and starts a host that it was copied to.
async fn live(name: &str, template: &str) -> Host {
    let project = Project::new(name, &["--template", template]);
    project.cargo(&["fmt", "--check"]);
    project.cargo(&["test", "--locked", "--quiet"]);
    project.cargo(&["build", "--locked", "--quiet", "--release", "--target", "wasm32-wasip2"]);
    let component = project.built_for("wasm32-wasip2");
    project.would_load(&component);
    if has_cargo_component() {
        project.cargo(&["component", "build", "--locked", "--quiet", "--release"]);
        project.would_load(&project.built_for("wasm32-wasip1"));
    }
    let host = project.deployed(&component).start().await;
    host.until(name, "active", |plugin| plugin["state"] == "active").await;
    host
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to see what they do not show")]
fn has_cargo_component() -> bool {
    let asked = Command::new("cargo").args(["component", "--version"]).env("RUSTUP_TOOLCHAIN", toolchain()).output();
    let is_there = asked.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!(
            "not shown here: the build by cargo-component, which is not installed: cargo install cargo-component"
        );
    }
    is_there
}

async fn post(host: &Host, path: &str, body: &Value) -> Value {
    let answer = host.send(Method::POST, path, &body.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn http() {
    let host = live("a-greeter", "http").await;
    assert_eq!(host.get("/a-greeter/Ann").await.json(), json!({"greeting": "Hello, Ann!", "times": 1}));
    assert_eq!(host.send(Method::PUT, "/a-greeter/Ann", r#"{"words":"Good morning"}"#).await.status, 204);
    assert_eq!(host.get("/a-greeter/Ann").await.json(), json!({"greeting": "Good morning, Ann!", "times": 2}));
    let refused = host.send(Method::PUT, "/a-greeter/Ann", r#"{"words":5}"#).await;
    assert_eq!((refused.status.as_u16(), refused.header("content-type")), (400, "application/problem+json"));
}

#[tokio::test]
async fn events() {
    let host = live("a-ledger", "events").await;
    host.subscribed("a-ledger/order.created").await;
    host.publish(event("order.created", "1", json!({"id": "1", "customer": "ann", "cents": 500}))).await;
    host.publish(event("order.created", "2", json!({"id": "2", "customer": "ann", "cents": 250}))).await;
    host.publish(event("order.created", "3", json!({"id": "3", "customer": "ann", "cents": 0}))).await;
    let spent = async || (host.get("/a-ledger/ann").await.json()["cents"] == 750).then_some(());
    host.eventually("both orders are counted", spent).await;
    assert_eq!(host.until_dead("", 1).await.len(), 1, "what is for free is a dead letter");
}

#[tokio::test]
async fn queue() {
    let host = live("a-post", "queue").await;
    let letter = json!({"to": "ann", "text": "hello"});
    let id = post(&host, "/a-post", &letter).await["id"].as_str().unwrap().to_owned();
    let sent = async || (host.get(&format!("/a-post/{id}")).await.json() == letter).then_some(());
    host.eventually("the letter is sent", sent).await;
    post(&host, "/a-post", &json!({"to": "", "text": "hello"})).await;
    host.until_dead("queue=a-post", 1).await;
}

#[tokio::test]
async fn saga() {
    let host = live("a-theatre", "saga").await;
    for (cents, status, is_held) in [(10_001, "failed", false), (500, "completed", true)] {
        let booked = post(&host, "/a-theatre", &json!({"seat": "12A", "cents": cents})).await;
        let path = format!("/a-theatre/{}", booked["id"].as_str().unwrap());
        let ended = async || Some(host.get(&path).await.json()).filter(|saga| saga["status"] == status);
        let saga = host.eventually(&format!("{cents} is {status}"), ended).await;
        assert_eq!((&saga["seat"], &saga["isHeld"]), (&json!("12A"), &json!(is_held)), "{saga}");
    }
    assert_eq!(host.get("/a-theatre/none").await.status, 404);
}

#[tokio::test]
async fn middleware() {
    let host = live("a-door", "middleware").await;
    let answer = host.get("/any/path").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-passed")), (404, "a-door"));
}

#[tokio::test]
async fn authenticator() {
    let host = live("a-guard", "authenticator").await;
    for (token, status) in [("ann.s3cret", 404), ("ann.secret", 401), ("ann", 401)] {
        let mut client = Client::connect(host.gateway).await.unwrap();
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let answer = client.send_with(Method::GET, "/", &headers, "").await.unwrap();
        assert_eq!(answer.status, status, "{token}: {}", answer.text());
    }
}
