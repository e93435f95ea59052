//! What `/metrics` says of a host that was asked a known number of times, and what the access log does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use http::Method;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use serde_json::{Value, json};
use switchyard_tests::{
    Backend, Host, Setup,
    bus::event,
    otlp::{Collector, attributes},
};

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

/// The series of a host at one moment, by name and labels, as they are written.
struct Scrape(BTreeMap<String, f64>);

// === impl Scrape ===

impl Scrape {
    async fn of(host: &Host) -> Self {
        let answer = host.admin("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let mut series = BTreeMap::new();
        let text = answer.text();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(series.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name} comes twice");
        }
        Self(series)
    }

    /// The value of a series.
    #[track_caller]
    fn get(&self, series: &str) -> f64 {
        let family = series.split('{').next().unwrap();
        let same: Vec<_> = self.0.keys().filter(|name| name.starts_with(family)).collect();
        *self.0.get(series).unwrap_or_else(|| panic!("no {series}; there are {same:#?}"))
    }

    fn names(&self) -> BTreeSet<&String> {
        self.0.keys().collect()
    }

    /// The names of all families.
    fn families(&self) -> BTreeSet<&str> {
        let names = self.0.keys().filter_map(|name| name.split('{').next());
        let of_histogram = |name: &&str| ["_bucket", "_sum"].iter().any(|end| name.ends_with(end));
        let names = names.filter(|name| !of_histogram(name));
        names.map(|name| name.strip_suffix("_seconds_count").map_or(name, |_| &name[..name.len() - 6])).collect()
    }

    /// The sum of all series of this name.
    fn sum(&self, name: &str) -> f64 {
        let of_it = self.0.iter().filter(|(series, _)| series.split('{').next() == Some(name));
        of_it.map(|(_, value)| value).sum()
    }
}

/// How often a request of this kind was counted.
fn requests(method: &str, status: u16, route: Option<&str>) -> String {
    let route = route.map(|route| format!("http_route=\"{route}\",")).unwrap_or_default();
    format!(
        "http_server_request_duration_seconds_count{{http_request_method=\"{method}\",http_response_status_code=\"\
         {status}\",{route}url_scheme=\"http\"}}"
    )
}

/// Asks for things so often as the test below expects.
async fn use_it(host: &Host) {
    let body = json!({"name": "ann", "email": "ann@example.com"}).to_string();
    for (method, path, body, times, status) in [
        (Method::GET, "/api/users", "", 7, 200),
        (Method::POST, "/api/users", &*body, 1, 201),
        (Method::GET, "/api/users/nobody", "", 3, 404),
        (Method::GET, "/rogue/trap", "", 2, 502),
        (Method::GET, "/up/status/200", "", 4, 200),
        (Method::GET, "/up/status/418", "", 2, 418),
        (Method::GET, "/nowhere/at/all", "", 5, 404),
        (Method::from_bytes(b"BREW").unwrap(), "/nowhere", "", 1, 404),
        (Method::GET, "/health", "", 1, 200),
    ] {
        for _ in 0..times {
            let answer = host.send(method.clone(), path, body).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        }
    }
    for id in ["1", "2", "3"] {
        host.publish(event("orders.made", id, json!({}))).await;
    }
    host.enqueue("mail", json!({"data": 1})).await;
    host.enqueue("mail", json!({"data": 2})).await;
    host.lease("mail", json!({"max": 1})).await;
}

