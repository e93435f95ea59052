//! Upstreams come by config and by the admin API, are asked how they are, and are left alone when they are not well.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Raw, Recorder, Setup, UpstreamReply};

const ROUTE: &str = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
const HEALTH: &str = "[health]\nperiod = '200ms'\ntimeout = '1s'\n";

/// An upstream that is well or not, as the test says.
async fn patient() -> (Recorder, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(true));
    let asked = is_well.clone();
    let upstream = Recorder::listen(move |request| match request.target() {
        "/healthz" => UpstreamReply::Status(if asked.load(Ordering::SeqCst) { 200 } else { 503 }),
        _ => UpstreamReply::Echo,
    })
    .await;
    (upstream, is_well)
}

fn calls(upstream: &Recorder) -> usize {
    upstream.requests().iter().filter(|request| request.target().starts_with("/up/")).count()
}

async fn register(host: &Host, service: Value) -> Value {
    let answer = host.ask(Method::POST, "/api/v1/services", &service).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// The instances of a service, as discovery answers them.
async fn discovered(host: &Host, query: &str) -> BTreeSet<String> {
    let services = host.items(&format!("/api/v1/services?{query}")).await;
    let instances = services.iter().flat_map(|service| service["instances"].as_array().cloned().unwrap_or_default());
    instances.map(|instance| instance["id"].as_str().unwrap().to_owned()).collect()
}

async fn until_discovered(host: &Host, query: &str, ids: &[&str]) {
    let ids: BTreeSet<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let find = async || (discovered(host, query).await == ids).then_some(());
    host.eventually(&format!("{query} finds {ids:?}"), find).await;
}

#[tokio::test]
async fn a_service_is_registered_found_called_and_taken_back() {
    let upstream = Recorder::echo().await;
    let host = Setup::new().config(ROUTE).start().await;
    assert_eq!(host.get("/up/x").await.status, 404);
    let made = register(
        &host,
        json!({"id": "up-1", "name": "up", "address": format!("http://{}", upstream.address), "version": "1.2.3",
               "tags": ["blue", "eu"], "metadata": {"zone": "a"}, "weight": 2}),
    )
    .await;
    assert_eq!(made["id"], "up-1");
    crate::until_answered(&host, "/up/x", 200).await;
    for (query, found) in [
        ("name=up", true),
        ("name=other", false),
        ("tag=blue", true),
        ("tag=blue&tag=eu", true),
        ("tag=blue&tag=us", false),
        ("name=up&tag=eu", true),
    ] {
        assert_eq!(discovered(&host, query).await.contains("up-1"), found, "{query}");
    }
    let rows = host.get("/services").await.json();
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == "up-1").cloned().unwrap_or_default();
    assert_eq!((&row["name"], &row["version"], &row["status"]), (&json!("up"), &json!("1.2.3"), &json!("healthy")));
    assert_eq!(row["port"], upstream.address.port());
    assert_eq!((&row["tags"], &row["metadata"]), (&json!(["blue", "eu"]), &json!({"zone": "a"})));

    assert_eq!(host.ask(Method::DELETE, "/api/v1/services/up-1", &Value::Null).await.status, 204);
    crate::until_answered(&host, "/up/x", 404).await;
    assert_eq!(host.ask(Method::DELETE, "/api/v1/services/up-1", &Value::Null).await.status, 404);
    for kind in ["registry.register", "registry.deregister"] {
        let told = async || {
            let events = host.events(kind).await;
            events.into_iter().find(|event| event["data"]["id"] == "up-1")
        };
        host.eventually(&format!("{kind} is told"), told).await;
    }
}

#[tokio::test]
async fn a_registration_outlives_the_host_and_a_wrong_one_is_named() {
    let upstream = Recorder::echo().await;
    let host = Setup::new().config(ROUTE).start().await;
    let address = format!("http://{}", upstream.address);
    register(&host, json!({"id": "up-1", "name": "up", "address": address})).await;
    for (wrong, named) in [
        (json!({"address": "http://a.test"}), "name"),
        (json!({"name": "Up!", "address": "http://a.test"}), "name"),
        (json!({"name": "up"}), "address"),
        (json!({"name": "up", "address": "ftp://a.test"}), "address"),
        (json!({"name": "up", "address": "a.test:80", "weight": 0}), "weight"),
        (json!({"name": "up", "address": "a.test:80", "version": "one"}), "version"),
        (json!({"name": "up", "address": "a.test:80", "ttl": "1s"}), "ttl"),
        (json!({"name": "up", "address": "a.test:80", "helth": "/"}), "helth"),
    ] {
        let answer = host.ask(Method::POST, "/api/v1/services", &wrong).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (400, "application/problem+json"),
            "{wrong}"
        );
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{}", answer.text());
    }
    let host = host.kill().start().await;
    crate::until_answered(&host, "/up/x", 200).await;
}

