//! Breakers over HTTP, of services whose code is missing: every call of them fails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use switchyard_core::{
    breaker::Config,
    describe::{Description, Needs, Role, Track},
    manifest::Manifest,
    name::{Digest, Generation},
};
use switchyard_dispatch::{
    Body, BreakerMode, BreakerPolicy, BreakerSettings, CallContext, CallError, Instance, Service, Snapshot,
};
use switchyard_runtime::{PluginSpec, Runtime};

use super::*;
use crate::ports::Nothing;

const PATH: &str = "/api/v1/breakers";

/// An admin API, and services to come.
struct Breakers {
    api: Api,
    runtime: Runtime,
}

// === impl Breakers ===

impl Breakers {
    fn new() -> Self {
        let api = Api::new();
        let options = switchyard_runtime::Options {
            cache_dir: api.folder.path().join("cache"),
            compiler: "nothing is compiled here".into(),
            winch: true,
            pool_max: Some(1),
            compiles_max: Some(1),
        };
        let runtime = Runtime::new(options, Nothing::ports()).expect("a runtime");
        Self { api, runtime }
    }

    /// Makes these generations what is live.
    fn publish(&self, services: &[(&str, u64)]) {
        let services = services.iter().map(|(name, generation)| self.service(name, *generation));
        let services: BTreeMap<_, _> = services.map(|service| (service.name().clone(), service)).collect();
        self.api.sources.dispatcher.publish(Snapshot { services, ..Snapshot::default() });
    }

    fn service(&self, name: &str, generation: u64) -> Arc<Service> {
        let manifest = Manifest::of_file(name.parse().expect("a name"), None);
        let description = Description {
            roles: BTreeSet::from([Role::HttpHandler]),
            track: Track::P2,
            imports: Vec::new(),
            exports: Vec::new(),
            manifest: None,
            debug_build: false,
            needs: Needs::default(),
        };
        let plugin = self.runtime.plugin(PluginSpec {
            service: manifest.name.clone(),
            generation: Generation(generation),
            digest: Digest::of(b""),
            description: Arc::new(description),
            settings: switchyard_runtime::settings::Settings::default(),
        });
        let plugin = plugin.expect("it was promised nothing");
        Arc::new(Service::of_plugin(Arc::new(manifest), Instance::new(plugin)))
    }

    async fn call(&self, name: &str) -> CallError {
        let context = CallContext {
            request_id: "r".into(),
            traceparent: None,
            ancestors: Arc::from([]),
            deadline: tokio::time::Instant::now() + Duration::from_secs(60),
            body_max: 0,
            show_backtrace: false,
            cause: None,
            handled: None,
        };
        let dispatcher = &self.api.sources.dispatcher;
        let service = dispatcher.snapshot().services[&name.parse().expect("a name")].clone();
        dispatcher.call(&service, context, Request::new(Body::empty())).await.expect_err("it has no code")
    }

    async fn is_refused(&self, name: &str) -> bool {
        matches!(self.call(name).await, CallError::BreakerOpen { .. })
    }

    /// Calls until the breaker has opened.
    async fn fail(&self, name: &str) {
        for _ in 0..5 {
            assert!(!self.is_refused(name).await);
        }
        assert_eq!(self.state(name).await, "open");
    }

    async fn act(&self, id: &str, action: &str) -> Value {
        self.api.post(&format!("{PATH}/{id}/{action}"), "").await.expect(200)
    }

    async fn of(&self, name: &str) -> Value {
        let list = self.api.get(PATH).await.expect(200);
        let items = list["items"].as_array().expect("a list");
        items.iter().find(|item| item["service"] == name).cloned().unwrap_or_default()
    }

    async fn state(&self, name: &str) -> Value {
        self.of(name).await["state"].clone()
    }

    async fn status(&self, name: &str) -> Value {
        self.api.get(&format!("/api/v1/services/{name}")).await.expect(200)["status"].clone()
    }
}

