//! The host at a glance.

use super::*;

#[tokio::test]
async fn a_host_at_rest_shows_all_that_there_is() {
    let api = Api::new();
    api.publish(r#"{"specversion":"1.0","id":"1","source":"/t","type":"shop.sold","data":{}}"#).await;
    api.post("/api/v1/queues/mails/messages", r#"{"data": 1}"#).await.expect(201);
    let overview = api.get("/api/v1/overview").await.expect(200);
    assert_eq!((&overview["status"], &overview["ready"]), (&"starting".into(), &false.into()));
    assert_eq!(overview["listeners"]["gateway"], "http://127.0.0.1:3000");
    assert_eq!((&overview["events"]["topics"], &overview["events"]["published"]), (&1.into(), &1.into()));
    assert_eq!((&overview["queues"]["total"], &overview["queues"]["size"]), (&1.into(), &1.into()));
    for (path, count) in [("/deadLetters", 0), ("/plugins/total", 0), ("/services/total", 0), ("/sagas/stuck", 0)] {
        assert_eq!(overview.pointer(path), Some(&count.into()), "{path}");
    }
    assert_eq!((&overview["store"]["kind"], overview["store"]["bytes"].as_u64() > Some(0)), (&"embedded".into(), true));
    assert_eq!((&overview["nodes"][0]["id"], &overview["edges"]), (&"gateway".into(), &serde_json::json!([])));
    api.post("/api/v1/overview", "").await.expect_problem(405, "SY1002", "use GET, HEAD");
}

#[tokio::test]
async fn a_chart_has_all_its_points_from_the_start() {
    let history = Api::new().get("/api/v1/overview/history?service=none").await.expect(200);
    assert_eq!((&history["step"], &history["points"], &history["to"]), (&"5s".into(), &60.into(), &Value::Null));
    for line in ["rate", "failureRate", "p95"] {
        assert_eq!(history["gateway"][line].as_array().map(Vec::len), Some(60), "{line}");
    }
    assert_eq!(history["services"], serde_json::json!({}));
}
