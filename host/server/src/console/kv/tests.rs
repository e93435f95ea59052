//! Pages of key-value, of keys and values that would be markup.

use http::Method;

use super::plan;
use crate::{
    admin::tests::Api,
    console::{
        ask::encode,
        fixture::{HOSTILE, asked, is_harmless},
        form::Form,
    },
};

#[tokio::test]
async fn keys_and_values_are_text() {
    let api = Api::new();
    assert!(api.get("/kv").await.text().contains("No buckets yet"));
    let key = "<img src=x>";
    let put = api.ask(Method::PUT, &format!("/api/v1/kv/shop/{}", encode(key)), "text/plain", HOSTILE).await;
    assert!(put.status < 300, "{}", put.text());
    let one = format!("/kv/shop/{}", encode(key));
    for path in ["/kv/shop", one.as_str()] {
        is_harmless(&api.get(path).await.text());
    }
    assert!(api.get("/kv").await.text().contains("href=\"/kv/shop\""));
    assert_eq!((api.get("/kv/none").await.status, api.get("/kv/shop/none").await.status), (404, 404));
}

#[test]
fn a_change_says_what_it_has_seen() {
    let plan =
        |verb: &str, form: &str| plan(verb, &Form::new(form.as_bytes())).expect("it is an action").expect("it holds");
    let added = plan("add", "bucket=b&key=a%2F%20&value=x%0D%0Ay");
    assert_eq!((asked(&added).0.as_str(), &added.call().body[..]), ("PUT /api/v1/kv/b/a%2F%20", &b"x\ny"[..]));
    assert_eq!(added.call().headers["if-none-match"], "*");
    assert_eq!(plan("put", "bucket=b&key=k&value=v&revision=7").call().headers["if-match"], "\"7\"");
    assert_eq!(asked(&plan("delete", "bucket=b&key=k")).0, "DELETE /api/v1/kv/b/k");
}
