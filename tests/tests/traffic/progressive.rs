//! A new version takes a growing share, and goes back by itself when it does worse.

use std::fs;

use serde_json::Value;
use switchyard_tests::{Host, Setup};

use crate::{
    fickle::{Ways, fickle},
    load::{Answers, Load},
};

/// What a service answers that takes long enough for the noise of a busy machine not to double it.
pub(crate) const STEADY: Ways = Ways { fail: 0, trap: 0, ms: 20 };

/// A host with `fickle` 1.0.0, whose new versions take over like this.
pub(crate) async fn host(reload: &str, ways: Ways) -> Host {
    let setup = Setup::new().config(&format!("[plugins]\nreload = '{reload}'\n"));
    fs::write(setup.plugins().join("fickle.wasm"), fickle("1.0.0", ways)).unwrap();
    setup.start().await
}

/// Waits until the new version has this share.
pub(crate) async fn until_share(host: &Host, percent: u64) -> Value {
    let has = |plugin: &Value| plugin["rollout"]["percent"].as_u64() == Some(percent);
    host.until("fickle", &format!("at {percent} %"), has).await
}

/// Drops a version under load, waits until it has gone back, and answers what callers got and how the plugin is shown.
async fn goes_back(reload: &str, old: Ways, new: Ways) -> (Answers, Value) {
    let host = host(reload, old).await;
    let mut load = Load::begin(&host, "/fickle/").await;
    load.more(2_000).await;
    host.copy("fickle", &fickle("2.0.0", new));
    let plugin = host.until("fickle", "rolled back", |plugin| plugin["error"].is_string()).await;
    let at_back = load.answers();
    load.more(2_000).await;
    let answers = load.end().await;
    println!("{reload}: {at_back:?} when it went back, {answers:?} in the end; {}", plugin["error"]);
    assert!(answers.failed() * 100 < answers.total(), "{answers:?}\n{}", host.log());
    assert_eq!(plugin["version"], "1.0.0", "{plugin:#}");
    assert_eq!((&plugin["rollout"], &plugin["rolledBack"]["version"]), (&Value::Null, &"2.0.0".into()));
    let before = answers.of("2.0.0") - at_back.of("2.0.0");
    assert!(before <= 8, "{before} more calls came to what had gone back");
    let find = async || (fs::read(host.plugin_file("fickle")).unwrap() == fickle("1.0.0", old)).then_some(());
    host.eventually("the old artifact is back in the folder", find).await;
    for (topic, version) in [("plugin.rollout", "2.0.0"), ("plugin.rolled-back", "1.0.0")] {
        let find = async || host.items(&format!("/api/v1/events?topic={topic}&from=first")).await.into_iter().next();
        let event = host.eventually(topic, find).await;
        assert_eq!((&event["data"]["service"], &event["data"]["to"]), (&"fickle".into(), &version.into()), "{event:#}");
    }
    // What is in the folder now is no news.
    let plugin = host.plugin("fickle").await;
    assert!(plugin["error"].is_string() && plugin["generation"] == 1, "{plugin:#}");
    (answers, plugin)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_a_tenth_of_its_calls_goes_back_quickly() {
    let (_, plugin) = goes_back("quick", Ways::default(), Ways { fail: 10, ..Ways::default() }).await;
    let error = plugin["error"].as_str().unwrap();
    assert!(error.starts_with("rolled back at 10 %: ") && error.contains("calls failed"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_a_tenth_of_its_calls_goes_back_carefully() {
    let (_, plugin) = goes_back("careful", Ways::default(), Ways { fail: 10, ..Ways::default() }).await;
    let error = plugin["error"].as_str().unwrap();
    assert!(error.starts_with("rolled back at 1 %: ") && error.contains("0.0 % of the old version's"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_slower_goes_back() {
    let (answers, plugin) = goes_back("quick", STEADY, Ways { ms: 200, ..STEADY }).await;
    assert_eq!(answers.failed(), 0);
    let error = plugin["error"].as_str().unwrap();
    assert!(error.contains("95 % of ") && error.contains("of the old version's up to"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_traps_at_once_goes_back_by_its_breaker() {
    let (answers, plugin) = goes_back("quick", Ways::default(), Ways { trap: 100, ..Ways::default() }).await;
    let error = plugin["error"].as_str().unwrap();
    assert!(error.contains("rolled back at 10 %: its breaker opened after"), "{error}");
    // Those that it took to open, and those that were under way then.
    assert!(answers.failed() <= 5 + 8, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_as_well_takes_all_calls_step_by_step() {
    let host = host("quick", STEADY).await;
    let load = Load::begin(&host, "/fickle/").await;
    host.copy("fickle", &fickle("2.0.0", STEADY));
    for percent in [10, 50, 100] {
        let plugin = until_share(&host, percent).await;
        assert_eq!(plugin["version"], "1.0.0", "{plugin:#}");
        let good = fs::read_to_string(host.path().join("data/good.json")).unwrap();
        assert!(good.contains(plugin["digest"].as_str().unwrap()), "the old one is still the last good one: {good}");
    }
    let plugin = host.until("fickle", "replaced", |plugin| plugin["version"] == "2.0.0").await;
    assert_eq!((&plugin["rollout"], &plugin["error"]), (&Value::Null, &Value::Null), "{plugin:#}");
    let answers = load.end().await;
    assert_eq!(answers.failed(), 0, "{answers:?}");
    println!("{answers:?}");
    assert!(answers.of("1.0.0") > 0 && answers.of("2.0.0") > 0);
    assert_eq!(host.get("/fickle/").await.text(), "2.0.0");
    assert_eq!(fs::read(host.plugin_file("fickle")).unwrap(), fickle("2.0.0", STEADY));
    let find =
        async || Some(host.items("/api/v1/events?topic=plugin.rollout&from=first").await).filter(|all| all.len() >= 3);
    let told = host.eventually("each share is told", find).await;
    let shares: Vec<_> = told.iter().map(|event| event["data"]["percent"].as_u64().unwrap()).collect();
    assert_eq!(shares, [10, 50, 100]);
}
