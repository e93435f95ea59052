//! Ordinary servers behind the gateway: by the configuration and by the admin API, in sickness and in health.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Backend, Client, Host, Setup};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Checks often, so that nobody waits for them.
const HEALTH: &str = "[health]\nperiod = '100ms'\ntimeout = '2s'\nunhealthy = 2\nhealthy = 2\n";

fn route(path: &str, service: &str) -> String {
    format!("[[route]]\npath = '{path}'\nservice = '{service}'\n")
}

fn write(host: &Host, config: &str) {
    // Renamed into place, as editors and mounted configurations do.
    let (file, temporary) = (host.path().join("switchyard.toml"), host.path().join("switchyard.toml.new"));
    fs::write(&temporary, config).unwrap();
    fs::rename(temporary, file).unwrap();
}

/// A service as the admin API shows it, with all of its instances; null when it is not there.
async fn service(host: &Host, name: &str) -> Value {
    let answer = host.admin(&format!("/api/v1/services/{name}?all=true")).await;
    if answer.status == 200 { answer.json() } else { Value::Null }
}

/// The ids of its instances.
async fn ids(host: &Host, name: &str) -> Vec<String> {
    let service = service(host, name).await;
    let instances = service["instances"].as_array().cloned().unwrap_or_default();
    instances.iter().map(|instance| instance["id"].as_str().unwrap().to_owned()).collect()
}

async fn until_instances(host: &Host, name: &str, count: usize) -> Vec<String> {
    let find = async || Some(ids(host, name).await).filter(|ids| ids.len() == count);
    host.eventually(&format!("{name} has {count} instances"), find).await
}