#[tokio::test]
async fn figures_are_exactly_what_happened() {
    let backend = Backend::listen("one").await;
    let config =
        format!("{}[[route]]\npath = '/up/*'\nstrip-prefix = '/up'\nservice = 'up'\n", backend.upstream("up", ""));
    let host = Setup::new().plugin("users", "user-service").plugin("rogue", "rogue").config(&config).start().await;

    use_it(&host).await;
    let figures = Scrape::of(&host).await;
    // A path below a pattern is counted with the pattern.
    let users = figures.0.keys().filter(|name| name.contains("http_route=\"/api/users") && name.contains("_count{"));
    let routes: BTreeSet<_> = users.filter_map(|name| name.split("http_route=\"").nth(1)?.split('"').next()).collect();
    assert!(!routes.iter().any(|route| route.contains("nobody")), "{routes:?}");
    let of_users = |status: u16| {
        let all = routes.iter().filter_map(|route| figures.0.get(&requests("GET", status, Some(*route))));
        all.sum::<f64>()
    };
    assert_eq!((of_users(200), of_users(404)), (7.0, 3.0));
    assert_eq!(figures.get(&requests("GET", 502, Some("/rogue/*"))), 2.0);
    assert_eq!(figures.get(&requests("GET", 418, Some("/up/*"))), 2.0);
    assert_eq!(figures.get(&requests("GET", 404, None)), 5.0);
    assert_eq!(figures.get(&requests("_OTHER", 404, None)), 1.0);
    assert!(figures.get(&requests("GET", 200, Some("/health"))) >= 1.0);

    for (series, value) in [
        ("switchyard_gateway_refusals_total{error_type=\"SY1001\"}", 6.0),
        ("switchyard_gateway_refusals_total{error_type=\"SY2001\"}", 2.0),
        (
            "switchyard_service_calls_total{switchyard_service=\"rogue\",switchyard_role=\"http\",switchyard_outcome=\"failed\"}",
            2.0,
        ),
        ("switchyard_service_call_duration_seconds_count{switchyard_service=\"rogue\"}", 2.0),
        ("switchyard_service_active_calls{switchyard_service=\"user-service\"}", 0.0),
        ("switchyard_service_instances{switchyard_service=\"up\",switchyard_health=\"healthy\"}", 1.0),
        ("switchyard_breakers{switchyard_service=\"rogue\",switchyard_breaker_state=\"closed\"}", 1.0),
        ("switchyard_breakers{switchyard_service=\"rogue\",switchyard_breaker_state=\"open\"}", 0.0),
        ("switchyard_topic_published_total{messaging_destination_name=\"orders.made\"}", 3.0),
        ("switchyard_queue_enqueued_total{messaging_destination_name=\"mail\"}", 2.0),
        ("switchyard_queue_size{messaging_destination_name=\"mail\"}", 1.0),
        ("switchyard_queue_in_flight{messaging_destination_name=\"mail\"}", 1.0),
        ("switchyard_sagas{switchyard_saga_status=\"stuck\"}", 0.0),
        ("switchyard_plugins{switchyard_plugin_state=\"active\"}", 2.0),
        ("switchyard_host_events_total{switchyard_event_type=\"plugin.active\"}", 2.0),
    ] {
        assert_eq!(figures.get(series), value, "{series}");
    }
    // Its health path is asked, too.
    let calls = "switchyard_service_calls_total{switchyard_service=\"user-service\",switchyard_role=\"http\",\
                 switchyard_outcome=\"ok\"}";
    assert!(figures.get(calls) >= 11.0, "{}", figures.get(calls));
    let upstream = |status| {
        format!(
            "http_client_request_duration_seconds_count{{http_request_method=\"GET\",http_response_status_code=\"{status}\",\
             server_address=\"127.0.0.1\",server_port=\"{}\",url_scheme=\"http\",switchyard_service=\"up\"}}",
            backend.at.port()
        )
    };
    assert_eq!((figures.get(&upstream(200)), figures.get(&upstream(418))), (4.0, 2.0));
    for above_zero in [
        "switchyard_service_cpu_time_seconds_total",
        "switchyard_service_memory_usage_bytes",
        "switchyard_gateway_connections_accepted_total",
        "switchyard_compile_duration_seconds_count",
        "switchyard_store_commits_total",
        "switchyard_store_sync_duration_seconds_count",
        "switchyard_store_file_size_bytes",
        "switchyard_store_disk_free_bytes",
        "switchyard_code_mapped_size_bytes",
        "process_memory_usage_bytes",
        "process_open_file_descriptor_count",
        "process_uptime_seconds",
    ] {
        assert!(figures.sum(above_zero) > 0.0, "{above_zero}");
    }
    assert_eq!(figures.sum("target_info"), 1.0);
    let told = std::fs::read_to_string(switchyard_tests::root().join("host/METRICS.md")).unwrap();
    for name in figures.families() {
        assert!(told.contains(&format!("| `{name}` |")), "METRICS.md does not tell of {name}");
    }
}

#[tokio::test]
async fn paths_that_somebody_made_up_are_no_series() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let mut client = host.client().await;
    client.get("/hello/a").await.unwrap();
    client.get("/nowhere").await.unwrap();
    // What compiles it for good makes series of its own.
    host.until("hello", "optimised", |plugin| plugin["tier"] == "optimised").await;
    let before = Scrape::of(&host).await;
    for number in 0..5_000 {
        let path = if number % 10 == 0 { "hello" } else { "nowhere" };
        client.get(&format!("/{path}/{number}/{}", number * 7)).await.unwrap();
    }
    let after = Scrape::of(&host).await;
    let new: Vec<_> = after.names().difference(&before.names()).map(|name| (*name).clone()).collect();
    assert!(new.is_empty(), "{new:#?}");
    let count = requests("GET", 404, None);
    assert_eq!(after.get(&count) - before.get(&count), 4_500.0);
}

#[tokio::test]
async fn either_format_is_to_be_had_and_nothing_changes_by_asking() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let answer = host.ask_with(Method::GET, "/metrics", &[("accept", OPEN_METRICS)], "").await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.text();
    assert!(
        text.ends_with("# EOF\n") && text.contains("# UNIT http_server_request_duration_seconds seconds\n")
            || !text.contains("http_server"),
        "{text}"
    );
    let head = host.ask_with(Method::HEAD, "/metrics", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let refused = host.ask_with(Method::POST, "/metrics", &[], "").await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn a_route_counts_on_when_its_plugin_is_replaced() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    host.get("/hello").await;
    host.rename_into_place("hello", &switchyard_tests::component_bytes("hello-next"));
    host.until("hello", "the next generation serves", |plugin| plugin["generation"] == 2).await;
    host.get("/hello").await;
    let figures = Scrape::of(&host).await;
    let requests: f64 = figures.sum("http_server_request_duration_seconds_count");
    let of_hello: f64 = figures
        .0
        .iter()
        .filter(|(name, _)| {
            name.starts_with("http_server_request_duration_seconds_count") && name.contains("http_route=\"/hello")
        })
        .map(|(_, value)| value)
        .sum();
    assert!(of_hello >= 2.0 && requests >= of_hello, "{of_hello} of {requests}");
    let calls = "switchyard_service_calls_total{switchyard_service=\"hello\",switchyard_role=\"http\",switchyard_outcome=\"ok\"}";
    assert_eq!(figures.get(calls), 2.0);
}

