//! Pages of queues.

use serde_json::json;

use super::plan;
use crate::{
    admin::tests::Api,
    console::{fixture::asked, form::Form},
};

#[tokio::test]
async fn a_queue_shows_what_it_holds() {
    let api = Api::new();
    assert!(api.get("/queues").await.text().contains("No queues yet"));
    api.post("/api/v1/queues/emails/messages", r#"{"data": 1}"#).await.expect(201);
    assert!(api.get("/queues").await.text().contains("href=\"/queues/emails\""));
    let page = api.get("/queues/emails").await.text();
    assert!(page.contains("1 of 1000") && page.contains("value=\"emails\""), "{page}");
    assert_eq!(api.get("/queues/none").await.status, 404);
}

#[test]
fn a_message_keeps_its_digits() {
    let enqueue = |form: &str| plan("enqueue", &Form::new(form.as_bytes())).expect("it is an action");
    let plan = enqueue("queue=a%2Fb&data=123456789012345678901&priority=9&delay=30s&dedupId=").expect("it holds");
    assert_eq!(asked(&plan).0, "POST /api/v1/queues/a%2Fb/messages");
    assert_eq!(plan.call().body, r#"{"data":123456789012345678901,"priority":9,"delay":"30s"}"#);
    assert_eq!(asked(&enqueue("queue=a&data=null").expect("it holds")).1, json!({"data": null}));
    assert!(enqueue("queue=a&data=").is_err() && enqueue("data=1").is_err());
}
