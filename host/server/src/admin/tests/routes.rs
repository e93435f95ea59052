//! Routes over HTTP: added, refused, removed.

use serde_json::json;

use super::*;

const PATH: &str = "/api/v1/routes";

#[tokio::test]
async fn a_route_is_added_once_and_removed_by_its_id() {
    let api = Api::new();
    let route = json!({"path": "/shop/*", "service": "shop", "stripPrefix": "/shop", "rateLimit": {"requests": 5}});
    let made = api.post(PATH, &route.to_string()).await.expect(201);
    let id = made["id"].as_str().expect("an id");
    assert_eq!((&made["path"], &made["rateLimit"]["requests"]), (&json!("/shop/*"), &json!(5)));
    assert!(made["createdAt"].is_string(), "{made:#}");
    let same = api.post(PATH, &route.to_string()).await;
    same.expect_problem(409, "SY3003", &format!("the route {id} takes such requests already"));
    api.delete(&format!("{PATH}/{id}")).await.expect(204);
    api.delete(&format!("{PATH}/{id}")).await.expect_problem(404, "SY3001", "there is no route");
}

#[tokio::test]
async fn what_is_wrong_names_the_member_and_the_remedy() {
    let api = Api::new();
    for (body, detail) in [
        (json!({}), "missing field `path`"),
        (json!({"path": "/a", "service": "a", "strip-prefix": "/a"}), "unknown field `strip-prefix`"),
        (json!({"path": "/a"}), "a route names a service, a split or a redirect"),
        (json!({"path": "a", "service": "a"}), "the member 'path': "),
        (json!({"path": "/a", "service": "a", "timeout": 5}), "the member 'timeout': invalid type"),
        (json!({"path": "/a", "service": "a", "headers": {"x": false}}), "the header's value as text, or true"),
        (json!({"path": "/a", "service": "a", "bodyMax": "0B"}), "the member 'bodyMax': the size must be at least 1B"),
        (json!({"path": "/a", "split": [{"service": "a", "weight": 0}]}), "the member 'split': a split has at least"),
        (json!({"path": "/a", "service": "a", "retry": {"attempts": 0}}), "the member 'retry.attempts': attempts are"),
    ] {
        api.post(PATH, &body.to_string()).await.expect_problem(400, "SY1003", detail);
    }
    api.ask(Method::PUT, PATH, "", "").await.expect_problem(405, "SY1002", "use GET, HEAD, POST");
    api.get(&format!("{PATH}/x")).await.expect_problem(405, "SY1002", "use DELETE");
}