#[tokio::test]
async fn a_registration_ends_with_its_time_unless_a_heartbeat_keeps_it() {
    let upstream = Recorder::echo().await;
    let host = Setup::new().config(ROUTE).start().await;
    let address = format!("http://{}", upstream.address);
    register(&host, json!({"id": "kept", "name": "up", "address": address, "ttl": "10s"})).await;
    register(&host, json!({"id": "left", "name": "up", "address": address, "ttl": "10s"})).await;
    until_discovered(&host, "name=up", &["kept", "left"]).await;
    let since = std::time::Instant::now();
    while discovered(&host, "name=up").await.contains("left") {
        let beat = host.ask(Method::PUT, "/api/v1/services/kept/heartbeat", &Value::Null).await;
        assert!(beat.status.is_success(), "{}", beat.text());
        assert!(since.elapsed().as_secs() < 60, "it stays");
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    assert!(since.elapsed().as_secs() >= 9, "it went after {:?}", since.elapsed());
    until_discovered(&host, "name=up", &["kept"]).await;
    assert_eq!(host.ask(Method::PUT, "/api/v1/services/left/heartbeat", &Value::Null).await.status, 404);
    assert_eq!(host.get("/up/x").await.status, 200);
}

#[tokio::test]
async fn an_instance_that_is_not_well_is_left_out_until_it_is() {
    let ((a, a_is_well), (b, _)) = (patient().await, patient().await);
    let upstreams = [("a", &a), ("b", &b)]
        .map(|(id, upstream)| format!("{}id = '{id}'\nhealth = '/healthz'\n", upstream.upstream("up")));
    let host = Setup::new().config(&format!("{HEALTH}{ROUTE}{}", upstreams.concat())).start().await;
    until_discovered(&host, "name=up", &["a", "b"]).await;
    for _ in 0..20 {
        assert_eq!(host.get("/up/x").await.status, 200);
    }
    assert!(calls(&a) == 10 && calls(&b) == 10, "in turn: {} and {}", calls(&a), calls(&b));

    a_is_well.store(false, Ordering::SeqCst);
    until_discovered(&host, "name=up", &["b"]).await;
    let before = calls(&a);
    for _ in 0..20 {
        assert_eq!(host.get("/up/x").await.status, 200);
    }
    assert_eq!((calls(&a), calls(&b)), (before, 30));
    a_is_well.store(true, Ordering::SeqCst);
    until_discovered(&host, "name=up", &["a", "b"]).await;
    let changes = async || {
        let events = host.events("registry.status-change").await;
        let of_a: Vec<_> = events.iter().filter(|event| event["data"]["id"] == "a").collect();
        let statuses: Vec<_> = of_a.iter().filter_map(|event| event["data"]["status"].as_str()).collect();
        (statuses.ends_with(&["unhealthy", "healthy"])).then_some(())
    };
    host.eventually("each change is told", changes).await;
}

#[tokio::test]
async fn the_last_one_that_is_not_well_is_a_refusal_that_says_when_to_come_back() {
    let (a, is_well) = patient().await;
    let upstream = format!("{}id = 'a'\nhealth = '/healthz'\n", a.upstream("up"));
    let host = Setup::new().config(&format!("{HEALTH}{ROUTE}{upstream}")).start().await;
    crate::until_answered(&host, "/up/x", 200).await;
    is_well.store(false, Ordering::SeqCst);
    crate::until_answered(&host, "/up/x", 503).await;
    let before = calls(&a);
    let answer = host.get("/up/x").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &json!("SY2008")), "{}", answer.text());
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(calls(&a), before);
    is_well.store(true, Ordering::SeqCst);
    crate::until_answered(&host, "/up/x", 200).await;
}

