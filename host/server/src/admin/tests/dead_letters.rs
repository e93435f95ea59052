//! Dead letters, of a queue whose consumer rejects.

use serde_json::json;

use super::*;

const PATH: &str = "/api/v1/dead-letters";

/// Makes a dead letter of each of these messages.
async fn reject(api: &Api, queue: &str, messages: &[&str]) {
    for data in messages {
        api.post(&format!("/api/v1/queues/{queue}/messages"), &format!(r#"{{"data":{data}}}"#)).await.expect(201);
        let leased = api.post(&format!("/api/v1/queues/{queue}/lease"), "").await.expect(200);
        let message = &leased["messages"][0];
        let path = format!("/api/v1/queues/{queue}/messages/{}/reject", message["id"].as_str().expect("an id"));
        api.post(&path, &format!(r#"{{"token":{},"reason":"spam"}}"#, message["token"])).await.expect(204);
    }
}

#[tokio::test]
async fn a_dead_letter_is_looked_at_redriven_and_discarded() {
    let api = Api::new();
    reject(&api, "emails", &["1", "2"]).await;
    let list = api.get(&format!("{PATH}?queue=emails")).await.expect(200);
    let [first, second] = &list["items"].as_array().expect("a list")[..] else { panic!("two: {list}") };
    assert_eq!(
        (&first["kind"], &first["queue"], &first["error"]),
        (&json!("message"), &json!("emails"), &json!("spam"))
    );
    assert_eq!(first["originalMessage"]["data"], 1);
    assert!(first["failedAt"].is_string() && first.get("topic").is_none(), "{first}");

    let path = format!("{PATH}/{}", first["id"].as_str().expect("an id"));
    assert_eq!(&api.get(&path).await.expect(200), first);
    assert_eq!(api.post(&format!("{path}/redrive"), "").await.expect(202), json!({"redriving": 1}));
    api.get(&path).await.expect_problem(404, "SY3001", "");
    api.post(&format!("{path}/redrive"), "").await.expect_problem(404, "SY3001", "");
    let leased = api.post("/api/v1/queues/emails/lease", "").await.expect(200);
    assert_eq!(leased["messages"][0]["data"], 1);

    let path = format!("{PATH}/{}", second["id"].as_str().expect("an id"));
    api.delete(&path).await.expect(204);
    api.delete(&path).await.expect_problem(404, "SY3001", "");
    assert_eq!(api.get(PATH).await.expect(200), json!({"items": [], "next": null}));
}

#[tokio::test]
async fn lists_go_page_by_page_and_by_origin() {
    let api = Api::new();
    reject(&api, "a", &["1", "2", "3"]).await;
    reject(&api, "b", &["4"]).await;
    let page = api.get(&format!("{PATH}?queue=a&limit=2")).await.expect(200);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
    let next = page["next"].as_str().expect("there is more");
    let rest = api.get(&format!("{PATH}?queue=a&limit=2&cursor={next}")).await.expect(200);
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["next"]), (Some(1), &Value::Null));
    for (query, count) in [("", 4), ("?queue=b", 1), ("?queue=c", 0), ("?subscription=a", 0), ("?topic=a", 0)] {
        let list = api.get(&format!("{PATH}{query}")).await.expect(200);
        assert_eq!(list["items"].as_array().map(Vec::len), Some(count), "{query}");
    }
}

#[tokio::test]
async fn a_page_that_holds_much_is_shorter_and_says_that_more_follows() {
    let api = Api::new();
    let long = format!(r#""{}""#, "x".repeat(1_000_000));
    reject(&api, "a", &[&*long; 18]).await;
    let first = api.get(PATH).await.expect(200);
    let count = first["items"].as_array().map_or(0, Vec::len);
    assert!((1..18).contains(&count), "{count} of 18 MB");
    let next = first["next"].as_str().expect("there is more");
    let rest = api.get(&format!("{PATH}?cursor={next}")).await.expect(200);
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(18 - count));
}

#[tokio::test]
async fn many_are_redriven_at_a_rate() {
    let api = Api::new();
    reject(&api, "a", &["1", "2", "3"]).await;
    let redrive = async |body: &str| api.post(&format!("{PATH}/redrive"), body).await;
    redrive(r#"{"limit":0}"#).await.expect_problem(400, "SY1003", "limit must be a number from 1 to 1000");
    redrive(r#"{"perSecond":0}"#).await.expect_problem(400, "SY1003", "perSecond must be a number from 1 to 10000");
    redrive(r#"{"queues":"a"}"#).await.expect_problem(400, "SY1003", "unknown field `queues`");
    assert_eq!(redrive(r#"{"queue":"b"}"#).await.expect(202), json!({"redriving": 0}));
    assert_eq!(redrive(r#"{"queue":"a","limit":2,"perSecond":1000}"#).await.expect(202), json!({"redriving": 2}));
}
