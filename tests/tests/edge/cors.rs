//! Pages of other origins: who may ask, what is told to browsers, and that refusals are told too.

use http::Method;
use switchyard_tests::{Answer, Host, Recorder, Setup};

async fn start(cors: &str) -> (Recorder, Host) {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{cors}\n{}{route}", upstream.upstream("up"))).start().await;
    (upstream, host)
}

async fn send(host: &Host, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    host.client().await.send_with(method, path, headers, "").await.unwrap()
}

async fn preflight(host: &Host, origin: &str, method: &str, headers: &str) -> Answer {
    let mut asked = vec![("origin", origin), ("access-control-request-method", method)];
    if !headers.is_empty() {
        asked.push(("access-control-request-headers", headers));
    }
    send(host, Method::OPTIONS, "/up/x", &asked).await
}

fn is_allowed(answer: &Answer) -> bool {
    !answer.header("access-control-allow-origin").is_empty()
}

fn list(answer: &Answer, name: &str) -> Vec<String> {
    let mut list: Vec<_> = answer.header(name).split(',').map(|item| item.trim().to_ascii_lowercase()).collect();
    list.sort_unstable();
    list
}

#[tokio::test]
async fn off_means_that_nothing_is_said() {
    let (upstream, host) = start("").await;
    let answer = send(&host, Method::GET, "/up/x", &[("origin", "https://page.test")]).await;
    assert!(!is_allowed(&answer));
    // A preflight is then a request as any other.
    assert_eq!(preflight(&host, "https://page.test", "PUT", "").await.status, 200);
    assert_eq!(upstream.requests().last().unwrap().line(), "OPTIONS /up/x HTTP/1.1");
}

#[tokio::test]
async fn an_empty_table_lets_every_origin_in_without_credentials() {
    let (upstream, host) = start("[gateway.cors]").await;
    let answer = preflight(&host, "https://page.test", "PUT", "content-type, authorization").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(list(&answer, "access-control-allow-methods"), ["delete", "get", "options", "post", "put"]);
    assert_eq!(list(&answer, "access-control-allow-headers"), ["authorization", "content-type"]);
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert!(upstream.bytes().is_empty(), "a preflight is answered here");
    let answer = send(&host, Method::GET, "/up/x", &[("origin", "https://page.test")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, "*"));
    // OPTIONS that is no preflight is the service's.
    assert_eq!(send(&host, Method::OPTIONS, "/up/x", &[]).await.status, 200);
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn named_origins_are_exact_and_the_answer_says_what_it_varies_by() {
    let cors = "
        [gateway.cors]
        origins = ['https://page.test', 'http://localhost:5173']
        methods = ['GET', 'PATCH']
        headers = ['X-Custom']
        credentials = true
        max-age = '10m'
    ";
    let (upstream, host) = start(cors).await;
    let answer = preflight(&host, "https://page.test", "PATCH", "x-custom").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, "https://page.test"));
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-max-age"), "600");
    assert!(list(&answer, "vary").contains(&"origin".to_owned()), "{:?}", answer.headers);
    assert_eq!(list(&answer, "access-control-allow-headers"), ["x-custom"]);
    assert_eq!(list(&answer, "access-control-allow-methods"), ["get", "patch"]);

    for origin in [
        "https://page.test.evil.test",
        "https://evilpage.test",
        "http://page.test",
        "https://page.test:444",
        "https://page.test/",
        "HTTPS://PAGE.TEST.",
        "https://page.test@evil.test",
        "null",
        "*",
        "",
    ] {
        let answer = preflight(&host, origin, "PATCH", "").await;
        assert!(!is_allowed(&answer), "{origin}: {:?}", answer.headers);
        let answer = send(&host, Method::GET, "/up/x", &[("origin", origin)]).await;
        assert!(!is_allowed(&answer), "{origin}: {:?}", answer.headers);
        assert!(list(&answer, "vary").contains(&"origin".to_owned()), "{origin}: {:?}", answer.headers);
    }
    // Caches are told even when nobody asked.
    let answer = send(&host, Method::GET, "/up/x", &[]).await;
    assert!(list(&answer, "vary").contains(&"origin".to_owned()), "{:?}", answer.headers);
    assert!(upstream.requests().iter().all(|request| !request.line().starts_with("OPTIONS")));
}

#[tokio::test]
async fn refusals_are_told_to_pages_too() {
    let cors = "[gateway.cors]\norigins = ['https://page.test']\n[gateway.rate-limit]\nrequests = 3\nwindow = '1h'\n";
    let (_upstream, host) = start(cors).await;
    let origin = [("origin", "https://page.test")];
    // Preflights count for nothing.
    for _ in 0..10 {
        assert_eq!(preflight(&host, "https://page.test", "GET", "").await.status, 204);
    }
    assert_eq!(send(&host, Method::GET, "/nowhere", &origin).await.status, 404);
    let answer = send(&host, Method::GET, "/nowhere", &origin).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (404, "https://page.test"));
    let mut answer = answer;
    while answer.status != 429 {
        answer = send(&host, Method::GET, "/up/x", &origin).await;
    }
    assert_eq!(answer.header("access-control-allow-origin"), "https://page.test");
    let exposed = list(&answer, "access-control-expose-headers");
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert!(exposed.contains(&name.to_owned()), "{name} in {exposed:?}");
    }
}

#[tokio::test]
async fn any_origin_with_credentials_is_a_wrong_config() {
    for cors in ["credentials = true\n", "origins = ['*']\ncredentials = true\n"] {
        let setup = Setup::new().config(&format!("[gateway.cors]\n{cors}"));
        let (status, text) = setup.run_to_end();
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(text.contains("switchyard.toml") && text.contains("credentials"), "{text}");
    }
}