#[tokio::test]
async fn the_access_log_has_a_line_for_each_request_and_no_query() {
    let config = "[gateway]\naccess-log = 'json'\n";
    let host = Setup::new().plugin("hello", "hello").config(config).start().await;
    let mut client = host.client().await;
    let headers = [("user-agent", "tester/1"), ("authorization", "Bearer hidden-token")];
    let answer = client.send_with(Method::GET, "/hello/a?secret=hidden-query", &headers, "").await.unwrap();
    let id = answer.header("x-gateway-request-id").to_owned();
    client.get("/nowhere").await.unwrap();
    let log = host.eventually("both lines are there", async || {
        Some(host.log()).filter(|log| log.contains("\"url.path\":\"/nowhere\""))
    });
    let log = log.await;
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = lines.iter().find(|line| line["url.path"] == "/hello/a").unwrap();
    assert_eq!(line["http.request.method"], "GET");
    assert_eq!(line["http.response.status_code"], 200);
    assert_eq!(line["http.response.body.size"], answer.body.len());
    assert_eq!(line["switchyard.service"], "hello");
    assert_eq!(line["switchyard.request.id"], *id);
    assert_eq!(line["user_agent.original"], "tester/1");
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
    assert!(line["http.route"].as_str().is_some_and(|route| route.starts_with("/hello")), "{line}");
    let unmatched = lines.iter().find(|line| line["url.path"] == "/nowhere").unwrap();
    assert_eq!((&unmatched["http.response.status_code"], &unmatched["http.route"]), (&json!(404), &Value::Null));
    assert!(!log.contains("hidden"), "{log}");
}

#[tokio::test]
async fn an_access_log_in_text_is_what_web_servers_write() {
    let host = Setup::new().plugin("hello", "hello").config("[gateway]\naccess-log = true\n").start().await;
    let mut client = host.client().await;
    for number in 0..200 {
        client.get(&format!("/hello/{number}")).await.unwrap();
    }
    let all = host.eventually("all lines are there", async || {
        let log = host.log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("\"GET /hello/")).map(str::to_owned).collect();
        Some(lines).filter(|lines| lines.len() == 200)
    });
    let first = all.await.remove(0);
    assert!(first.starts_with("127.0.0.1 - - ["), "{first}");
    assert!(first.contains(" +0000] \"GET /hello/0 HTTP/1.1\" 200 "), "{first}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_the_same_figures_the_last_ones_at_the_stop() {
    let collector = Collector::listen().await;
    let config = collector.telemetry() + "metrics-interval = '1h'\n";
    let host = Setup::new().plugin("hello", "hello").config(&config).start().await;
    for _ in 0..3 {
        assert_eq!(host.get("/hello/").await.status, 200);
    }
    assert!(host.stop().1.success());
    let sent = collector.metrics();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    let resource = &sent[0].resource_metrics[0];
    let named = resource.resource.as_ref().unwrap().attributes.iter().any(|attribute| attribute.key == "service.name");
    assert!(named, "{:#?}", resource.resource);
    let metrics = &resource.scope_metrics[0].metrics;
    let requests = metrics.iter().find(|metric| metric.name == "http.server.request.duration").unwrap();
    let Some(Data::Histogram(durations)) = &requests.data else { panic!("{requests:#?}") };
    let of_hello = durations.data_points.iter().find(|point| {
        attributes(point.attributes.clone())
            .get("http.route")
            .is_some_and(|route| format!("{route:?}").contains("/hello"))
    });
    let point = of_hello.unwrap();
    assert_eq!(point.count, 3);
    assert!(point.start_time_unix_nano > 0 && point.start_time_unix_nano < point.time_unix_nano);
}

#[tokio::test]
async fn a_request_is_active_until_its_response_has_left() {
    let backend = Backend::listen("slow").await;
    backend.set_delay(Duration::from_secs(2));
    let host =
        Setup::new().config(&(backend.upstream("up", "") + "[[route]]\npath = '/up'\nservice = 'up'\n")).start().await;
    let active = async |count: f64| {
        let figures = Scrape::of(&host).await;
        (figures.sum("http_server_active_requests") - count).abs().lt(&0.5).then_some(())
    };
    let mut client = host.client().await;
    let asked = tokio::spawn(async move { client.get("/up").await.unwrap().status });
    host.eventually("it is under way", async || active(1.0).await).await;
    assert_eq!(asked.await.unwrap(), 200);
    host.eventually("it has left", async || active(0.0).await).await;
}
