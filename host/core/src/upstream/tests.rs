use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::{health::CheckStatus, units::HumanDuration};

fn of(address: &str) -> Registration {
    Registration::of("users".parse().unwrap(), address)
}

#[track_caller]
fn origin(text: &str, shown: &str) {
    assert_eq!(text.parse::<Origin>().unwrap().to_string(), shown);
}

#[test]
fn an_origin_is_read_in_every_form_that_people_write() {
    origin("http://h:8080", "http://h:8080");
    origin("https://API.example.com.", "https://api.example.com:443");
    origin("H2C://h", "h2c://h:80");
    origin("h:9000", "http://h:9000");
    origin("http://10.0.0.7:80/", "http://10.0.0.7:80");
    origin("[::1]:9000", "http://[::1]:9000");
    origin("https://[2001:DB8:0:0::1]", "https://[2001:db8::1]:443");
    origin("my_host.internal:1", "http://my_host.internal:1");
}

#[test]
fn what_is_no_origin_is_refused_with_the_remedy() {
    let long = "x".repeat(64);
    for (text, says) in [
        ("", "no host"),
        ("h", "write 'h:PORT'"),
        ("ftp://h", "use http://"),
        ("http://", "no host"),
        ("http://h:0", "from 1 to 65535"),
        ("http://h:+80", "from 1 to 65535"),
        ("http://h:65536", "from 1 to 65535"),
        ("http://h:", "from 1 to 65535"),
        ("http://h/path", "leave out its path"),
        ("http://h?q", "leave out its path"),
        ("h:80/", "leave out its path"),
        ("http://user:secret@h", "before the '@'"),
        ("::1", "in brackets"),
        ("http://::1:80", "in brackets"),
        ("http://[::1", "in brackets"),
        ("http://[::1]x", "in brackets"),
        ("http://[h]:80", "in brackets"),
        ("http://h h:80", "no host"),
        ("http://h..h:80", "no host"),
        ("http://ä:80", "no host"),
        (&format!("http://{long}:80"), "no host"),
    ] {
        let said = text.parse::<Origin>().unwrap_err().to_string();
        assert!(said.contains(says), "{text}: {said}");
        assert!(!said.contains("secret"), "a password is not repeated");
    }
}

#[test]
fn an_id_is_derived_from_name_host_and_port() {
    for (address, port, id) in [
        ("10.0.0.7", Some(8080), "users-10.0.0.7-8080"),
        ("10.0.0.7:8080", Some(8080), "users-10.0.0.7-8080"),
        ("https://api.example.com", None, "users-api.example.com-443"),
        ("https://api.example.com", Some(8443), "users-api.example.com-8443"),
        ("[::1]", Some(1), "users-::1-1"),
    ] {
        let registration = Registration { port, ..of(address) };
        assert_eq!(registration.check(Source::Api).unwrap().id, id);
    }
}

#[test]
fn a_registration_that_does_not_hold_names_the_member() {
    let ttl = |seconds| Some(HumanDuration(Duration::from_secs(seconds)));
    let plain = || of("h:80");
    let tls = TlsRegistration::default();
    for (registration, member) in [
        (Registration { id: Some(String::new()), ..plain() }, "id"),
        (Registration { id: Some("a b".into()), ..plain() }, "id"),
        (Registration { id: Some("x".repeat(ID_MAX + 1)), ..plain() }, "id"),
        (of(&format!("{0}.{0}.{0}:80", "x".repeat(60))), "id"),
        (Registration { version: Some("1".into()), ..plain() }, "version"),
        (of("h"), "address"),
        (Registration { port: Some(81), ..plain() }, "port"),
        (Registration { port: Some(0), ..of("h") }, "port"),
        (Registration { health: Some("healthz".into()), ..plain() }, "health"),
        (Registration { health: Some("h2c://h:1/healthz".into()), ..plain() }, "health"),
        (Registration { health: Some("/a b".into()), ..plain() }, "health"),
        (Registration { weight: Some(0), ..plain() }, "weight"),
        (Registration { weight: Some(WEIGHT_MAX + 1), ..plain() }, "weight"),
        (Registration { tls: Some(tls.clone()), ..plain() }, "tls"),
        (Registration { tls: Some(TlsRegistration { ca: Some("".into()), ..tls.clone() }), ..of("https://h") }, "tls"),
        (
            Registration { tls: Some(TlsRegistration { server_name: Some("a/b".into()), ..tls }), ..of("https://h") },
            "tls",
        ),
        (Registration { ttl: ttl(9), ..plain() }, "ttl"),
        (Registration { ttl: ttl(86_401), ..plain() }, "ttl"),
        (Registration { tags: vec![String::new()], ..plain() }, "tags"),
        (Registration { tags: vec!["x".into(); FACTS_MAX + 1], ..plain() }, "tags"),
        (Registration { metadata: [("k".into(), "x".repeat(FACT_LENGTH_MAX + 1))].into(), ..plain() }, "metadata"),
    ] {
        let invalid = registration.clone().check(Source::Api).unwrap_err();
        assert_eq!(invalid.member(), member, "{registration:?}");
        assert!(invalid.to_string().starts_with(&format!("{member}: ")), "{invalid}");
    }
    let of_config = Registration { ttl: ttl(10), ..plain() }.check(Source::Config);
    assert_eq!(of_config, Err(InvalidUpstream::TtlOfConfig));
}

