//! What happens to a rollout when something else happens meanwhile.

use std::fs;

use serde_json::Value;
use switchyard_tests::{Host, Setup};

use crate::{
    fickle::{Ways, fickle},
    load::Load,
    progressive::{STEADY, host, until_share},
};

async fn replaced(host: &Host, version: &str) {
    let is = |plugin: &Value| plugin["version"] == version && plugin["rollout"].is_null() && plugin["error"].is_null();
    host.until("fickle", &format!("all of {version}"), is).await;
    let mut client = host.client().await;
    for _ in 0..20 {
        assert_eq!(client.get("/fickle/").await.unwrap().text(), version);
    }
}

#[tokio::test]
async fn a_newer_version_takes_the_place_of_the_one_under_way_and_what_served_replaces_at_once() {
    let host = host("careful", Ways::default()).await;
    host.copy("fickle", &fickle("2.0.0", Ways::default()));
    until_share(&host, 1).await;
    host.copy("fickle", b"not wasm at all");
    let plugin = host.until("fickle", "reported as broken", |plugin| plugin["error"].is_string()).await;
    assert_eq!((&plugin["version"], &plugin["rollout"]["version"]), (&"1.0.0".into(), &"2.0.0".into()), "{plugin:#}");
    host.copy("fickle", &fickle("3.0.0", Ways::default()));
    let plugin = host.until("fickle", "at 3.0.0", |plugin| plugin["rollout"]["version"] == "3.0.0").await;
    assert_eq!((&plugin["version"], &plugin["error"]), (&"1.0.0".into(), &Value::Null), "{plugin:#}");
    // A rollback by hand.
    host.copy("fickle", &fickle("1.0.0", Ways::default()));
    replaced(&host, "1.0.0").await;
    let plugin = host.plugin("fickle").await;
    assert!(plugin["rolledBack"].is_null(), "nobody has compared it: {plugin:#}");
}

#[tokio::test]
async fn a_configuration_that_is_off_ends_it_and_one_with_other_settings_begins_it_anew() {
    let host = host("careful", Ways::default()).await;
    let config = |text: &str| fs::write(host.path().join("switchyard.toml"), text).unwrap();
    host.copy("fickle", &fickle("2.0.0", Ways::default()));
    let first = until_share(&host, 1).await["rollout"]["generation"].as_u64();
    config("[plugins]\nreload = 'careful'\n[services.fickle]\nmemory-max = '64MiB'\n");
    let is_anew = |plugin: &Value| {
        let rollout = &plugin["rollout"];
        rollout["percent"] == 1 && rollout["generation"].as_u64() > first && plugin["generation"].as_u64() > Some(1)
    };
    let plugin = host.until("fickle", "begun anew", is_anew).await;
    assert_eq!((&plugin["version"], &plugin["rollout"]["version"]), (&"1.0.0".into(), &"2.0.0".into()), "{plugin:#}");
    config("[plugins]\nreload = 'careful'\n[services.fickle]\nmemory-max = '64MiB'\nreload = 'off'\n");
    replaced(&host, "2.0.0").await;
}

#[tokio::test]
async fn it_ends_with_the_file() {
    let host = host("careful", Ways::default()).await;
    host.copy("fickle", &fickle("2.0.0", Ways::default()));
    until_share(&host, 1).await;
    fs::remove_file(host.plugin_file("fickle")).unwrap();
    host.until("fickle", "gone", Value::is_null).await;
    assert_eq!(host.get("/fickle/").await.status, 404);
    host.copy("fickle", &fickle("2.0.0", Ways::default()));
    replaced(&host, "2.0.0").await;
}

#[tokio::test]
async fn a_host_that_stops_meanwhile_begins_with_the_old_version_and_tries_the_new_one_again() {
    let host = host("careful", Ways::default()).await;
    host.copy("fickle", &fickle("2.0.0", Ways::default()));
    until_share(&host, 1).await;
    let host = host.kill().start().await;
    let plugin = until_share(&host, 1).await;
    assert_eq!((&plugin["version"], &plugin["rollout"]["version"]), (&"1.0.0".into(), &"2.0.0".into()), "{plugin:#}");
    let (setup, status) = host.stop();
    assert!(status.success());
    // The artifact that was good last is lost: what is in the folder serves.
    let good = fs::read_to_string(setup.path().join("data/good.json")).unwrap();
    let digest = plugin["digest"].as_str().unwrap();
    assert!(good.contains(digest));
    fs::write(setup.path().join(format!("data/artifacts/{digest}.wasm")), "lost").unwrap();
    fs::remove_dir_all(setup.path().join("data/cache")).unwrap();
    let host = setup.start().await;
    replaced(&host, "2.0.0").await;
}

#[tokio::test]
async fn what_has_no_share_of_calls_is_replaced_at_once() {
    let host = host("careful", Ways::default()).await;
    host.copy("fickle@2.0.0", &fickle("2.0.0", Ways::default()));
    host.until("fickle@2.0.0", "staged", |plugin| plugin["staged"] == true).await;
    host.copy("fickle@2.0.0", &fickle("2.1.0", Ways::default()));
    let plugin = host.until("fickle@2.0.0", "replaced", |plugin| plugin["version"] == "2.1.0").await;
    assert!(plugin["rollout"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_staged_version_with_a_share_proves_itself_within_it() {
    let setup = Setup::new().config("[services.fickle]\nreload = 'quick'\n");
    fs::write(setup.plugins().join("fickle.wasm"), fickle("1.0.0", STEADY)).unwrap();
    fs::write(setup.plugins().join("fickle@2.0.0.wasm"), fickle("2.0.0", STEADY)).unwrap();
    let host = setup.start().await;
    let (code, text) = host.tell(&["traffic", "fickle", "1.0.0=1", "2.0.0=1"]);
    assert_eq!(code, Some(0), "{text}");
    let mut load = Load::begin(&host, "/fickle/").await;
    host.copy("fickle@2.0.0", &fickle("2.1.0", Ways { fail: 50, ..STEADY }));
    let plugin = host.until("fickle@2.0.0", "rolled back", |plugin| plugin["error"].is_string()).await;
    assert!(plugin["error"].as_str().unwrap().starts_with("rolled back at 10 %"), "{plugin:#}");
    load.more(500).await;
    let answers = load.end().await;
    assert!(answers.of("1.0.0") * 3 > answers.total() && answers.of("2.0.0") * 3 > answers.total(), "{answers:?}");
}
