use http::HeaderName;

use super::*;

const SHOP: &str = "https://shop.example";

fn policy(origins: &[&str], credentials: bool) -> Policy {
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    Config { origins, credentials, ..Config::default() }.check().unwrap()
}

fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

/// What a response says after it was marked, sorted.
fn marked(policy: &Policy, origin: Option<&str>, own: &[(&'static str, &str)]) -> Vec<String> {
    let mut headers = map(own);
    let origin = origin.map(|origin| HeaderValue::from_str(origin).unwrap());
    policy.mark(origin.as_ref(), &mut headers);
    let mut said: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    said.retain(|line| !line.starts_with("access-control-expose"));
    said.sort();
    said
}

#[test]
fn an_origin_is_repeated_only_when_it_is_on_the_list_to_the_byte() {
    let policy = policy(&[SHOP, "http://localhost:5173"], false);
    for origin in [SHOP, "http://localhost:5173"] {
        let expected = [format!("access-control-allow-origin: {origin}"), "vary: Origin".to_owned()];
        assert_eq!(marked(&policy, Some(origin), &[]), expected);
    }
    for origin in [
        "https://shop.example.evil",
        "https://evil-shop.example",
        "https://shop.example:443",
        "https://shop.example/",
        "https://SHOP.example",
        "http://shop.example",
        "http://localhost",
        "null",
        "*",
        "",
    ] {
        assert_eq!(marked(&policy, Some(origin), &[]), ["vary: Origin"], "{origin}");
    }
    assert_eq!(marked(&policy, None, &[]), ["vary: Origin"]);
}

#[test]
fn any_origin_is_said_to_everybody_alike() {
    let policy = Policy::default();
    for origin in [None, Some(SHOP), Some("null")] {
        assert_eq!(marked(&policy, origin, &[]), ["access-control-allow-origin: *"]);
    }
}

#[test]
fn credentials_are_allowed_to_those_on_the_list_only() {
    let policy = policy(&[SHOP], true);
    let expected =
        ["access-control-allow-credentials: true", "access-control-allow-origin: https://shop.example", "vary: Origin"];
    assert_eq!(marked(&policy, Some(SHOP), &[]), expected);
    assert_eq!(marked(&policy, Some("https://other.example"), &[]), ["vary: Origin"]);
}

#[test]
fn what_a_service_says_about_origins_is_replaced() {
    let own = [
        ("access-control-allow-origin", "https://evil.example"),
        ("access-control-allow-credentials", "true"),
        ("vary", "Accept"),
    ];
    let policy = policy(&[SHOP], false);
    assert_eq!(marked(&policy, Some("https://evil.example"), &own), ["vary: Accept", "vary: Origin"]);
}

#[test]
fn a_page_can_read_limits_ids_and_what_a_service_shows() {
    let mut headers = map(&[("access-control-expose-headers", "X-Total")]);
    Policy::default().mark(None, &mut headers);
    let exposed: Vec<_> = headers.get_all(ACCESS_CONTROL_EXPOSE_HEADERS).iter().map(|v| v.to_str().unwrap()).collect();
    assert_eq!(exposed[0], "X-Total");
    for name in ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Gateway-Request-ID"] {
        assert!(exposed[1].split(", ").any(|exposed| exposed == name), "{name}");
    }
}

#[test]
fn only_a_whole_preflight_is_one() {
    let policy = Policy::default();
    let origin = ("origin", SHOP);
    let asks = ("access-control-request-method", "PUT");
    let is = |method: Method, headers: &[(&'static str, &str)]| policy.preflight(&method, &map(headers)).is_some();
    assert!(is(Method::OPTIONS, &[origin, asks]));
    assert!(!is(Method::OPTIONS, &[origin]));
    assert!(!is(Method::OPTIONS, &[asks]));
    assert!(!is(Method::GET, &[origin, asks]));
}

#[test]
fn a_preflight_says_what_may_be_asked_and_no_more_than_nothing_to_strangers() {
    let list = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    let config = Config {
        origins: list(&[SHOP]),
        methods: list(&["GET", "PATCH"]),
        headers: list(&["X-Tenant"]),
        max_age: Some(std::time::Duration::from_secs(600)),
        ..Config::default()
    };
    let policy = config.check().unwrap();
    let ask = |origin| {
        let headers = map(&[("origin", origin), ("access-control-request-method", "PATCH")]);
        policy.preflight(&Method::OPTIONS, &headers).unwrap()
    };
    let answer = ask(SHOP);
    assert_eq!(answer.status(), 204);
    for (name, value) in [
        ("access-control-allow-methods", "GET, PATCH"),
        ("access-control-allow-headers", "X-Tenant"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    let stranger = ask("https://evil.example");
    assert_eq!((stranger.status().as_u16(), stranger.headers().len()), (204, 0));
}

#[test]
fn the_defaults_are_those_of_an_empty_table() {
    let headers = map(&[("origin", SHOP), ("access-control-request-method", "PUT")]);
    let answer = Policy::default().preflight(&Method::OPTIONS, &headers).unwrap();
    assert_eq!(answer.headers()["access-control-allow-methods"], "GET, POST, PUT, DELETE, OPTIONS");
    assert_eq!(answer.headers()["access-control-allow-headers"], "Content-Type, Authorization");
    assert!(!answer.headers().contains_key("access-control-max-age"));
}

#[test]
fn two_origins_are_none() {
    let mut headers = map(&[("origin", SHOP)]);
    assert_eq!(only(&headers).unwrap(), SHOP);
    headers.append(ORIGIN, HeaderValue::from_static(SHOP));
    assert_eq!(only(&headers), None);
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_remedy() {
    let list = |entries: &[&str]| -> Vec<String> { entries.iter().map(|entry| (*entry).to_owned()).collect() };
    for origin in [
        "null",
        "shop.example",
        "https://shop.example/",
        "https://shop.example/x",
        "https://Shop.example",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:",
        "https://user@shop.example",
        "https://",
        "https://*.example\n",
        "",
    ] {
        let error = Config { origins: list(&[origin]), ..Config::default() }.check().unwrap_err();
        assert_eq!(error, InvalidConfig::Origin(origin.to_owned()));
    }
    let error = |config: Config| config.check().unwrap_err().to_string();
    assert!(error(Config { credentials: true, ..Config::default() }).contains("cannot go together with credentials"));
    for (says, config) in [
        ("origins: \"*\" stands alone", Config { origins: list(&["*", SHOP]), ..Config::default() }),
        ("origins: write 1 to 100", Config { origins: list(&[]), ..Config::default() }),
        (
            "headers: \"*\" cannot",
            Config { origins: list(&[SHOP]), headers: list(&["*"]), credentials: true, ..Config::default() },
        ),
        ("methods: 'get' is no method", Config { methods: list(&["get"]), ..Config::default() }),
        ("headers: 'a b' is no name", Config { headers: list(&["a b"]), ..Config::default() }),
    ] {
        let error = error(config);
        assert!(error.starts_with(says), "{error}");
    }
}
