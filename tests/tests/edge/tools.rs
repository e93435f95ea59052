//! What tools of others find: schemathesis in the admin API, h2load and wrk under load, clients of HTTP/2 in Python.
//!
//! `tests/tools/prepare` takes them from their registries into `target/tools`. Where that cannot be, the test says so in
//! one line, and shows nothing.

use std::{path::Path, process::Command};

use http::Method;
use serde_json::json;
use switchyard_tests::{Host, Recorder, Setup, bus::event, root, tool};

/// A host with an upstream behind `/up/*`, and a plugin.
async fn start() -> (Recorder, Host) {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let setup = Setup::new().plugin("hello", "hello").config(&format!("{}{route}", upstream.upstream("up")));
    (upstream, setup.start().await)
}

/// Runs a program to its end beside the host, and answers what it printed.
async fn run(mut command: Command) -> (bool, String) {
    let ended = tokio::task::spawn_blocking(move || command.output().expect("the program is there"));
    let output = ended.await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_nothing_in_the_admin_api() {
    let Some(python) = tool("python") else { return };
    let upstream = Recorder::echo().await;
    let setup = Setup::new().plugin("user-service", "user-service").plugin("order-service", "order-service");
    let host = setup.config(&upstream.upstream("up")).start().await;
    // Something of each kind, so that lists have items.
    host.publish(event("order.created", "1", json!({"id": 1}))).await;
    host.enqueue("emails", json!({"data": {"to": "a"}})).await;
    let mine = json!({"name": "mine", "topic": "order.*", "url": "http://127.0.0.1:9/hook"});
    assert_eq!(host.ask(Method::POST, "/api/v1/subscriptions", &mine).await.status, 201);
    let url = format!("http://{}", host.admin);
    let mut schemathesis = command(&python.join("bin/schemathesis"), &[]);
    schemathesis
        .args(["--no-color", "--config-file", root().join("tests/tools/schemathesis.toml").to_str().unwrap(), "run"])
        .arg(format!("{url}/openapi.json"))
        // Streams without an end are another test's.
        .args(["--url", &url, "--exclude-path", "/api/v1/watch", "--exclude-path", "/api/v1/logs"])
        .args(["--max-examples", "25", "--seed", "1", "--continue-on-failure"])
        .args(["--request-timeout", "60", "--generation-database", "none", "--warnings", "off"])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", root().join("tests/tools"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(host.path());
    let (is_clean, text) = run(schemathesis).await;
    assert!(is_clean, "{text}\n{}", host.log());
    assert!(text.contains("No issues found"), "{text}");
    assert_eq!(host.admin("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h2load_finishes_without_errors() {
    let Some(h2load) = tool("h2load") else { return };
    let (_upstream, host) = start().await;
    for path in ["/hello/", "/up/x"] {
        for protocol in ["--h1", "--no-tls-proto=h2c"] {
            let url = format!("http://{}{path}", host.gateway);
            let (_, text) =
                run(command(&h2load.join("run"), &["-n", "4000", "-c", "20", "-m", "10", protocol, &url])).await;
            let requests = "4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout";
            assert!(text.contains(requests) && text.contains("4000 2xx"), "{protocol} {path}:\n{text}\n{}", host.log());
        }
    }
    // A body of 100 KB up, through a window that is smaller.
    let body = host.path().join("body");
    std::fs::write(&body, vec![b'x'; 100_000]).unwrap();
    let url = format!("http://{}/up/x", host.gateway);
    let data = body.to_str().unwrap();
    let (_, text) = run(command(&h2load.join("run"), &["-n", "300", "-c", "5", "-m", "10", "-d", data, &url])).await;
    assert!(text.contains("300 succeeded, 0 failed") && text.contains("300 2xx"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrk_finishes_without_errors() {
    let Some(wrk) = tool("wrk") else { return };
    let (_upstream, host) = start().await;
    for path in ["/hello/", "/up/x"] {
        let url = format!("http://{}{path}", host.gateway);
        let (is_done, text) = run(command(&wrk.join("run"), &["-c", "50", "-t", "2", "-d", "3s", &url])).await;
        assert!(is_done && text.contains("Requests/sec"), "{text}");
        assert!(!text.contains("Socket errors") && !text.contains("Non-2xx"), "{path}:\n{text}");
    }
}

/// HTTP/2 by httpx and by the Python library h2, which have nothing in common with what the host is made of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_in_python_speak_http_2() {
    let Some(python) = tool("python") else { return };
    let (upstream, host) = start().await;
    let script = root().join("tests/tools/http2.py");
    let address = host.gateway.to_string();
    let (is_right, text) = run(command(&python.join("bin/python"), &[script.to_str().unwrap(), &address])).await;
    assert!(is_right, "{text}\n{}", host.log());
    let seen = String::from_utf8_lossy(&upstream.bytes()).into_owned();
    assert!(!seen.contains("smuggled"), "{seen}");
}