async fn register(host: &Host, body: Value) -> String {
    let answer = host.ask(Method::POST, "/api/v1/services", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Who answered.
async fn backend(host: &Host, path: &str) -> String {
    let answer = host.get(path).await;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), host.log());
    answer.json()["backend"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_of_the_configuration_answers_its_route() {
    let users = Backend::listen("one").await;
    let config = users.upstream("users", "tags = ['blue']\nversion = '1.2.3'")
        + &route("/users/*", "users")
        + "strip-prefix = '/users'\nheaders = { x-tenant = 'a' }\n";
    let host = Setup::new().config(&config).start().await;
    let mut client = host.client().await;
    assert_eq!(client.get("/users/7").await.unwrap().status, 404, "the header is missing");
    let headers = [("x-tenant", "a"), ("x-auth-subject", "nobody")];
    let answer = client.send_with(Method::POST, "/users/7?a=b", &headers, "body").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let got = answer.json();
    assert_eq!((&got["path"], &got["query"], &got["body"]), (&json!("/7"), &json!("a=b"), &json!("body")));
    assert_eq!((&got["headers"]["x-service-name"], &got["headers"]["x-auth-subject"]), (&json!("users"), &Value::Null));
    assert!(got["headers"]["x-gateway-request-id"].is_string(), "{got:#}");

    let shown = service(&host, "users").await;
    let instance = &shown["instances"][0];
    assert_eq!((&instance["source"], &instance["version"]), (&json!("config"), &json!("1.2.3")));
    assert_eq!((&instance["port"], &shown["status"]), (&json!(users.at.port()), &json!("healthy")));
    let routes = host.items("/api/v1/routes").await;
    assert_eq!((&routes[0]["service"], &routes[0]["headers"]["x-tenant"]), (&json!("users"), &json!("a")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_admin_api_was_asked_for_is_there_after_a_restart() {
    let users = Backend::listen("one").await;
    let host = Setup::new().config(HEALTH).start().await;
    let id = register(&host, json!({"name": "users", "address": users.at.to_string(), "health": "/healthz"})).await;
    assert_eq!(host.get("/u/").await.status, 404);
    let made = host.ask(Method::POST, "/api/v1/routes", &json!({"path": "/u/*", "service": "users"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let route = made.json()["id"].as_str().unwrap().to_owned();
    // What is answered is live.
    assert_eq!(backend(&host, "/u/1").await, "one");

    let (setup, status) = host.stop();
    assert!(status.success());
    let host = setup.start().await;
    assert_eq!(backend(&host, "/u/1").await, "one");
    let shown = service(&host, "users").await;
    assert_eq!((&shown["instances"][0]["id"], &shown["instances"][0]["source"]), (&json!(id), &json!("api")));

    let host = host.kill().start().await;
    assert_eq!(backend(&host, "/u/1").await, "one");
    let answer = host.ask(Method::DELETE, &format!("/api/v1/services/{id}"), &Value::Null).await;
    assert_eq!(answer.status, 204);
    assert_eq!(host.get("/u/1").await.status, 404);
    register(&host, json!({"name": "users", "address": users.at.to_string()})).await;
    assert_eq!(backend(&host, "/u/1").await, "one");
    let answer = host.ask(Method::DELETE, &format!("/api/v1/routes/{route}"), &Value::Null).await;
    assert_eq!(answer.status, 204);
    assert_eq!(host.get("/u/1").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_no_heartbeat_is_gone_after_its_time_to_live() {
    let users = Backend::listen("one").await;
    let host = Setup::new().config(HEALTH).start().await;
    let of = |id: &str, health: Option<&str>| json!({"id": id, "name": "users", "address": users.at.to_string(), "ttl": "10s", "health": health});
    for registration in [of("silent", None), of("beats", None), of("asked", Some("/healthz"))] {
        register(&host, registration).await;
    }
    let find = async || {
        let beat = host.ask(Method::PUT, "/api/v1/services/beats/heartbeat", &Value::Null).await;
        assert_eq!(beat.status, 200, "{}", beat.text());
        Some(ids(&host, "users").await).filter(|ids| !ids.contains(&"silent".to_owned()))
    };
    let left = host.eventually("the silent one is gone", find).await;
    assert_eq!(left, ["asked", "beats"]);
    let told = async || {
        let events = host.events("registry.deregister").await;
        Some(events).filter(|events| !events.is_empty())
    };
    let events = host.eventually("it is told", told).await;
    assert_eq!((&events[0]["data"]["id"], &events[0]["subject"]), (&json!("silent"), &json!("users")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstreams_come_and_go_with_the_configuration_and_no_request_fails() {
    let (one, two) = (Backend::listen("one").await, Backend::listen("two").await);
    for backend in [&one, &two] {
        backend.set_delay(Duration::from_millis(20));
    }
    let first = one.upstream("users", "") + &route("/u/*", "users");
    let host = Setup::new().config(&first).start().await;

    let is_over = Arc::new(AtomicBool::new(false));
    let gateway = host.gateway;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let is_over = Arc::clone(&is_over);
            tokio::spawn(async move {
                let mut client = Client::connect(gateway).await.unwrap();
                let mut count = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let answer = client.get("/u/1").await.unwrap();
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    count += 1;
                }
                count
            })
        })
        .collect();

    write(&host, &(first.clone() + &two.upstream("users", "")));
    until_instances(&host, "users", 2).await;
    let used = async || (two.requests() > 20).then_some(());
    host.eventually("the second answers, too", used).await;
    write(&host, &(two.upstream("users", "") + &route("/u/*", "users")));
    let left = until_instances(&host, "users", 1).await;
    assert_eq!(left, [format!("users-127.0.0.1-{}", two.at.port())]);
    // Those under way with the first have a while to finish.
    let after = one.requests();
    let quiet = async || (two.requests() > after + 100).then_some(());
    host.eventually("the second answers alone", quiet).await;
    let late = one.requests();
    is_over.store(true, Ordering::SeqCst);
    let mut count = 0;
    for client in clients {
        count += client.await.unwrap();
    }
    assert!(count > 100, "{count}");
    assert_eq!(one.requests(), late);
    assert_eq!(one.requests() + two.requests(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_ill_gets_nothing_until_it_is_well_again_and_both_are_told() {
    let (one, two) = (Backend::listen("one").await, Backend::listen("two").await);
    let health = "health = '/healthz'";
    let config = HEALTH.to_owned()
        + &one.upstream("users", &format!("{health}\nid = 'one'"))
        + &two.upstream("users", &format!("{health}\nid = 'two'"))
        + &route("/u/*", "users");
    let host = Setup::new().config(&config).start().await;
    let status = async |id: &str, status: &str| {
        let find = async || {
            let service = service(&host, "users").await;
            let found = service["instances"].as_array()?.iter().find(|instance| instance["id"] == id).cloned()?;
            (found["status"] == status).then_some(found)
        };
        host.eventually(&format!("{id} is {status}"), find).await
    };
    status("one", "healthy").await;
    status("two", "healthy").await;
    one.set_ill(true);
    let ill = status("one", "unhealthy").await;
    assert!(ill["health"]["error"].as_str().unwrap().contains("500"), "{ill:#}");
    let before = one.requests();
    for _ in 0..10 {
        assert_eq!(backend(&host, "/u/1").await, "two");
    }
    assert_eq!(one.requests(), before);

    two.set_ill(true);
    status("two", "unhealthy").await;
    let answer = host.get("/u/1").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &json!("SY2008")), "{}", answer.text());
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);

    one.set_ill(false);
    status("one", "healthy").await;
    assert_eq!(backend(&host, "/u/1").await, "one");
    let told = async || {
        let events = host.events("registry.status-change").await;
        Some(events).filter(|events| events.len() >= 5)
    };
    let events = host.eventually("each change is told", told).await;
    let of = |id: &str| -> Vec<Value> {
        let of_id = events.iter().filter(|event| event["data"]["id"] == id);
        of_id.map(|event| event["data"]["status"].clone()).collect()
    };
    assert_eq!(of("one"), ["healthy", "unhealthy", "healthy"]);
    assert_eq!(of("two"), ["healthy", "unhealthy"]);
}

/// What a watcher reads until this is in it.
async fn watch(host: &Host, last: Option<&str>, until: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(host.admin).await.unwrap();
    let last = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
    let request = format!("GET /api/v1/watch?topic=registry.* HTTP/1.1\r\nhost: localhost\r\n{last}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut lines, mut seen) = (BufReader::new(stream).lines(), String::new());
    let read = async {
        while !seen.contains(until) {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("the stream ended: {seen}"));
            seen.push_str(&line);
            seen.push('\n');
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap_or_else(|_| panic!("no {until}: {seen}"));
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plugin_of_a_service_comes_before_its_upstreams() {
    let beside = Backend::listen("beside").await;
    let config = beside.upstream("hello", "") + &route("/h/*", "hello");
    let host = Setup::new().plugin("hello", "hello").config(&config).start().await;
    let local = async || host.get("/h/").await.text() == "hello";
    for _ in 0..20 {
        assert!(local().await, "{}", host.log());
    }
    assert_eq!(until_instances(&host, "hello", 2).await.len(), 2);

    // While it refuses, the other one answers, and nobody notices.
    let breakers = host.items("/api/v1/breakers").await;
    let of_plugin = breakers.iter().find(|breaker| breaker["instance"].as_str().unwrap().starts_with("hello-1"));
    let id = of_plugin.unwrap_or(&breakers[0])["id"].as_str().unwrap().to_owned();
    let act = async |action: &str| {
        let answer = host.ask(Method::POST, &format!("/api/v1/breakers/{id}/{action}"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    act("open").await;
    for _ in 0..20 {
        assert_eq!(backend(&host, "/h/").await, "beside");
    }
    act("reset").await;
    assert!(local().await, "{}", host.log());

    fs::remove_file(host.plugin_file("hello")).unwrap();
    until_instances(&host, "hello", 1).await;
    assert_eq!(backend(&host, "/h/").await, "beside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_sign_of_life_is_shown() {
    let users = Backend::listen("one").await;
    let host = Setup::new().start().await;
    register(&host, json!({"name": "users", "address": users.at.to_string(), "id": "one", "ttl": "60s"})).await;
    let beat = host.ask(Method::PUT, "/api/v1/services/one/heartbeat", &Value::Null).await.json();
    let shown = async || host.get("/services").await.json()[0]["lastHeartbeat"].as_str().unwrap().to_owned();
    let (first, told) = (shown().await, beat["lastHeartbeat"].as_str().unwrap());
    // Of the same moment, noted a little later; and it stays while nothing is heard.
    assert!(first.as_str() >= told, "{first}, {told}");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(shown().await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_goes_on_where_it_was() {
    let host = Setup::new().start().await;
    let address = "10.0.0.1:80";
    // What happens is told to those who watch by then, so it has to happen until somebody does.
    let happen = async {
        loop {
            register(&host, json!({"id": "a", "name": "users", "address": address})).await;
            let answer = host.ask(Method::DELETE, "/api/v1/services/a", &Value::Null).await;
            assert_eq!(answer.status, 204);
        }
    };
    let first = tokio::select! {
        first = watch(&host, None, "\"id\":\"a\"") => first,
        () = happen => unreachable!("it happens on and on"),
    };
    assert!(first.contains("text/event-stream") && first.contains("event: registry.register"), "{first}");
    let id = first.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
    register(&host, json!({"id": "b", "name": "users", "address": address})).await;
    let rest = watch(&host, Some(id), "\"id\":\"b\"").await;
    assert!(!rest.contains("event: gap") && !rest.contains(&format!("id: {id}\n")), "{rest}");
    assert!(watch(&host, Some("1-1"), "\"id\":\"b\"").await.contains("event: gap"));
    let (_, status) = host.stop();
    assert!(status.success(), "those who watch keep nobody from stopping");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_for_each_service() {
    let (users, orders) = (Backend::listen("one").await, Backend::listen("two").await);
    let config = users.upstream("users", "")
        + &orders.upstream("orders", "")
        + &route("/u/*", "users")
        + &route("/status/*", "orders");
    let host = Setup::new().config(&config).start().await;
    for _ in 0..4 {
        assert_eq!(host.get("/u/1").await.status, 200);
    }
    for path in ["/status/404", "/status/200"] {
        host.get(path).await;
    }
    let metrics = async |name: &str| service(&host, name).await["metrics"].clone();
    let counted = async || {
        let (users, orders) = (metrics("users").await, metrics("orders").await);
        (users["requestCount"] == 4 && orders["requestCount"] == 2).then_some((users, orders))
    };
    let (users, orders) = host.eventually("all are counted", counted).await;
    assert_eq!((&users["errorCount"], &users["errorRate"]), (&json!(0), &json!(0.0)));
    assert_eq!((&orders["errorCount"], &orders["errorRate"]), (&json!(1), &json!(50.0)));
    for member in ["averageResponseTime", "p50", "p95", "p99"] {
        assert!(users[member].as_f64().unwrap() > 0.0, "{users:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_registers_and_routes() {
    let users = Backend::listen("one").await;
    let host = Setup::new().start().await;
    let at = users.at.to_string();
    let (code, text) = host.tell(&["services", "register", "users", &at, "--id", "one", "--tag", "blue"]);
    assert_eq!((code, text.trim()), (Some(0), "one is registered"));
    let (code, text) = host.tell(&["routes", "add", "/u/*", "users", "--strip-prefix", "/u"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(backend(&host, "/u/1").await, "one");
    let (code, text) = host.tell(&["services"]);
    assert!(code == Some(0) && text.contains("users    one       127.0.0.1"), "{text}");
    let (code, text) = host.tell(&["services", "heartbeat", "one"]);
    assert_eq!((code, text.trim()), (Some(0), "one lives"));
    let (code, text) = host.tell(&["routes"]);
    assert!(code == Some(0) && text.contains("/u/*") && text.contains("api"), "{text}");
    let id = host.items("/api/v1/routes").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(host.tell(&["routes", "remove", &id]).0, Some(0));
    let (code, text) = host.tell(&["services", "deregister", "one"]);
    assert_eq!((code, text.trim()), (Some(0), "one is deregistered"));
    let (code, text) = host.tell(&["services", "deregister", "one"]);
    assert!(code == Some(1) && text.contains("there is no upstream one"), "{text}");
    assert_eq!(host.get("/u/1").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_shares_a_redirect_sends_away_and_the_api_wins() {
    let (one, two) = (Backend::listen("one").await, Backend::listen("two").await);
    let config = one.upstream("one", "")
        + &two.upstream("two", "")
        + "[[route]]\npath = '/both/*'\nsplit = [{ service = 'one', weight = 1 }, { service = 'two', weight = 1 }]\n"
        + "[[route]]\npath = '/old/*'\nredirect = { prefix = '/new', status = 308 }\n"
        + &route("/one", "one");
    let host = Setup::new().config(&config).start().await;
    let mut seen = [0, 0];
    for _ in 0..60 {
        seen[usize::from(backend(&host, "/both/").await == "two")] += 1;
    }
    assert!(seen.iter().all(|count| *count >= 10), "{seen:?}");
    let answer = host.get("/old/a?b=c").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (308, "/new/a?b=c"));
    assert_eq!(backend(&host, "/one").await, "one");
    let made = host.ask(Method::POST, "/api/v1/routes", &json!({"path": "/one", "service": "two"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(backend(&host, "/one").await, "two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_gateway_decides_changes_with_the_configuration() {
    let users = Backend::listen("one").await;
    let base = users.upstream("users", "") + &route("/u/*", "users");
    let host = Setup::new().config(&base).start().await;
    let mut client = host.client().await;
    let mut ask = async |body: &'static str| client.send(Method::POST, "/u/1", body).await.unwrap();
    assert_eq!(ask("twelve bytes").await.status, 200);

    // The connection stays, and what is decided on it changes.
    write(
        &host,
        &(base.clone() + "[gateway]\nbody-max = '10B'\n[gateway.cors]\n[gateway.rate-limit]\nrequests = 1000\n"),
    );
    let since = std::time::Instant::now();
    let answer = loop {
        let answer = ask("ten bytes.").await;
        if !answer.header("ratelimit").is_empty() {
            break answer;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "nothing is limited\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(ask("twelve bytes").await.status, 413);

    write(&host, "[gateway.cors]\ncredentials = true\n");
    let told = async || host.log().contains("the configuration is wrong; the old one stays in force").then_some(());
    host.eventually("a wrong configuration is told", told).await;
    let answer = host.client().await.send(Method::POST, "/u/1", "twelve bytes").await.unwrap();
    assert_eq!(answer.status, 413);
}