#[test]
fn json_says_it_in_camel_case_and_nothing_unknown() {
    let json = serde_json::json!({
        "name": "users", "address": "https://10.0.0.7", "port": 8443, "health": "http://10.0.0.7:9000?deep=1",
        "version": "1.2.3", "tags": ["blue"], "metadata": {"zone": "a"}, "weight": 3,
        "tls": {"ca": "ca.pem", "serverName": "Users.example"}, "ttl": "30s",
    });
    let upstream = serde_json::from_value::<Registration>(json.clone()).unwrap().check(Source::Api).unwrap();
    assert_eq!((upstream.server_name(), upstream.weight), ("users.example", 3));
    let (asked, path) = upstream.health_question().unwrap();
    assert_eq!((asked.authority().as_str(), path), ("10.0.0.7:9000", "/?deep=1"));
    let mut wrong = json;
    wrong["wieght"] = 1.into();
    assert!(serde_json::from_value::<Registration>(wrong).unwrap_err().to_string().contains("wieght"));
}

#[test]
fn a_lease_ends_without_a_sign_of_life() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let ttl = Some(Duration::from_secs(30));
    for (now, ttl, health, kept) in [
        (29, ttl, CheckStatus::Unknown, true),
        (30, ttl, CheckStatus::Unknown, false),
        (30, ttl, CheckStatus::Unhealthy, false),
        (30, ttl, CheckStatus::Healthy, true),
        (9_999, None, CheckStatus::Unhealthy, true),
    ] {
        assert_eq!(lease::is_kept(at(now), start, ttl, health), kept, "{now} {health:?}");
    }
    assert_eq!(lease::deadline(start, ttl, CheckStatus::Unknown), Some(at(30)));
}

fn registrations() -> impl Strategy<Value = Registration> {
    let address = prop::sample::select(vec!["h:1", "http://h", "https://a.b:8", "h2c://[::1]:9", "https://10.0.0.1"]);
    let health = prop::sample::select(vec![None, Some("/h?x=1"), Some("https://c"), Some("http://[::2]:3/p")]);
    let tls = prop::option::of(prop::option::of(Just("a.example".to_owned())));
    let facts = (prop::collection::vec("[a-z]{1,3}", 0..3), prop::collection::btree_map("[a-z]", ".{0,3}", 0..3));
    let rest =
        (prop::option::of("[A-Za-z0-9._:-]{1,9}"), prop::option::of(1..=WEIGHT_MAX), prop::option::of(10..99u64));
    (address, health, tls, facts, rest).prop_map(|(address, health, tls, (tags, metadata), (id, weight, ttl))| {
        Registration {
            id,
            health: health.map(str::to_owned),
            tags,
            metadata,
            weight,
            ttl: ttl.map(|seconds| HumanDuration(Duration::from_secs(seconds))),
            tls: tls
                .filter(|_| address.starts_with("https"))
                .map(|server_name| TlsRegistration { ca: Some("ca.pem".into()), server_name }),
            ..of(address)
        }
    })
}

proptest! {
    #[test]
    fn what_is_kept_reads_back_the_same(registration in registrations()) {
        let upstream = registration.check(Source::Api).unwrap();
        let kept = serde_json::to_string(&Registration::from(&upstream)).unwrap();
        let back = serde_json::from_str::<Registration>(&kept).unwrap().check(Source::Api);
        prop_assert_eq!(back, Ok(upstream));
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in "(http|https|h2c)?(://)?[a-z0-9.:/@\\[\\]%-]{0,12}") {
        if let Ok(origin) = text.parse::<Origin>() {
            prop_assert_eq!(origin.to_string().parse::<Origin>().unwrap(), origin);
        }
        if let Some(target) = HealthTarget::parse(&text) {
            prop_assert_eq!(HealthTarget::parse(&target.to_string()), Some(target));
        }
    }
}
