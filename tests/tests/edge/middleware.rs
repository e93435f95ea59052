//! Middleware in plugins: attached by the configuration, in its order, and never by the drop alone.

use http::Method;
use serde_json::json;
use switchyard_tests::{Answer, Host, Recorder, Setup};

async fn get(host: &Host, path: &str, agent: &str) -> Answer {
    host.client().await.send_with(Method::GET, path, &[("user-agent", agent)], "").await.unwrap()
}

fn setup(config: &str, upstream: &Recorder) -> Setup {
    let config = format!("{config}\n{}[[route]]\npath = '/up/*'\nservice = 'up'\n", upstream.upstream("up"));
    Setup::new().plugin("header-stamp", "header-stamp").plugin("deny-agents", "deny-agents").config(&config)
}

#[tokio::test]
async fn what_is_dropped_alone_does_nothing() {
    let upstream = Recorder::echo().await;
    let host = setup("", &upstream).start().await;
    let answer = get(&host, "/up/x", "badbot").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-stamp")), (200, ""));
    for name in ["header-stamp", "deny-agents"] {
        assert_eq!(host.plugin(name).await["state"], "active");
        assert_eq!(get(&host, &format!("/{name}/"), "x").await.status, 404, "it is no service");
    }
}

#[tokio::test]
async fn requests_pass_in_order_and_answers_back_through_those_that_saw_them() {
    let upstream = Recorder::echo().await;
    let config =
        "[gateway]\nmiddleware = ['header-stamp', 'deny-agents']\n[services.header-stamp]\nconfig = { stamp = 'blue' }";
    let host = setup(config, &upstream).start().await;
    let answer = get(&host, "/up/x", "somebody").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-stamp")), (200, "blue"));
    // The second answers, and the first still sees it.
    let answer = get(&host, "/up/x", "a BadBot/1.0").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-stamp")), (403, "blue"));
    assert_eq!(upstream.requests().len(), 1);

    // In the other order the first never sees what was refused before it.
    let text = std::fs::read_to_string(host.path().join("switchyard.toml")).unwrap();
    crate::configure(&host, &text.replace("'header-stamp', 'deny-agents'", "'deny-agents', 'header-stamp'"));
    let is_other = async || {
        let answer = get(&host, "/up/x", "badbot").await;
        assert_eq!(answer.status, 403);
        answer.header("x-stamp").is_empty().then_some(())
    };
    host.eventually("the order is the other one", is_other).await;
    assert_eq!(get(&host, "/up/x", "somebody").await.header("x-stamp"), "blue");
}

#[tokio::test]
async fn a_route_has_its_own_after_the_gateways() {
    let upstream = Recorder::echo().await;
    let config = "[[route]]\npath = '/guarded/*'\nservice = 'up'\nmiddleware = ['deny-agents']";
    let host = setup(config, &upstream).start().await;
    assert_eq!(get(&host, "/guarded/x", "badbot").await.status, 403);
    assert_eq!(get(&host, "/up/x", "badbot").await.status, 200);
}

/// What guards a door and is not there does not leave it open.
#[tokio::test]
async fn middleware_that_is_missing_or_fails_lets_nothing_through() {
    let upstream = Recorder::echo().await;
    let host = setup("[gateway]\nmiddleware = ['not-there']", &upstream).start().await;
    let answer = get(&host, "/up/x", "somebody").await;
    let problem = answer.json();
    assert_eq!((answer.status.as_u16(), &problem["code"]), (503, &json!("SY1011")), "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().contains("not-there"), "{problem:#}");
    assert!(upstream.bytes().is_empty());
    // The gateway's own always answer.
    assert_eq!(host.get("/health").await.status, 200);
    // It comes, and what it guards is open.
    let text = std::fs::read_to_string(host.path().join("switchyard.toml")).unwrap();
    crate::configure(&host, &text.replace("not-there", "header-stamp"));
    crate::until_answered(&host, "/up/x", 200).await;
    std::fs::remove_file(host.plugin_file("header-stamp")).unwrap();
    crate::until_answered(&host, "/up/x", 503).await;
}

/// A body passes untouched through middleware that does not want it, however long it is.
#[tokio::test]
async fn long_bodies_stream_past() {
    let upstream = Recorder::echo().await;
    let host = setup("[gateway]\nmiddleware = ['header-stamp', 'deny-agents']", &upstream).start().await;
    let body = "x".repeat(1 << 20);
    let answer = host.send(Method::POST, "/up/x", &body).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-stamp")), (200, "switchyard"));
    assert!(answer.text().ends_with(&body));
    assert_eq!(upstream.requests()[0].body.len(), 1 << 20);
}

/// Middleware of `wasi:http` 0.3 stands in the same line as that of records.
#[tokio::test]
async fn both_kinds_stand_in_one_line() {
    let upstream = Recorder::echo().await;
    let config = "[gateway]\nmiddleware = ['header-stamp', 'chain', 'deny-agents']";
    let host = setup(config, &upstream).plugin("chain", "chain").start().await;
    let answer = get(&host, "/up/x", "somebody").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-stamp"), answer.header("x-chain-status")),
        (200, "switchyard", "200")
    );
    assert_eq!(upstream.requests()[0].header("x-chain-seen"), "yes");
    // What one behind it answers passes through it, too.
    let answer = get(&host, "/up/x", "badbot").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-stamp"), answer.header("x-chain-status")),
        (403, "switchyard", "403")
    );
    for (deed, status) in [("answer", 403), ("trap", 503)] {
        let answer = host.client().await.send_with(Method::GET, "/up/x", &[("x-chain", deed)], "").await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("x-stamp")), (status, "switchyard"), "{deed}");
    }
    assert_eq!(upstream.requests().len(), 1);
}
