//! What the admin API answers when there is nothing yet.

use http::{Method, StatusCode};
use http_body_util::BodyExt;

use super::*;

async fn ask(method: Method, path: &str) -> (StatusCode, String) {
    let (_, checks) = watch::channel(Checks::default());
    let sources = Sources {
        dispatcher: Dispatcher::new(),
        plugins: reload::Handle::empty(),
        checks,
        stopping: CancellationToken::new(),
    };
    let request = Request::builder().method(method).uri(path).header("host", "localhost").body(()).expect("a request");
    let response = answer(&request, &sources);
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body is in memory").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn lists_without_items_have_their_shape() {
    for path in ["/api/v1/plugins", "/api/v1/services?tag=a", "/api/v1/routes?limit=5"] {
        assert_eq!(ask(Method::GET, path).await, (StatusCode::OK, r#"{"items":[],"next":null}"#.into()), "{path}");
    }
}

#[tokio::test]
async fn a_host_that_starts_is_alive_and_not_ready() {
    assert_eq!(ask(Method::GET, "/livez").await.0, StatusCode::OK);
    assert_eq!(ask(Method::GET, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    for (method, path, status, code) in [
        (Method::GET, "/nothing", 404, "SY3001"),
        (Method::GET, "/api/v1/services/none", 404, "SY3001"),
        (Method::GET, "/api/v1/plugins/none", 404, "SY3001"),
        (Method::POST, "/api/v1/routes", 405, "SY1002"),
        (Method::GET, "/api/v1/plugins?limit=x", 400, "SY1003"),
    ] {
        let (answered, body) = ask(method, path).await;
        assert_eq!(answered.as_u16(), status, "{path}");
        assert!(body.contains(code), "{body}");
    }
}
