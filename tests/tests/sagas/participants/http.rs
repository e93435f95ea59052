//! Services over HTTP.

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

use super::{of, quickly};

/// The steps that a `probe` was asked for over HTTP, in the order in which they began.
async fn steps(host: &Host) -> Vec<Value> {
    let mut steps = host.get("/probe/steps").await.json()["items"].as_array().unwrap().clone();
    steps.sort_by_key(|step| step["at"].as_u64());
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_service_sees_the_key_and_its_status_says_what_was_done() {
    let post = |extra: Value| {
        let mut step = json!({"command": "http.do", "compensation": "http.undo", "via": "http", "service": "probe",
            "path": "/step", "compensationPath": "/undo", "retry": quickly(3), "compensationRetry": quickly(3)});
        step.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        step
    };
    let last = json!({"command": "last", "irreversible": true, "retry": quickly(1)});
    let definition = json!({"name": "posts", "steps": [post(json!({"data": {"n": 1}})), last]});
    let missing = json!({"name": "missing", "steps": [post(json!({"service": "nobody", "timeout": "200ms"}))]});
    let host = Setup::new().sagas("probe", &[definition, missing], "commands = ['last']").plugin("probe", "probe");
    let host = host.start().await;

    let http = json!({"step": {"result": {"receipt": 7}}});
    host.start_saga("posts", "plain", json!({"http": http})).await;
    assert_eq!(host.until_saga("plain", "completed").await["data"]["receipt"], 7);
    let step = steps(&host).await.remove(0);
    for (name, value) in [
        ("method", "POST"),
        ("path", "/step"),
        ("idempotencyKey", "plain/0/forward/1"),
        ("sagaId", "plain"),
        ("stepIndex", "0"),
        ("direction", "forward"),
        ("contentType", "application/json"),
    ] {
        assert_eq!(step[name], value, "{name}: {step:#}");
    }
    assert_eq!(step["payload"], json!({"sagaId": "plain", "stepIndex": 0, "n": 1, "http": http}));

    // 429 and a trap are tried again under the same key; what was rejected did nothing, what broke may have.
    for (id, deed, came, end, undone) in [
        ("busy", json!({"do": "fail-times", "times": 2}), 3, "completed", false),
        ("breaks", json!({"do": "trap-times", "times": 2}), 3, "completed", false),
        ("rejects", json!({"do": "reject", "text": "no credit"}), 1, "failed", false),
        ("gone", json!({"status": 404}), 1, "failed", false),
        ("broken", json!({"status": 500}), 3, "failed", true),
        ("traps", json!({"do": "trap"}), 3, "failed", true),
    ] {
        host.start_saga("posts", id, json!({"http": {"step": deed}})).await;
        host.until_saga(id, end).await;
        let steps = steps(&host).await;
        let directions = of(&steps, id, "direction");
        let way = [vec!["forward"; came], if undone { vec!["compensation"] } else { vec![] }].concat();
        assert_eq!(directions, way, "{id}");
        assert_eq!(of(&steps, id, "idempotencyKey")[..came], vec![format!("{id}/0/forward/1"); came]);
    }
    assert!(host.saga("rejects").await["error"].as_str().unwrap().contains("no credit"));

    let data = json!({"http": {"step": {"result": {"n": 5}}, "undo": {"do": "fail-times"}}, "do": "reject"});
    host.start_saga("posts", "undone", data).await;
    host.until_saga("undone", "failed").await;
    let steps = steps(&host).await;
    assert_eq!(of(&steps, "undone", "path"), ["/step", "/undo", "/undo"]);
    let undo = steps.last().unwrap();
    let members = [&undo["idempotencyKey"], &undo["payload"]["originalResult"], &undo["payload"]["originalStepIndex"]];
    assert_eq!(members, [&json!("undone/0/compensation/1"), &json!({"n": 5}), &json!(0)], "{undo:#}");

    host.start_saga("missing", "nobody", json!({})).await;
    let saga = host.until_saga("nobody", "failed").await;
    assert!(saga["error"].as_str().unwrap().contains("there is no service 'nobody'"), "{saga:#}");
    assert_eq!((&saga["steps"][0]["attempts"], &saga["steps"][0]["status"]), (&json!(3), &json!("failed")), "{saga:#}");
}