#[tokio::test]
async fn five_failures_open_the_breaker_of_one_service_only() {
    let breakers = Breakers::new();
    breakers.publish(&[("users", 3), ("orders", 4)]);
    breakers.fail("users").await;
    assert!(breakers.is_refused("users").await && !breakers.is_refused("orders").await);
    let mut users = breakers.of("users").await;
    let next = users["nextAttempt"].take();
    assert!(next.as_str().is_some_and(|next| next.ends_with('Z')), "{next}");
    let metrics = |requests, failures, rejected| json!({"requests": requests, "failures": failures, "successes": 0, "timeouts": 0, "rejected": rejected});
    let expected = json!({
        "id": "users-3", "service": "users", "instance": "users-3", "state": "open", "failureCount": 5,
        "nextAttempt": null, "metrics": metrics(6, 5, 1),
    });
    assert_eq!(users, expected);
    let expected = json!({
        "id": "orders-4", "service": "orders", "instance": "orders-4", "state": "closed", "failureCount": 1,
        "nextAttempt": null, "metrics": metrics(1, 1, 0),
    });
    assert_eq!(breakers.of("orders").await, expected);
    assert_eq!(
        (breakers.status("users").await, breakers.status("orders").await),
        ("unhealthy".into(), "healthy".into())
    );
    let page = breakers.api.get(&format!("{PATH}?limit=1")).await.expect(200);
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!("orders-4"), &json!("orders-4")));
}

#[tokio::test]
async fn a_new_generation_has_a_breaker_of_its_own_and_what_is_forced_stays() {
    let breakers = Breakers::new();
    breakers.publish(&[("users", 1)]);
    breakers.fail("users").await;
    breakers.publish(&[("users", 2)]);
    assert!(!breakers.is_refused("users").await);
    assert_eq!(breakers.of("users").await["id"], "users-2");

    assert_eq!(breakers.act("users-2", "open").await["state"], "forced-open");
    breakers.publish(&[("users", 3)]);
    assert!(breakers.is_refused("users").await);
    assert_eq!(
        (breakers.state("users").await, breakers.status("users").await),
        ("forced-open".into(), "unhealthy".into())
    );
    for (action, state) in [("close", "forced-closed"), ("measure", "measuring")] {
        assert_eq!(breakers.act("users", action).await["state"], state);
        for _ in 0..10 {
            assert!(!breakers.is_refused("users").await, "{state}");
        }
        assert_eq!(breakers.state("users").await, state);
    }
    assert_eq!(breakers.act("users-3", "reset").await["state"], "closed");
    breakers.publish(&[("users", 4)]);
    breakers.fail("users").await;
    assert_eq!(breakers.act("users-4", "reset").await["failureCount"], 0);
    assert!(!breakers.is_refused("users").await);
}

#[tokio::test]
async fn the_configuration_holds_for_what_is_live_and_for_what_comes() {
    let breakers = Breakers::new();
    let dispatcher = &breakers.api.sources.dispatcher;
    breakers.publish(&[("users", 1), ("orders", 2)]);
    breakers.fail("users").await;
    let patient =
        BreakerSettings { config: Config { consecutive_failures: 7, ..Config::default() }, ..Default::default() };
    let measured = BreakerSettings { mode: BreakerMode::Measure, ..Default::default() };
    let services = BTreeMap::from([("orders".parse().expect("a name"), measured)]);
    dispatcher.set_breaker_policy(BreakerPolicy { default: patient, services });
    assert!(breakers.is_refused("users").await, "it has lost its state");
    assert_eq!(breakers.state("orders").await, "measuring");
    breakers.act("orders", "open").await;
    assert_eq!(breakers.act("orders", "reset").await["state"], "measuring");
    breakers.publish(&[("users", 3), ("orders", 4)]);
    for _ in 0..7 {
        assert!(!breakers.is_refused("users").await);
        assert!(!breakers.is_refused("orders").await);
    }
    assert!(breakers.is_refused("users").await && !breakers.is_refused("orders").await);
    dispatcher.set_breaker_policy(BreakerPolicy::default());
    assert_eq!(breakers.state("orders").await, "closed");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let breakers = Breakers::new();
    breakers.publish(&[("users", 1)]);
    let api = &breakers.api;
    api.post(&format!("{PATH}/users-2/open"), "").await.expect_problem(404, "SY3001", "there is no breaker users-2");
    api.post(&format!("{PATH}/users-1/shut"), "").await.expect_problem(404, "SY3001", "no such path");
    api.get(&format!("{PATH}/users-1/open")).await.expect_problem(405, "SY1002", "use POST");
    api.post(PATH, "").await.expect_problem(405, "SY1002", "use GET");
    api.get(&format!("{PATH}?limit=0")).await.expect_problem(400, "SY1003", "limit");
}
