//! Shares of versions: what is refused, and what is shown of a service that has versions.

use std::collections::BTreeMap;

use serde_json::json;
use switchyard_core::{
    manifest::Manifest,
    route::action::Part,
    upstream::{Registration, Source},
};
use switchyard_dispatch::{Instance, Service, Snapshot, Stats, Traffic};

use super::*;

const PATH: &str = "/api/v1/services/users/traffic";

fn instance(port: u16) -> Arc<Instance> {
    let registration = Registration::of("users".parse().expect("a name"), format!("10.0.0.1:{port}"));
    Instance::of_upstream(Arc::new(registration.check(Source::Config).expect("it is right"))).expect("it can be called")
}

/// Has the service be live, with so many versions.
fn publish(api: &Api, versions: u16) {
    let manifest = |number: u16| {
        let version = Some(semver::Version::new(number.into(), 0, 0));
        Arc::new(Manifest::of_file("users".parse().expect("a name"), version))
    };
    let service = Service::of_plugin(manifest(1), instance(1));
    let versions: Vec<_> = (1..=versions)
        .map(|number| {
            let instance = if number == 1 { service.local.clone().expect("it is there") } else { instance(number) };
            Arc::new(service.version(manifest(number), instance, Arc::new(Stats::default())))
        })
        .collect();
    let parts = versions.iter().map(|version| Part { service: Arc::clone(version), weight: 1 }).collect();
    let traffic = Traffic::new(parts, None).ok().map(Arc::new);
    let service = service.with_versions(versions, traffic);
    let services = BTreeMap::from([(service.name().clone(), Arc::new(service))]);
    api.sources.dispatcher.publish(Snapshot { services, ..Snapshot::default() });
}

async fn put(api: &Api, body: Value) -> Answered {
    api.ask(Method::PUT, PATH, "application/json", &body.to_string()).await
}

#[tokio::test]
async fn versions_are_shown_with_their_shares_and_what_was_counted() {
    let api = Api::new();
    publish(&api, 2);
    let snapshot = api.sources.dispatcher.snapshot();
    let users = &snapshot.services[&"users".parse().expect("a name")];
    [200, 500].iter().for_each(|status| users.versions[1].stats.record(*status, Duration::from_millis(1)));
    let shown = api.get(PATH).await.expect(200);
    let versions = shown["versions"].as_array().expect("a list");
    assert_eq!(versions.iter().map(|version| &version["share"]).collect::<Vec<_>>(), [50.0, 50.0]);
    assert_eq!((&versions[0]["main"], &versions[1]["main"]), (&json!(true), &json!(false)));
    let second = &versions[1];
    assert_eq!(
        (&second["version"], &second["failures"], &second["weight"]),
        (&json!("2.0.0"), &json!(1), &Value::Null)
    );
    assert_eq!(second["metrics"]["requestCount"], 2);
    assert_eq!((&shown["rollout"], &shown["mirror"], &shown["changedAt"]), (&Value::Null, &Value::Null, &Value::Null));
}

#[tokio::test]
async fn what_does_not_hold_is_refused() {
    let api = Api::new();
    let share = json!({"versions": [{"version": "2.0.0", "weight": 1}]});
    put(&api, share.clone()).await.expect_problem(404, "SY3001", "there is no service users");
    publish(&api, 0);
    put(&api, share.clone()).await.expect_problem(409, "SY3003", "so it has no versions here");
    publish(&api, 1);
    put(&api, share).await.expect_problem(409, "SY3003", "has no version 2.0.0; there are: 1.0.0.");
    put(&api, json!({})).await.expect_problem(400, "SY1003", "the member 'versions': name versions");
    put(&api, json!({"shares": []})).await.expect_problem(400, "SY1003", "unknown field `shares`");
    api.delete(PATH).await.expect(204);
    api.delete("/api/v1/services/nobody/traffic").await.expect_problem(404, "SY3001", "there is no service nobody");
}
