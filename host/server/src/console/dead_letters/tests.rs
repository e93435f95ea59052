//! Pages of dead letters, of errors and payloads that would be markup.

use serde_json::json;

use super::plan;
use crate::{
    admin::tests::Api,
    console::{
        fixture::{HOSTILE, asked, is_harmless},
        form::Form,
    },
};

/// A host with a message that its consumer refused.
async fn refused() -> (Api, String) {
    let api = Api::new();
    api.post("/api/v1/queues/q/messages", &json!({"data": {HOSTILE: HOSTILE}}).to_string()).await.expect(201);
    let leased = api.post("/api/v1/queues/q/lease", "{}").await.expect(200);
    let (id, token) = (&leased["messages"][0]["id"], &leased["messages"][0]["token"]);
    let path = format!("/api/v1/queues/q/messages/{}/reject", id.as_str().expect("an id"));
    api.post(&path, &json!({"token": token, "reason": HOSTILE}).to_string()).await.expect(204);
    let letters = api.get("/api/v1/dead-letters").await.expect(200);
    let id = letters["items"][0]["id"].as_str().expect("a dead letter").to_owned();
    (api, id)
}

#[tokio::test]
async fn errors_and_payloads_are_text() {
    let (api, id) = refused().await;
    for path in ["/dead-letters", "/dead-letters?queue=q", &format!("/dead-letters/{id}")] {
        let page = api.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        is_harmless(&page.text());
    }
    assert!(api.get("/dead-letters?queue=other").await.text().contains("No such dead letter"));
    assert_eq!(api.get("/dead-letters/none").await.status, 404);
}

#[test]
fn redriving_many_asks_for_those_that_are_shown() {
    let plan = |verb: &str, form: &str| plan(verb, &Form::new(form.as_bytes())).expect("it is an action");
    let (target, body) = asked(&plan("redrive-many", "queue=q&topic=&limit=5&perSecond=").expect("it holds"));
    assert_eq!((target.as_str(), body), ("POST /api/v1/dead-letters/redrive", json!({"queue": "q", "limit": 5})));
    assert_eq!(asked(&plan("discard", "id=7").expect("it holds")).0, "DELETE /api/v1/dead-letters/7");
    assert_eq!(asked(&plan("redrive", "id=7").expect("it holds")).0, "POST /api/v1/dead-letters/7/redrive");
    assert!(plan("redrive-many", "limit=many").is_err());
}
