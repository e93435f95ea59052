//! Key-value, asked as an operator does.

use http::Request;

use super::*;

const KEY: &str = "/api/v1/kv/users/ann%2Fsmith";

async fn put(api: &Api, path: &str, headers: &[(&str, &str)], value: &str) -> Answered {
    let request = headers.iter().fold(Request::put(path), |request, (name, value)| request.header(*name, *value));
    api.ask_with(request, value).await
}

async fn shown(api: &Api, path: &str) -> Answered {
    api.ask_with(Request::get(path).header("accept", "application/json"), "").await
}

#[tokio::test]
async fn a_value_is_written_read_listed_and_removed() {
    let api = Api::new();
    assert_eq!(api.get("/api/v1/kv").await.expect(200)["items"], serde_json::json!([]));
    api.get("/api/v1/kv/users").await.expect_problem(404, "SY3001", "there is no bucket users");
    let written = put(&api, KEY, &[], "{\"a\":1}").await;
    let revision = written.expect(200)["revision"].as_u64().expect("a number");
    assert_eq!(written.headers["etag"], format!("\"{revision}\""));

    let raw = api.get(KEY).await;
    assert_eq!((raw.status, raw.text().as_str()), (200, "{\"a\":1}"));
    assert_eq!(raw.headers["content-type"], "application/octet-stream");
    assert_eq!(raw.headers["x-content-type-options"], "nosniff");
    let item = shown(&api, KEY).await.expect(200);
    let expected = serde_json::json!({
        "bucket": "users", "key": "ann/smith", "revision": revision, "size": 7, "value": "{\"a\":1}", "base64": null,
    });
    assert_eq!(item, expected);

    put(&api, "/api/v1/kv/users/bob", &[], "2").await.expect(200);
    let page = api.get("/api/v1/kv/users?limit=1").await.expect(200);
    assert_eq!((&page["items"][0]["key"], &page["next"]), (&"ann/smith".into(), &"ann/smith".into()));
    let page = api.get("/api/v1/kv/users?limit=1&cursor=ann%2Fsmith").await.expect(200);
    assert_eq!((&page["items"][0]["key"], &page["next"]), (&"bob".into(), &Value::Null));
    let page = api.get("/api/v1/kv/users?prefix=b").await.expect(200);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(api.get("/api/v1/kv").await.expect(200)["items"][0]["entries"], 2);

    api.delete(KEY).await.expect(204);
    api.get(KEY).await.expect_problem(404, "SY3001", "there is no key ann/smith in the bucket users");
    api.delete(KEY).await.expect_problem(404, "SY3001", "there is no key");
}

#[tokio::test]
async fn a_write_may_insist_on_what_it_has_seen() {
    let api = Api::new();
    let first = put(&api, KEY, &[("if-none-match", "*")], "1").await.expect(200)["revision"].to_string();
    let again = put(&api, KEY, &[("if-none-match", "*")], "2").await;
    again.expect_problem(409, "SY3003", &format!("has the revision {first}"));
    let quoted = format!("\"{first}\"");
    let second = put(&api, KEY, &[("if-match", &quoted)], "2").await.expect(200)["revision"].to_string();
    put(&api, KEY, &[("if-match", &quoted)], "3").await.expect_problem(409, "SY3003", &second);
    let gone = api.ask_with(Request::delete(KEY).header("if-match", quoted), "").await;
    gone.expect_problem(409, "SY3003", &second);
    assert_eq!(api.get(KEY).await.text(), "2");
    for headers in
        [&[("if-match", "x")][..], &[("if-none-match", "\"1\"")], &[("if-match", "1"), ("if-none-match", "*")]]
    {
        assert_eq!(put(&api, KEY, headers, "4").await.status, 400, "{headers:?}");
    }
}

#[tokio::test]
async fn limits_are_those_of_guests_and_the_hosts_own_buckets_are_not_there() {
    let api = Api::new();
    let large = "x".repeat((1 << 20) + 1);
    put(&api, KEY, &[], &large).await.expect_problem(413, "SY1004", "over the limit");
    put(&api, &format!("/api/v1/kv/users/{}", "k".repeat(1_025)), &[], "1").await.expect_problem(413, "SY1004", "key");
    put(&api, "/api/v1/kv/users/", &[], "1").await.expect_problem(400, "SY1003", "at least one character");
    put(&api, "/api/v1/kv/$routes/a", &[], "1").await.expect_problem(404, "SY3001", "there is no bucket $routes");
    api.sources.store.kv_put("$routes", "a", "1".into(), switchyard_store::Expect::Any).await.expect("it is written");
    for path in ["/api/v1/kv/$routes", "/api/v1/kv/%24routes/a"] {
        assert_eq!(api.get(path).await.status, 404, "{path}");
    }
    assert_eq!(api.get("/api/v1/kv").await.expect(200)["items"], serde_json::json!([]));
}

#[tokio::test]
async fn a_value_that_is_no_text_is_shown_in_base64() {
    let api = Api::new();
    let value = bytes::Bytes::from_static(&[0xff, 0]);
    api.sources.store.kv_put("users", "x", value, switchyard_store::Expect::Any).await.expect("it is written");
    let item = shown(&api, "/api/v1/kv/users/x").await.expect(200);
    assert_eq!((&item["value"], &item["base64"]), (&Value::Null, &"/wA=".into()));
}
