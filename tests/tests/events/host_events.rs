//! What the host itself tells on the bus.

use serde_json::Value;
use switchyard_tests::{Host, Setup, component_bytes};

/// Waits for an event of this topic about this name, after this sequence; answers it.
async fn told(host: &Host, topic: &str, name: &str, after: u64) -> Value {
    let is = |event: &Value| {
        event["type"] == topic && event["data"]["name"] == name && event["sequence"].as_u64() > Some(after)
    };
    let find = async || host.events(">").await.into_iter().find(is);
    host.eventually(&format!("{topic} of {name} after {after}"), find).await
}

#[tokio::test]
async fn plugins_and_services_come_change_and_go_in_events() {
    let host = Setup::new().start().await;
    host.rename_into_place("hello", &component_bytes("hello"));
    let registered = told(&host, "registry.register", "hello", 0).await;
    let active = told(&host, "plugin.active", "hello", 0).await;
    assert_eq!(registered["data"]["version"], "1.0.0", "{registered:#}");
    assert_eq!(
        (&active["data"]["version"], &active["data"]["digest"]),
        (&"1.0.0".into(), &registered["data"]["digest"])
    );
    for event in [&registered, &active] {
        assert_eq!(event["source"], "/switchyard", "{event:#}");
        assert!(event["id"].is_string() && event["time"].is_string() && event["correlationid"].is_string());
        assert!(event["data"]["digest"].is_string() && !event["data"]["generation"].is_null(), "{event:#}");
    }
    let after = active["sequence"].as_u64().unwrap();
    host.rename_into_place("hello", &component_bytes("hello-next"));
    let replaced = told(&host, "plugin.active", "hello", after).await;
    assert_eq!(replaced["data"]["version"], "2.0.0", "{replaced:#}");
    let after = replaced["sequence"].as_u64().unwrap();
    host.rename_into_place("hello", b"not wasm");
    let failed = told(&host, "plugin.failed", "hello", after).await;
    assert!(!failed["data"]["error"].as_str().unwrap().is_empty(), "{failed:#}");
    std::fs::remove_file(host.plugin_file("hello")).unwrap();
    let removed = told(&host, "plugin.removed", "hello", after).await;
    let gone = told(&host, "registry.deregister", "hello", after).await;
    assert!(removed["sequence"].as_u64().max(gone["sequence"].as_u64()) > Some(after));
}

#[tokio::test]
async fn a_service_whose_health_path_fails_is_told_of() {
    // A path that the probe answers with 404. Three checks have to fail, ten seconds apart.
    let host = Setup::new().probe("health = '/probe/no-such-deed'").start().await;
    let changed = told(&host, "registry.status-change", "probe", 0).await;
    assert_eq!((&changed["source"], &changed["data"]["status"]), (&"/switchyard".into(), &"unhealthy".into()));
    assert!(changed["data"]["previousStatus"].is_string(), "{changed:#}");
    assert!(!changed["data"]["error"].as_str().unwrap().is_empty(), "{changed:#}");
}

#[tokio::test]
async fn plugins_subscribe_to_what_the_host_tells() {
    let side = "subscriptions = [{ topic = 'plugin.*', start = 'first', filter = 'data.name == \"hello\"' }]";
    let host = Setup::new().probe(side).start().await;
    host.rename_into_place("hello", &component_bytes("hello"));
    let delivery = host.until_delivered("probe", 1).await.remove(0);
    assert_eq!((&delivery["topic"], &delivery["source"]), (&"plugin.active".into(), &"/switchyard".into()));
    assert_eq!(delivery["data"]["name"], "hello");
}
