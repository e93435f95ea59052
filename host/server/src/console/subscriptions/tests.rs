//! Pages of subscriptions.

use serde_json::json;

use super::plan;
use crate::{
    admin::tests::Api,
    console::{fixture::asked, form::Form},
};

#[tokio::test]
async fn names_and_filters_are_text() {
    let api = Api::new();
    let name = "<img/src=x>\"onerror='1'";
    let new =
        json!({"topic": "a.*", "url": "http://127.0.0.1:9/hook", "name": name, "filter": "data.x == '<b>\u{202e}'"});
    let made = api.post("/api/v1/subscriptions", &new.to_string()).await.expect(201);
    let id = made["id"].as_str().expect("an id");
    for path in ["/subscriptions", &format!("/subscriptions/{}", crate::console::ask::encode(id))] {
        let page = api.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let page = page.text();
        assert!(page.contains("&lt;img/src=x&gt;") && !page.contains("<img"), "{page}");
        assert!(!page.contains("<b>") && !page.contains('\u{202e}'), "{page}");
    }
    assert_eq!(api.get("/subscriptions/none").await.status, 404);
}

#[test]
fn forms_become_calls() {
    let plan = |verb: &str, form: &str| plan(verb, &Form::new(form.as_bytes())).expect("it is an action");
    let form = "topic=a.*&url=http%3A%2F%2Fx%2Fy&service=&name=&filter=&start=first&maxAttempts=5&priority=-1&once=1";
    let expected =
        json!({"topic": "a.*", "url": "http://x/y", "start": "first", "maxAttempts": 5, "priority": -1, "once": true});
    assert_eq!(asked(&plan("create", form).expect("it holds")).1, expected);
    assert_eq!(asked(&plan("seek", "id=s&place=first&to=9").expect("it holds")).1, json!({"to": "first"}));
    assert_eq!(asked(&plan("seek", "id=s&place=&to=9").expect("it holds")).1, json!({"to": "9"}));
    assert_eq!(asked(&plan("pause", "id=a%2F%3E").expect("it holds")).0, "POST /api/v1/subscriptions/a%2F%3E/pause");
    assert!(plan("seek", "id=s&place=&to=").is_err() && plan("create", "topic=a&priority=high").is_err());
}