/// More than half of at least three that fail at once say more of the way to them than of them.
#[tokio::test]
async fn when_most_fail_at_once_none_is_left_out() {
    let patients = [patient().await, patient().await, patient().await];
    let upstreams: String = std::iter::zip(["a", "b", "c"], &patients)
        .map(|(id, (upstream, _))| format!("{}id = '{id}'\nhealth = '/healthz'\n", upstream.upstream("up")))
        .collect();
    let host = Setup::new().config(&format!("{HEALTH}{ROUTE}{upstreams}")).start().await;
    until_discovered(&host, "name=up", &["a", "b", "c"]).await;
    for (_, is_well) in &patients[..2] {
        is_well.store(false, Ordering::SeqCst);
    }
    until_discovered(&host, "name=up", &["c"]).await;
    let before = patients.each_ref().map(|(upstream, _)| calls(upstream));
    for _ in 0..30 {
        assert_eq!(host.get("/up/x").await.status, 200);
    }
    for (place, (upstream, _)) in patients.iter().enumerate() {
        assert_eq!(calls(upstream) - before[place], 10, "{place}");
    }
}

#[tokio::test]
async fn a_call_that_found_nobody_is_tried_at_another() {
    let upstream = Recorder::echo().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!("{ROUTE}{}[[upstream]]\nname = 'up'\naddress = '{gone}'\n", upstream.upstream("up"));
    let host = Setup::new().config(&config).start().await;
    for n in 0..20 {
        // Nothing was sent to the one that is gone, so that even a POST may go to the other.
        let answer = host.send(Method::POST, "/up/x", &n.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(calls(&upstream), 20);
}

#[tokio::test]
async fn what_happens_is_told_to_who_watches() {
    let upstream = Recorder::echo().await;
    let host = Setup::new().start().await;
    let mut watch = Raw::connect(host.admin).await;
    watch.send(format!("GET /api/v1/watch HTTP/1.1\r\nHost: {}\r\n\r\n", host.admin)).await;
    watch.until("retry: ").await;
    let address = format!("http://{}", upstream.address);
    register(&host, json!({"id": "up-1", "name": "up", "address": address})).await;
    let text = watch.until("event: registry.register\n").await;
    let text = text + &watch.until("up-1").await;
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert!(!ids.is_empty(), "{text}");
    drop(watch);
    host.ask(Method::DELETE, "/api/v1/services/up-1", &Value::Null).await;
    // Who comes back with the last id misses nothing.
    let mut again = Raw::connect(host.admin).await;
    let last = ids.last().unwrap();
    again.send(format!("GET /api/v1/watch HTTP/1.1\r\nHost: {}\r\nLast-Event-ID: {last}\r\n\r\n", host.admin)).await;
    again.until("event: registry.deregister\n").await;
}

#[tokio::test]
async fn a_route_by_the_api_is_live_at_once_wins_and_outlives_the_host() {
    let (a, b) = (Recorder::echo().await, Recorder::echo().await);
    let config = format!("{}{}[[route]]\npath = '/x/*'\nservice = 'a'\n", a.upstream("a"), b.upstream("b"));
    let host = Setup::new().config(&config).start().await;
    assert_eq!(host.get("/x/1").await.status, 200);
    let answer = host.ask(Method::POST, "/api/v1/routes", &json!({"path": "/x/*", "service": "b"})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(host.get("/x/2").await.status, 200);
    assert_eq!((a.requests().len(), b.requests().len()), (1, 1));
    let host = host.kill().start().await;
    assert_eq!(host.get("/x/3").await.status, 200);
    assert_eq!((a.requests().len(), b.requests().len()), (1, 2));
    assert_eq!(host.ask(Method::DELETE, &format!("/api/v1/routes/{id}"), &Value::Null).await.status, 204);
    assert_eq!(host.get("/x/4").await.status, 200);
    assert_eq!((a.requests().len(), b.requests().len()), (2, 2));
}

#[tokio::test]
async fn metrics_are_kept_by_service() {
    let upstream = Recorder::listen(|request| match request.target() {
        "/up/bad" => UpstreamReply::Status(404),
        _ => UpstreamReply::Echo,
    })
    .await;
    let host =
        Setup::new().plugin("hello", "hello").config(&format!("{ROUTE}{}", upstream.upstream("up"))).start().await;
    for path in ["/up/x", "/up/x", "/up/x", "/up/bad", "/hello/"] {
        host.get(path).await;
    }
    let metrics = async |name: &str| host.admin(&format!("/api/v1/services/{name}")).await.json()["metrics"].clone();
    let up = metrics("up").await;
    assert_eq!(
        (&up["requestCount"], &up["errorCount"], &up["errorRate"]),
        (&json!(4), &json!(1), &json!(25.0)),
        "{up:#}"
    );
    for member in ["averageResponseTime", "p50", "p95", "p99"] {
        assert!(up[member].is_number(), "{member}: {up:#}");
    }
    assert_eq!(metrics("hello").await["requestCount"], 1);
}
