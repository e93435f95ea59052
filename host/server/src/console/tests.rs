//! The console, asked without a socket.

use http::{Method, Request};
use serde_json::{Value, json};

use super::{assets, sections};
use crate::admin::tests::{Answered, Api};

/// What a browser sends with a form.
async fn post(api: &Api, path: &str, form: &str) -> Answered {
    api.ask(Method::POST, path, "application/x-www-form-urlencoded", form).await
}

/// The same, sent by the script.
async fn scripted(api: &Api, path: &str, form: &str) -> Answered {
    let request = Request::builder().method(Method::POST).uri(path);
    api.ask_with(request.header("accept", "application/json"), form).await
}

#[tokio::test]
async fn each_section_has_a_page_that_permits_nothing_from_elsewhere() {
    let api = Api::new();
    for section in sections::ALL {
        let page = api.get(&section.path()).await;
        assert_eq!(page.status, 200, "{}: {}", section.label, page.text());
        let policy = page.headers["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(
            (&page.headers["x-content-type-options"], &page.headers["cache-control"]),
            (&"nosniff".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let text = page.text();
        // The policy would refuse them.
        for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!text.contains(inline), "{}: {inline}", section.label);
        }
        assert_eq!(text.matches("<script").count(), 1, "{}", section.label);
        assert!(text.contains("aria-current=\"page\""), "{}", section.label);
        assert_eq!(text.matches("<h1").count(), 1, "{}", section.label);
    }
}

#[tokio::test]
async fn assets_are_kept_for_as_long_as_they_are_the_same() {
    let api = Api::new();
    for (path, kind) in [
        (&*assets::STYLE_PATH, "text/css"),
        (&*assets::SCRIPT_PATH, "text/javascript"),
        (&*assets::ICON_PATH, "image/svg+xml"),
    ] {
        let asset = api.get(path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.headers["content-type"].to_str().unwrap().starts_with(kind));
        assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert!(!asset.text().contains("://") || kind == "image/svg+xml", "{path} names something elsewhere");
    }
    assert_eq!(api.get("/assets/console.0000.css").await.status, 404);
}

#[tokio::test]
async fn an_action_becomes_a_call_and_leads_back_with_a_note_that_is_told_once() {
    let api = Api::new();
    let done = post(&api, "/act/queue.enqueue", "back=%2Fqueues%3Fa%3D1&queue=emails&data=1").await;
    assert_eq!((done.status, done.headers["location"].to_str().unwrap()), (303, "/queues?a=1"), "{}", done.text());
    assert!(api.get("/queues/emails").await.text().contains("1 of 1000"));
    let cookie = done.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let (number, _) = cookie.split_once(';').unwrap();
    for is_told in [true, false] {
        let page = api.ask_with(Request::builder().uri("/queues").header("cookie", number), "").await;
        assert_eq!(page.text().contains("class=\"note\""), is_told);
    }
}

#[tokio::test]
async fn the_script_gets_json() {
    let api = Api::new();
    let done = scripted(&api, "/act/queue.enqueue", "back=%2Fqueues&queue=emails&data=1").await.expect(200);
    assert_eq!(done["ok"], true);
    let refused = scripted(&api, "/act/breaker.open", "id=none&confirmed=1").await.expect(404);
    assert_eq!(refused["ok"], false);
    assert!(refused["text"].as_str().unwrap().contains("there is no breaker none"), "{refused}");
}

#[tokio::test]
async fn what_destroys_is_asked_first_where_no_script_did() {
    let api = Api::new();
    let added = api.post("/api/v1/routes", r#"{"path": "/x", "redirect": {"host": "example.com"}}"#).await.expect(201);
    let id = added["id"].as_str().expect("an id");
    let form = format!("back=%2Froutes&id={id}&question=%3Cb%3Esure%3F");
    let asked = post(&api, "/act/route.remove", &form).await;
    let text = asked.text();
    assert_eq!(asked.status, 200);
    assert!(text.contains("&lt;b&gt;sure?") && text.contains(id) && text.contains("name=\"confirmed\""), "{text}");
    let done = post(&api, "/act/route.remove", &format!("{form}&confirmed=1")).await;
    // It was still there until it was asked twice.
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(api.delete(&format!("/api/v1/routes/{id}")).await.status, 404);
}

#[tokio::test]
async fn what_fails_is_said_on_a_page_with_the_status_of_the_api() {
    let api = Api::new();
    for (path, form, status, said) in [
        ("/act/breaker.open", "id=%3Cimg%3E&back=%2Fbreakers", 404, "there is no breaker &lt;img&gt;"),
        ("/act/route.add", "path=%2Fa&back=%2Froutes", 400, "The service is missing"),
        ("/act/route.add", "path=%2Fa&service=nobody&timeout=soon&back=%2Froutes", 400, "timeout"),
        ("/act/no.such", "", 404, "There is no such page"),
        ("/act/nothing", "", 404, "There is no such page"),
    ] {
        let failed = post(&api, path, form).await;
        assert_eq!(failed.status, status, "{path} {form}: {}", failed.text());
        assert!(failed.text().contains(said), "{path} {form}: {}", failed.text());
    }
    assert_eq!(api.get("/act/route.add").await.status, 405);
    assert_eq!(api.ask(Method::POST, "/routes", "", "").await.status, 405);
    for unknown in ["/services/none", "/plugins/none", "/routes/x", "/breakers/x", "/services/a/b"] {
        assert_eq!(api.get(unknown).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn nothing_is_done_for_a_page_of_another_site() {
    let api = Api::new();
    let request =
        Request::builder().method(Method::POST).uri("/act/queue.enqueue").header("origin", "https://example.com");
    assert_eq!(api.ask_with(request, "queue=emails&data=1").await.status, 403);
    assert_eq!(api.get("/api/v1/queues").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_request_that_no_route_takes_is_said_to_be_none() {
    let api = Api::new();
    assert_eq!(api.get("/api/v1/routes/match?path=/y").await.expect(200), json!({"outcome": "not-found"}));
    for wrong in ["/api/v1/routes/match", "/api/v1/routes/match?path=x", "/api/v1/routes/match?path=/x&header=y"] {
        assert_eq!(api.get(wrong).await.status, 400, "{wrong}");
    }
    let page = api.get("/routes?path=/x/1&method=PUT").await.text();
    assert!(page.contains("No route takes this path and host"), "{page}");
}

#[tokio::test]
async fn what_happened_lately_is_listed_newest_first() {
    let api = Api::new();
    for name in ["a", "<img src=x>"] {
        api.sources.feed.push("registry.register", name, &json!({"version": "1.0.0"}));
    }
    let list = api.get("/api/v1/activity?limit=1").await.expect(200);
    assert_eq!(
        (list["items"].as_array().map(Vec::len), &list["items"][0]["subject"]),
        (Some(1), &json!("<img src=x>"))
    );
    let next = list["next"].as_str().expect("there is more");
    let rest = api.get(&format!("/api/v1/activity?cursor={next}")).await.expect(200);
    assert_eq!((&rest["items"][0]["subject"], &rest["next"]), (&json!("a"), &Value::Null));
    let page = api.get("/").await.text();
    assert!(page.contains("&lt;img src=x&gt;") && !page.contains("<img"), "{page}");
}
