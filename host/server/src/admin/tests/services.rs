//! Upstreams over HTTP: registered, shown, kept alive, deregistered.

use std::collections::BTreeMap;

use serde_json::json;
use switchyard_core::{
    health::CheckStatus,
    upstream::{Registration, Source},
};
use switchyard_dispatch::{Instance, Service, Snapshot};

use super::*;

const PATH: &str = "/api/v1/services";

/// An instance of a service, at a port of 10.0.0.1.
fn instance(service: &str, port: u16, tags: &[&str]) -> Arc<Instance> {
    let registration = Registration {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        health: Some("/healthz".to_owned()),
        ..Registration::of(service.parse().expect("a name"), format!("10.0.0.1:{port}"))
    };
    Instance::of_upstream(Arc::new(registration.check(Source::Config).expect("it is right"))).expect("it can be called")
}

fn publish(api: &Api, services: Vec<Vec<Arc<Instance>>>) {
    let services = services.into_iter().filter_map(Service::of_upstreams);
    let services: BTreeMap<_, _> = services.map(|service| (service.name().clone(), Arc::new(service))).collect();
    api.sources.dispatcher.publish(Snapshot { services, ..Snapshot::default() });
}

/// The ids of the instances that an answer shows.
fn ids(service: &Value) -> Vec<&str> {
    service["instances"].as_array().expect("a list").iter().filter_map(|instance| instance["id"].as_str()).collect()
}

#[tokio::test]
async fn an_upstream_is_registered_replaced_kept_alive_and_deregistered() {
    let api = Api::new();
    let users = json!({"name": "users", "address": "10.0.0.7", "port": 8080, "health": "/healthz", "tags": ["blue"],
                       "metadata": {"zone": "a"}, "version": "1.2.3", "ttl": "30s"});
    let made = api.post(PATH, &users.to_string()).await.expect(201);
    let id = "users-10.0.0.7-8080";
    assert_eq!((&made["id"], &made["address"]), (&json!(id), &json!("http://10.0.0.7:8080")));
    assert_eq!((&made["ttl"], &made["version"], &made["weight"]), (&json!("30s"), &json!("1.2.3"), &json!(1)));
    assert!(made["registeredAt"].is_string() && made["lastHeartbeat"].is_string(), "{made:#}");
    let again = api.post(PATH, &users.to_string()).await.expect(200);
    assert_eq!(again["registeredAt"], made["registeredAt"]);

    let beat = api.ask(Method::PUT, &format!("{PATH}/{id}/heartbeat"), "", "").await.expect(200);
    assert!(beat["lastHeartbeat"].as_str() >= made["lastHeartbeat"].as_str(), "{beat:#}");
    api.delete(&format!("{PATH}/{id}")).await.expect(204);
    api.delete(&format!("{PATH}/{id}")).await.expect_problem(404, "SY3001", "there is no upstream users-10.0.0.7-8080");
    let beat = api.ask(Method::PUT, &format!("{PATH}/{id}/heartbeat"), "", "").await;
    beat.expect_problem(404, "SY3001", "there is no upstream");
}

#[tokio::test]
async fn what_is_wrong_names_the_member_and_the_remedy() {
    let api = Api::new();
    for (body, detail) in [
        (json!({"name": "a"}), "missing field `address`"),
        (json!({"name": "A", "address": "h:1"}), "the member 'name': 'A' is not a service name"),
        (json!({"name": "a", "address": "h:1", "url": "x"}), "unknown field `url`"),
        (json!({"name": "a", "address": "h"}), "address: 'h' has no port"),
        (json!({"name": "a", "address": "h:1", "weight": 0}), "weight: 0 is not from 1 to 1000"),
        (json!({"name": "a", "address": "h:1", "ttl": "1s"}), "ttl: it must be from 10s to 1d"),
        (json!({"name": "a", "address": "h:1", "tls": {"serverName": "b"}}), "tls: the address is called without TLS"),
    ] {
        api.post(PATH, &body.to_string()).await.expect_problem(400, "SY1003", detail);
    }
    for (method, path, allow) in [
        (Method::PUT, PATH.to_owned(), "GET, HEAD, POST"),
        (Method::POST, format!("{PATH}/a"), "GET, HEAD, DELETE"),
        (Method::GET, format!("{PATH}/a/heartbeat"), "PUT"),
    ] {
        let answered = api.ask(method, &path, "", "").await;
        answered.expect_problem(405, "SY1002", "");
        assert_eq!(answered.headers["allow"], allow);
    }
    api.get(&format!("{PATH}?all=yes")).await.expect_problem(400, "SY1003", "all is 'yes', neither true nor false");
}

#[tokio::test]
async fn what_the_configuration_registers_is_left_to_it() {
    let mut api = Api::new();
    let upstream = Registration::of("users".parse().expect("a name"), "10.0.0.1:1").check(Source::Config);
    let config = Config { upstreams: vec![Arc::new(upstream.expect("it is right"))], ..Config::default() };
    api.sources.config = tokio::sync::watch::channel(Arc::new(config)).1;
    let id = "users-10.0.0.1-1";
    let same = api.post(PATH, r#"{"name": "users", "address": "10.0.0.1:1"}"#).await;
    same.expect_problem(409, "SY3003", "the configuration registers an upstream with the id 'users-10.0.0.1-1'");
    api.delete(&format!("{PATH}/{id}")).await.expect_problem(409, "SY3003", "remove it there");
    let beat = api.ask(Method::PUT, &format!("{PATH}/{id}/heartbeat"), "", "").await;
    beat.expect_problem(409, "SY3003", "needs no heartbeat");
}

#[tokio::test]
async fn instances_are_shown_by_health_and_tags() {
    let api = Api::new();
    let (well, ill) = (instance("users", 1, &["a", "b"]), instance("users", 2, &["a"]));
    well.set_health(CheckStatus::Healthy);
    ill.set_health(CheckStatus::Unhealthy);
    publish(&api, vec![vec![ill, well], vec![instance("orders", 3, &["b"])]]);

    let users = api.get(&format!("{PATH}/users")).await.expect(200);
    assert_eq!((ids(&users), &users["status"]), (vec!["users-10.0.0.1-1"], &json!("healthy")));
    let shown = &users["instances"][0];
    assert_eq!(
        (&shown["source"], &shown["address"], &shown["port"]),
        (&json!("config"), &json!("10.0.0.1"), &json!(1))
    );
    assert_eq!(
        (&shown["scheme"], &shown["status"], &shown["inFlight"]),
        (&json!("http"), &json!("healthy"), &json!(0))
    );
    let members = ["requestCount", "errorCount", "errorRate", "averageResponseTime", "p50", "p95", "p99"];
    assert!(members.iter().all(|member| users["metrics"][member].is_number()), "{users:#}");
    let users = api.get(&format!("{PATH}/users?all=true")).await.expect(200);
    assert_eq!(ids(&users), ["users-10.0.0.1-2", "users-10.0.0.1-1"]);

    for (query, found) in [
        ("tag=a", vec![("users", 1)]),
        ("tag=b", vec![("orders", 1), ("users", 1)]),
        ("tag=a&tag=b", vec![("users", 1)]),
        ("tag=a&all=true", vec![("users", 2)]),
        ("tag=c", vec![]),
        ("name=orders", vec![("orders", 1)]),
    ] {
        let list = api.get(&format!("{PATH}?{query}")).await.expect(200);
        let services = list["items"].as_array().expect("a list");
        let shown: Vec<_> =
            services.iter().map(|item| (item["name"].as_str().unwrap_or(""), ids(item).len())).collect();
        assert_eq!(shown, found, "{query}");
    }
}
