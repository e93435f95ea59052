//! Filters: CEL over the envelope and data.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Setup,
    bus::{event, ids},
};

#[tokio::test]
async fn filters_choose_by_envelope_and_data_and_count_what_cannot_be_evaluated() {
    let filters = [
        ("data", "data.total > 100"),
        ("event", "event.type == 'f.big' && event.source == '/tests' && data.total > 0"),
        ("short", "type == 'f.big' && source == '/tests' && id.startsWith('b') && subject == 's'"),
        ("extension", "event.shop == 'one'"),
        ("never", "false"),
    ];
    let spec = |(name, filter): (&str, &str)| {
        format!("{{ topic = 'f.*', name = '{name}', start = 'first', filter = \"{filter}\" }}")
    };
    let side = format!("subscriptions = [{}]", filters.map(spec).join(", "));
    let host = Setup::new().probe(&side).start().await;
    let mut big = event("f.big", "b1", json!({"total": 500}));
    (big["subject"], big["shop"]) = ("s".into(), "one".into());
    let events = [
        big,
        event("f.small", "s1", json!({"total": 5})),
        event("f.text", "t1", json!("no object")),
        event("f.end", "e1", json!({"total": 101})),
    ];
    host.publish_all(events).await;
    let last = host.events("f.end").await[0]["sequence"].as_u64();
    for (name, processed) in [("data", 2), ("event", 1), ("short", 1), ("extension", 1), ("never", 0)] {
        let done = |shown: &Value| shown["processed"] == processed && shown["cursor"].as_u64() >= last;
        let shown = host.until_subscription(name, "done", done).await;
        assert_eq!(shown["errors"], 0, "{shown:#}");
        if name == "data" {
            assert_eq!(shown["filterErrors"], 1, "a text has no total: {shown:#}");
        }
    }
    let deliveries = host.deliveries("probe").await;
    let of = |name: &str| {
        let mut mine: Vec<_> = deliveries.iter().filter(|d| d["subscription"] == name).cloned().collect();
        mine.sort_by_key(|delivery| delivery["sequence"].as_u64());
        ids(&mine)
    };
    assert_eq!(of("data"), ["b1", "e1"]);
    assert_eq!(of("event"), ["b1"]);
    assert_eq!(of("short"), ["b1"]);
    assert_eq!(of("extension"), ["b1"]);
    assert_eq!(host.dead_letters("").await.len(), 0, "no match is no failure");
}

#[tokio::test]
async fn a_wrong_filter_is_refused_when_it_is_declared() {
    let host = Setup::new().probe("").start().await;
    let nested = format!("{}true{}", "(".repeat(2_000), ")".repeat(2_000));
    for filter in ["data.total >", "1 +", &nested, &"x".repeat(100_000)] {
        let body = json!({"topic": "f", "service": "probe", "filter": filter});
        let answer = host.ask(Method::POST, "/api/v1/subscriptions", &body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("filter"), "{detail}");
    }
    assert_eq!(host.items("/api/v1/subscriptions").await.len(), 0);
    let side = "subscriptions = [{ topic = 'f', filter = 'data.total >' }]";
    std::fs::write(host.path().join("plugins/probe.toml"), side).unwrap();
    let plugin = host.until("probe", "refused", |plugin| plugin["error"].is_string()).await;
    assert!(plugin["error"].as_str().unwrap().contains("filter"), "{plugin:#}");
    let config = "[[subscription]]\ntopic = 'f'\nservice = 'probe'\nfilter = 'data.total >'\n";
    let (status, text) = Setup::new().config(config).run_to_end();
    assert_eq!(status.code(), Some(1));
    for part in ["switchyard.toml", "filter"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn a_filter_that_computes_for_ever_is_no_match_and_holds_nobody_up() {
    let numbers = "[0,1,2,3,4,5,6,7,8,9]";
    let depth = 9;
    let loops: String = (0..depth).map(|n| format!("{numbers}.all(v{n}, ")).collect();
    let sums: Vec<String> = (0..depth).map(|n| format!("v{n}")).collect();
    let filter = format!("{loops}{} >= 0{}", sums.join(" + "), ")".repeat(depth));
    let side = format!(
        "subscriptions = [{{ topic = 'f', name = 'plain', start = 'first' }}, \
         {{ topic = 'f', name = 'costly', start = 'first', filter = '{filter}' }}]"
    );
    let host = Setup::new().probe(&side).start_unready().await;
    let plugin = host.until("probe", "decided on", |p| p["state"] == "active" || p["error"].is_string()).await;
    if plugin["error"].is_string() {
        // It may be refused at once as too deep.
        assert!(plugin["error"].as_str().unwrap().contains("filter"), "{plugin:#}");
        return;
    }
    host.publish(event("f", "1", json!({}))).await;
    host.until_subscription("plain", "done", |shown| shown["processed"] == 1).await;
    host.until_subscription("costly", "past it", |shown| shown["filterErrors"] == 1).await;
    assert_eq!(host.get("/health").await.status, 200);
}
