//! user-service, over HTTP, as a client of the gateway sees it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{collections::BTreeSet, time::Duration};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

async fn host() -> Host {
    Setup::new().plugin("user-service", "user-service").start().await
}

async fn create(host: &Host, name: &str) -> Value {
    let body = json!({ "name": name, "email": format!("{name}@example.com") });
    let answer = host.send(Method::POST, "/api/users", &body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_user_can_be_created_read_changed_and_deleted() {
    let host = host().await;
    let user = create(&host, "ann").await;
    let path = format!("/api/users/{}", user["id"].as_str().unwrap());
    assert_eq!(user["name"], "ann");
    assert!(user["createdAt"].is_string());
    assert_eq!(host.get(&path).await.json(), user);

    let changed = host.send(Method::PUT, &path, r#"{"name":"Anna","id":"other","createdAt":"never"}"#).await;
    assert_eq!(changed.status, 200);
    let changed = changed.json();
    assert_eq!((&changed["name"], &changed["email"]), (&json!("Anna"), &user["email"]));
    assert_eq!((&changed["id"], &changed["createdAt"]), (&user["id"], &user["createdAt"]));
    assert!(changed["updatedAt"].is_string());

    let deleted = host.send(Method::DELETE, &path, "").await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let gone = host.send(method, &path, r#"{"name":"x"}"#).await;
        assert_eq!((gone.status.as_u16(), &gone.json()["error"]), (404, &json!("User not found")));
    }
}

#[tokio::test]
async fn the_list_is_a_bare_array_oldest_first() {
    let host = host().await;
    assert_eq!(host.get("/api/users").await.json(), json!([]));
    let mut created = Vec::new();
    for name in ["ann", "bob", "cyd"] {
        created.push(create(&host, name).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(host.get("/api/users").await.json(), Value::Array(created));
}

#[tokio::test]
async fn what_is_no_user_is_refused_with_the_reason() {
    let host = host().await;
    let required = "Name and email are required";
    for (body, error) in [
        ("", required),
        ("{}", required),
        (r#"{"name":"ann"}"#, required),
        (r#"{"name":"","email":"a@b"}"#, required),
        ("{", "Invalid JSON"),
        ("nonsense", "Invalid JSON"),
    ] {
        let answer = host.send(Method::POST, "/api/users", body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!(error)), "{body}");
    }
    for body in ["null", "[]"] {
        assert_eq!(host.send(Method::POST, "/api/users", body).await.status, 400, "{body}");
    }
    for id in ["1", "nobody", "01234567-89ab-7def-8123-456789abcdef", "%2e", "a%2fb"] {
        let answer = host.get(&format!("/api/users/{id}")).await;
        assert_eq!(answer.status, if id == "%2e" { 400 } else { 404 }, "{id}");
    }
}

#[tokio::test]
async fn ids_are_unique_under_concurrent_creates() {
    const CLIENTS: usize = 16;
    const EACH: usize = 25;
    let host = host().await;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let mut connection = host.client().await;
        tasks.spawn(async move {
            let mut ids = Vec::new();
            for n in 0..EACH {
                let body = json!({ "name": format!("user {client} {n}"), "email": "x@example.com" }).to_string();
                let answer = connection.post("/api/users", body).await.unwrap();
                assert_eq!(answer.status, 201, "{}", answer.text());
                ids.push(answer.json()["id"].as_str().unwrap().to_owned());
            }
            ids
        });
    }
    let ids: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), CLIENTS * EACH);
    let listed = host.get("/api/users").await.json();
    assert_eq!(listed.as_array().unwrap().len(), CLIENTS * EACH);
}

#[tokio::test]
async fn a_user_that_was_answered_survives_a_kill() {
    let mut setup = Setup::new().plugin("user-service", "user-service");
    let mut users = Vec::new();
    for round in 0..5 {
        let host = setup.start().await;
        for user in &users {
            let user: &Value = user;
            assert_eq!(&host.get(&format!("/api/users/{}", user["id"].as_str().unwrap())).await.json(), user);
        }
        users.push(create(&host, &format!("user{round}")).await);
        setup = host.kill();
    }
}

#[tokio::test]
async fn users_survive_an_orderly_restart_and_a_new_version() {
    let host = host().await;
    let user = create(&host, "ann").await;
    let path = format!("/api/users/{}", user["id"].as_str().unwrap());
    host.rename_into_place("user-service", &switchyard_tests::component_bytes("user-service-next"));
    host.until("user-service", "replaced", |plugin| plugin["version"] == "0.2.0").await;
    assert_eq!(host.get(&path).await.json(), user);
    let (setup, status) = host.stop();
    assert_eq!(status.code(), Some(0));
    let host = setup.start().await;
    assert_eq!(host.get(&path).await.json(), user);
}
