//! No secret of the configuration shows: in no answer of the admin API, page of the console, figure, log or command.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{collections::BTreeSet, fs};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::event};

/// What must not show. Each is only a secret because the configuration says so.
const OF_VARIABLE: &str = "secret-of-a-variable-7f21";
const OF_FILE: &str = "secret-of-a-file-5d90";
const TOKEN: &str = "token-of-the-admin-api-8c14";
const HEADER: &str = "header-of-the-collector-1b6e";
const OF_JWT: &str = "secret-of-an-issuer-and-long-enough-3a55";
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

const SECRETS: [&str; 6] = [OF_VARIABLE, OF_FILE, TOKEN, HEADER, OF_JWT, HASH];

/// A host with a secret wherever there can be one, and this table of who may call.
fn setup(auth: &str) -> Setup {
    let config = format!(
        "[admin]\ntoken-file = 'token'\n\
         [services.user-service]\nsecrets = {{ db = {{ env = 'DB_PASSWORD' }}, key = {{ file = 'key' }} }}\n\
         [telemetry]\nlog-level = 'debug'\notlp = 'http://127.0.0.1:9'\n\
         otlp-headers = {{ authorization = {{ env = 'COLLECTOR' }}, x-key = '{HEADER}' }}\n{auth}"
    );
    let setup = Setup::new().plugin("user-service", "user-service").config(&config);
    let setup = setup.env("DB_PASSWORD", OF_VARIABLE).env("COLLECTOR", HEADER);
    fs::write(setup.path().join("key"), OF_FILE).unwrap();
    fs::write(setup.path().join("token"), TOKEN).unwrap();
    setup
}

async fn get(host: &Host, path: &str) -> (u16, String) {
    let bearer = format!("Bearer {TOKEN}");
    let answer = host.ask_with(Method::GET, path, &[("authorization", &bearer)], "").await;
    (answer.status.as_u16(), answer.text())
}

#[track_caller]
fn shows_none(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
    }
}

/// Every path that can be read, with something that is there in the place of each parameter.
async fn paths(host: &Host) -> Vec<String> {
    let (_, document) = get(host, "/openapi.json").await;
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut paths = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let answers = &item["get"]["responses"]["200"]["content"];
        let is_endless = answers["text/event-stream"].is_object() && !answers["application/json"].is_object();
        if item["get"].is_object() && !is_endless {
            let known = if path.contains("/queues/") { "emails" } else { "user-service" };
            let fill = |segment: &str| if segment.starts_with('{') { known.to_owned() } else { segment.to_owned() };
            paths.push(path.split('/').map(fill).collect::<Vec<_>>().join("/"));
        }
    }
    assert!(paths.len() > 20, "{paths:?}");
    paths
}

/// The pages of the console that its front page leads to.
async fn pages(host: &Host) -> BTreeSet<String> {
    let (status, front) = get(host, "/").await;
    assert_eq!(status, 200, "{front}");
    let links = front.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(link, _)| link.to_owned());
    let pages: BTreeSet<String> = links.filter(|link| link.starts_with('/')).collect();
    assert!(pages.len() > 8, "{pages:?}");
    pages
}

async fn check(auth: &str) {
    let host = setup(auth).start().await;
    let is_live = async || {
        let (_, text) = get(&host, "/api/v1/plugins/user-service").await;
        text.contains("\"active\"").then_some(())
    };
    host.eventually("the service is live", is_live).await;
    let bearer = format!("Bearer {TOKEN}");
    let publish = event("order.created", "1", json!({"id": 1})).to_string();
    let kind = [("authorization", bearer.as_str()), ("content-type", "application/cloudevents+json")];
    assert_eq!(host.ask_with(Method::POST, "/api/v1/events", &kind, publish).await.status, 201);
    for _ in 0..3 {
        host.get("/api/users").await;
    }
    for path in paths(&host).await.into_iter().chain(pages(&host).await) {
        let (_, text) = get(&host, &path).await;
        shows_none(&path, &text);
    }
    // Who comes without a token, or with a wrong one, is told nothing either.
    let refused = host.ask(Method::GET, "/api/v1/plugins", &Value::Null).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    shows_none("a refusal", &refused.text());
    for command in [&["check"][..], &["check", "--json"]] {
        let output = host.command(command).env("DB_PASSWORD", OF_VARIABLE).env("COLLECTOR", HEADER).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        shows_none(&command.join(" "), &String::from_utf8_lossy(&text));
    }
    shows_none("the log", &host.log());
    let (setup, _) = host.stop();
    drop(setup);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_shows_beside_api_keys() {
    let keys = format!("keys = [{{ hash = 'sha256:{HASH}', subject = 'shop' }}]");
    check(&format!("[gateway.auth]\nkind = 'api-key'\n{keys}\n")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_shows_beside_tokens() {
    let issuer =
        format!("issuer = 'https://id.test'\naudiences = ['a']\nalgorithms = ['HS256']\nsecret = '{OF_JWT}'\n");
    check(&format!("[gateway.auth]\nkind = 'jwt'\n[[gateway.auth.issuers]]\n{issuer}")).await;
}

/// What a wrong configuration is told of says where it is wrong, not what is secret in it.
#[test]
fn no_secret_shows_in_what_is_wrong_with_the_configuration() {
    let file = |text: &str| {
        let setup = Setup::new().config(text);
        let (status, said) = setup.run(&["check"]);
        assert!(!status.success(), "{said}");
        said
    };
    let jwt = "[gateway.auth]\nkind = 'jwt'\n[[gateway.auth.issuers]]\nissuer = 'x'\naudiences = ['a']\n";
    for text in [
        format!("{jwt}algorithms = ['HS257']\nsecret = '{OF_JWT}'\n"),
        format!("{jwt}algorithms = ['RS256']\nsecret = '{OF_JWT}'\n"),
        format!("[gateway.auth]\nkind = 'api-key'\nkeys = [{{ hash = 'sha256:{HASH}', subject = '' }}]\n"),
        format!("[telemetry]\notlp = 'http://127.0.0.1:9'\notlp-headers = {{ 'a b' = '{HEADER}' }}\n"),
    ] {
        shows_none(&text, &file(&text));
    }
}
