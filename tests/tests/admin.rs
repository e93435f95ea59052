//! The admin API as strangers, browsers and operators meet it: the token, other sites, audit events, figures, key-value.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::fs;

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Answer, Host, Setup};

const TOKEN: &str = "a-token-of-more-than-16";
const OTHER: &str = "another-token-of-enough";

async fn with_token(host: &Host, path: &str, token: &str) -> Answer {
    host.ask_with(Method::GET, path, &[("authorization", &format!("Bearer {token}"))], "").await
}

/// A host that asks for a token.
async fn guarded() -> Host {
    let setup = Setup::new().plugin("hello", "hello").config("[admin]\ntoken-file = 'token'\n");
    fs::write(setup.path().join("token"), format!("{TOKEN}\n")).unwrap();
    setup.start().await
}

/// Everything that a `GET` can ask without a name, as the document has it.
fn readable(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of_lists = paths.filter(|(path, item)| item.get("get").is_some() && !path.contains('{'));
    of_lists.map(|(path, _)| path.clone()).filter(|path| path != "/api/v1/watch").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_token_nothing_but_probes_is_answered_without_it() {
    let host = guarded().await;
    let document = with_token(&host, "/openapi.json", TOKEN).await.json();
    for path in readable(&document) {
        let (without, wrong) = (host.admin(&path).await, with_token(&host, "/api/v1/routes", OTHER).await);
        if ["/livez", "/readyz"].contains(&path.as_str()) {
            assert_eq!(without.status, 200, "{path}");
            continue;
        }
        assert_eq!((without.status.as_u16(), &without.json()["code"]), (401, &json!("SY1008")), "{path}");
        assert_eq!(without.header("www-authenticate"), "Bearer realm=\"switchyard admin\"");
        assert!([401, 429].contains(&wrong.status.as_u16()), "{}", wrong.text());
    }
    let page = host.ask_with(Method::GET, "/services", &[("accept", "text/html")], "").await;
    assert_eq!((page.status.as_u16(), page.header("location").starts_with("/login")), (303, true), "{}", page.text());
    assert!(!host.log().contains(TOKEN), "the token is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_send_the_token_and_say_what_is_missing() {
    let host = guarded().await;
    let (code, said) = host.tell(&["routes"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("--token-file"), "{said}");
    let (code, said) = host.tell(&["routes", "--token-file", "token"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = host.tell(&["routes", "--token-file", "nowhere"]);
    assert!(code == Some(1) && said.contains("cannot read the token from nowhere"), "{said}");
    let url = format!("http://{}", host.admin);
    let output = host.command(&["routes", "--url", &url]).env("SWITCHYARD_TOKEN", TOKEN).output().unwrap();
    assert!(output.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_token_in_the_file_is_taken_and_a_bad_one_changes_nothing() {
    let host = guarded().await;
    let file = host.path().join("token");
    fs::write(&file, "short").unwrap();
    host.eventually("the bad file is told", async || host.log().contains("goes on with its last token").then_some(()))
        .await;
    assert_eq!(with_token(&host, "/api/v1/routes", TOKEN).await.status, 200);
    fs::write(&file, OTHER).unwrap();
    host.eventually("the other token is told", async || host.log().contains("has another token").then_some(())).await;
    assert_eq!(with_token(&host, "/api/v1/routes", OTHER).await.status, 200);
    assert_eq!(with_token(&host, "/api/v1/routes", TOKEN).await.status, 401);
}

#[test]
fn a_host_that_strangers_reach_does_not_start_without_a_token() {
    let setup = Setup::new().config("[admin]\nlisten = '127.0.0.1:0'\n");
    let (status, said) = setup.run(&["serve", "--admin", "0.0.0.0:0", "--listen", "127.0.0.1:0"]);
    assert!(!status.success() && said.contains("token-file under [admin]"), "{said}");
    let setup = Setup::new().config("\n[admin]\nlisten = '0.0.0.0:0'\n");
    let (status, said) = setup.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!status.success() && said.contains("switchyard.toml:3:"), "{said}");
    for (text, expected) in [("short", "is no token"), ("two words in a line", "is no token")] {
        let setup = Setup::new().config("[admin]\ntoken-file = 'token'\n");
        fs::write(setup.path().join("token"), text).unwrap();
        let (status, said) = setup.run_to_end();
        assert!(!status.success() && said.contains(expected) && said.contains("openssl rand"), "{said}");
        assert!(!said.contains(text), "{said}");
    }
    let (status, said) = Setup::new().config("[admin]\ntoken-file = 'token'\n").run_to_end();
    assert!(!status.success() && said.contains("cannot be read"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_site_reaches_it_through_a_browser() {
    let host = Setup::new().start().await;
    let own = format!("http://{}", host.admin);
    let elsewhere = [
        ("origin", "https://example.com"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("origin", "http://localhost"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    let route = r#"{"path": "/x", "redirect": {"to": "/y", "status": 302}}"#;
    for header in elsewhere {
        for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
            let answer = host.ask_with(Method::POST, "/api/v1/routes", &[header, ("content-type", kind)], route).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (403, &json!("SY3002")), "{header:?}");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
    assert_eq!(host.items("/api/v1/routes").await, Vec::<Value>::new());
    let answer =
        host.ask_with(Method::PUT, "/api/v1/kv/a/b", &[("origin", &own), ("sec-fetch-site", "same-origin")], "1").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_only_read_changes_nothing() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    // What the host does by itself after a start is none of the readers' doing.
    host.until("hello", "optimised", |plugin| plugin["tier"] == "optimised").await;
    let state = async || {
        let mut state = Vec::new();
        for list in ["plugins", "routes", "subscriptions", "queues", "topics", "dead-letters", "sagas", "kv", "events"]
        {
            state.push(host.items(&format!("/api/v1/{list}")).await);
        }
        state
    };
    let settled = host.eventually("the events of the start are stored", async || {
        let first = state().await;
        (first == state().await && first[8].len() >= 2).then_some(first)
    });
    let before = settled.await;
    let document = host.admin("/openapi.json").await.json();
    for path in readable(&document) {
        let answer = host.admin(&path).await;
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text());
    }
    assert_eq!(state().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_leaves_an_event_and_shows_in_the_feed() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let done = host.ask(Method::POST, "/api/v1/breakers/hello/open", &Value::Null).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let told = host.items("/api/v1/events?topic=audit.action").await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let data = &told[0]["data"];
    assert_eq!(
        (&data["action"], &data["target"], &data["status"]),
        (&json!("openBreaker"), &json!("hello"), &json!(200))
    );
    assert_eq!(
        (&data["who"], &data["address"], &data["via"]),
        (&json!("loopback"), &json!("127.0.0.1"), &json!("api"))
    );
    assert_eq!((&told[0]["source"], &told[0]["subject"]), (&json!("/switchyard"), &json!("hello")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_counts_each_call_once() {
    let setup = Setup::new().plugin("front", "hello-p2").plugin("back", "hello-p2");
    let host = setup.start().await;
    for _ in 0..5 {
        let answer = host.get("/front/fetch?url=http://back.internal/").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for _ in 0..3 {
        assert_eq!(host.get("/back/").await.status, 200);
    }
    let edge = |overview: &Value, from: &str, to: &str| {
        let edges = overview["edges"].as_array().unwrap();
        edges.iter().find(|edge| edge["from"] == from && edge["to"] == to).map(|edge| edge["calls"].as_u64().unwrap())
    };
    let overview = host.eventually("all calls are counted", async || {
        let overview = host.admin("/api/v1/overview").await.json();
        (overview["requests"]["calls"] == 8).then_some(overview)
    });
    let overview = overview.await;
    assert_eq!(edge(&overview, "gateway", "service:front"), Some(5), "{overview:#}");
    assert_eq!(edge(&overview, "service:front", "service:back"), Some(5));
    assert_eq!(edge(&overview, "gateway", "service:back"), Some(3));
    assert_eq!((&overview["ready"], &overview["services"]["total"]), (&json!(true), &json!(2)));
    assert!(
        overview["requests"]["rate"].as_f64() > Some(0.0) && overview["requests"]["p95"].is_number(),
        "{overview:#}"
    );
}
