//! Breakers keep calls away from a service that fails, and let them through again when it is back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{event, texts},
    component_bytes,
};

/// The breaker of a service.
async fn breaker(host: &Host, service: &str) -> Value {
    let breakers = host.items("/api/v1/breakers").await;
    breakers.into_iter().find(|breaker| breaker["service"] == service).unwrap_or(Value::Null)
}

async fn until(host: &Host, service: &str, state: &str) -> Value {
    let find = async || Some(breaker(host, service).await).filter(|breaker| breaker["state"] == state);
    host.eventually(&format!("the breaker of {service} is {state}"), find).await
}

async fn act(host: &Host, id: &str, action: &str) -> Value {
    let answer = host.ask(Method::POST, &format!("/api/v1/breakers/{id}/{action}"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn status(host: &Host, service: &str) -> Value {
    let services = host.get("/services").await.json();
    let found = services.as_array().unwrap().iter().find(|item| item["name"] == service).cloned();
    found.unwrap_or_default()["status"].clone()
}

/// A call that the breaker refuses.
async fn is_refused(host: &Host, path: &str) {
    let answer = host.get(path).await;
    let problem = answer.json();
    assert_eq!((answer.status.as_u16(), &problem["code"]), (503, &json!("SY2007")), "{problem:#}");
    assert_eq!(problem["error"], "Service unavailable");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_traps_open_it_and_three_answers_close_it() {
    let setup = Setup::new().plugin("hello", "hello").plugin("rogue", "rogue");
    let host = setup.config("[breaker]\nopen = '3s'\n").start().await;
    for trap in 1..=5 {
        let answer = host.get("/rogue/trap").await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (502, &json!("SY2001")), "trap {trap}");
    }
    is_refused(&host, "/rogue/ok").await;
    let open = breaker(&host, "rogue").await;
    assert_eq!((&open["state"], &open["failureCount"]), (&json!("open"), &json!(5)));
    assert!(open["nextAttempt"].is_string() && open["metrics"]["rejected"].as_u64() >= Some(1), "{open:#}");
    assert_eq!(status(&host, "rogue").await, "unhealthy");
    // The neighbour has a breaker of its own.
    assert_eq!(host.get("/hello/").await.status, 200);
    assert_eq!(
        (breaker(&host, "hello").await["state"].clone(), status(&host, "hello").await),
        (json!("closed"), json!("healthy"))
    );

    until(&host, "rogue", "half-open").await;
    assert_eq!(status(&host, "rogue").await, "healthy");
    assert_eq!(host.get("/rogue/trap").await.status, 502);
    is_refused(&host, "/rogue/ok").await;
    until(&host, "rogue", "half-open").await;
    for _ in 0..3 {
        assert_eq!(host.get("/rogue/ok").await.status, 200);
    }
    let closed = breaker(&host, "rogue").await;
    assert_eq!(
        (&closed["state"], &closed["failureCount"], &closed["nextAttempt"]),
        (&json!("closed"), &json!(0), &Value::Null)
    );
    let metrics = &closed["metrics"];
    assert_eq!((&metrics["failures"], &metrics["successes"], &metrics["timeouts"]), (&json!(6), &json!(3), &json!(0)));

    let told = async || Some(host.events("breaker.*").await).filter(|events| events.len() >= 5);
    let events = host.eventually("each move is told", told).await;
    let opened = "breaker.opened";
    assert_eq!(texts(&events, "type"), [opened, "breaker.half-open", opened, "breaker.half-open", "breaker.closed"]);
    assert_eq!((&events[0]["source"], &events[0]["subject"]), (&json!("/switchyard"), &json!("rogue")));
    let data = &events[0]["data"];
    assert_eq!((&data["id"], &data["reason"]), (&open["id"], &json!("5 calls in a row failed")));
    let changes = async || {
        let events = host.events("registry.status-change").await;
        Some(events).filter(|events| events.len() >= 4)
    };
    let changes = host.eventually("health is told", changes).await;
    let statuses: Vec<_> = changes.iter().map(|event| event["data"]["status"].clone()).collect();
    assert_eq!(statuses, ["unhealthy", "healthy", "unhealthy", "healthy"]);
}

#[tokio::test]
async fn what_callers_do_wrong_and_what_finds_no_place_opens_nothing() {
    let setup = Setup::new().plugin("rogue", "rogue");
    let host = setup.config("[services.rogue]\nconcurrency-max = 1\nqueue-max = 1\n").start().await;
    for _ in 0..10 {
        assert_eq!(host.get("/rogue/no-such-deed").await.status, 404);
    }
    // One is inside, one waits, the others find no place.
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut client = host.client().await;
        slow.spawn(async move { client.get("/rogue/sleep?ms=500").await.unwrap() });
    }
    let answers = slow.join_all().await;
    let refused = answers.iter().filter(|answer| answer.json()["code"] == "SY2003").count();
    assert!(refused >= 5, "{answers:?}");
    let shown = breaker(&host, "rogue").await;
    assert_eq!((&shown["state"], &shown["metrics"]["failures"]), (&json!("closed"), &json!(0)), "{shown:#}");
}

#[tokio::test]
async fn what_is_too_slow_opens_it() {
    let setup = Setup::new().plugin("rogue", "rogue");
    let host = setup.config("[services.rogue]\ndeadline = '1s'\nbreaker = { open = '60s' }\n").start().await;
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let mut client = host.client().await;
        slow.spawn(async move { client.get("/rogue/sleep?ms=20000").await.unwrap().status.as_u16() });
    }
    assert_eq!(slow.join_all().await, [504; 5]);
    is_refused(&host, "/rogue/ok").await;
    assert_eq!(breaker(&host, "rogue").await["metrics"]["timeouts"], 5);
}

#[tokio::test]
async fn answers_that_break_off_open_it() {
    let setup = Setup::new().plugin("hello-p2", "hello-p2");
    let host = setup.config("[services.hello-p2]\nguests = 'reused'\nbreaker = { calls-min = 6 }\n").start().await;
    let mut broken = 0;
    while breaker(&host, "hello-p2").await["state"] == "closed" {
        assert!(host.client().await.get("/hello-p2/trap-late").await.is_err());
        broken += 1;
        assert!(broken <= 3, "each counts as an answer and as a failure");
    }
    is_refused(&host, "/hello-p2/").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_forces_it_and_new_versions_change_nothing_about_that() {
    let setup = Setup::new().plugin("hello", "hello").plugin("rogue", "rogue");
    let host = setup.start().await;
    let url = format!("http://{}", host.admin);
    let run = |arguments: &[&str]| {
        let (status, text) = host.run(&[arguments, &["--url", &url]].concat());
        assert!(status.success(), "{arguments:?}: {text}");
        text
    };
    let id = breaker(&host, "hello").await["id"].as_str().unwrap().to_owned();
    assert_eq!(act(&host, &id, "open").await["state"], "forced-open");
    is_refused(&host, "/hello/").await;
    assert_eq!(host.get("/rogue/ok").await.status, 200);

    host.rename_into_place("hello", &component_bytes("hello-next"));
    host.until("hello", "of version 2", |plugin| plugin["version"] == "2.0.0").await;
    is_refused(&host, "/hello/").await;
    let table = run(&["breakers"]);
    assert!(table.contains("BREAKER") && table.contains("forced-open") && table.contains("rogue-"), "{table}");
    assert!(run(&["breakers", "reset", "hello"]).contains("is closed"));
    assert_eq!(host.get("/hello/").await.status, 200);

    assert!(run(&["breakers", "close", "rogue"]).contains("is forced-closed"));
    for _ in 0..8 {
        assert_eq!(host.get("/rogue/trap").await.status, 502);
    }
    assert!(run(&["breakers", "measure", "rogue"]).contains("is measuring"));
    for _ in 0..8 {
        assert_eq!(host.get("/rogue/trap").await.status, 502);
    }
    let said = async || host.log().contains("a breaker would have opened").then_some(());
    host.eventually("it says that it would have opened", said).await;
    let list: Value = serde_json::from_str(&run(&["breakers", "--json"])).unwrap();
    assert_eq!(texts(list["items"].as_array().unwrap(), "state"), ["closed", "measuring"]);
    let (status, text) = host.run(&["breakers", "open", "nobody", "--url", &url]);
    assert!(status.code() == Some(1) && text.contains("there is no breaker nobody"), "{text}");
}

#[tokio::test]
async fn events_messages_and_commands_wait_for_an_open_breaker() {
    let one = json!({"name": "one", "steps": [{"command": "pay", "irreversible": true}]});
    let step = json!({"command": "post", "irreversible": true, "via": "http", "service": "probe", "path": "/step"});
    let two = json!({"name": "two", "steps": [step]});
    let side = "commands = ['pay']
                subscriptions = [{ topic = 'b', name = 'waits', max-attempts = 1 }]
                queues = [{ queue = 'work', max-attempts = 1 }]";
    let setup = Setup::new().plugin("probe", "probe").plugin("hello", "hello");
    let host = setup.sagas("probe", &[one, two], side).start().await;
    host.subscribed("waits").await;
    let id = act(&host, "probe", "open").await["id"].as_str().unwrap().to_owned();
    host.publish(event("b", "1", json!({}))).await;
    host.enqueue("work", json!({"data": {}})).await;
    host.start_saga("one", "s1", json!({})).await;
    host.start_saga("two", "s2", json!({})).await;
    let rejected =
        async || breaker(&host, "probe").await["metrics"]["rejected"].as_u64().filter(|rejected| *rejected >= 12);
    host.eventually("all four are refused again and again", rejected).await;
    assert_eq!(host.saga("s1").await["status"], "running");

    act(&host, &id, "reset").await;
    for saga in ["s1", "s2"] {
        host.until_saga(saga, "completed").await;
    }
    assert!(host.commands("probe").await.iter().all(|command| command["attempt"] == 1));
    let event = host.until_delivered("probe", 1).await.remove(0);
    let message = host.until_handled("probe", 1).await.remove(0);
    assert_eq!((&event["attempt"], &message["attempt"]), (&json!(1), &json!(1)));
    assert!(host.dead_letters("").await.is_empty());
}

#[tokio::test]
async fn the_configuration_of_a_running_host_can_change_and_loses_no_state() {
    let setup = Setup::new().plugin("rogue", "rogue");
    let host = setup.config("[breaker]\nconsecutive-failures = 3\nopen = '60s'\n").start().await;
    for _ in 0..3 {
        assert_eq!(host.get("/rogue/trap").await.status, 502);
    }
    is_refused(&host, "/rogue/ok").await;
    let configure = |text: &str| std::fs::write(host.path().join("switchyard.toml"), text).unwrap();
    configure("[breaker]\nconsecutive-failures = 2\nopen = '60s'\n");
    let read = async || host.log().contains("the configuration has been read again").then_some(());
    host.eventually("the configuration is read", read).await;
    is_refused(&host, "/rogue/ok").await;
    configure("[breaker]\nprobe = 2\n");
    let wrong = async || host.log().contains("did you mean 'probes'?").then_some(());
    host.eventually("the configuration is refused", wrong).await;
    configure("[services.rogue]\nbreaker = { mode = 'measure' }\n");
    until(&host, "rogue", "measuring").await;
    assert_eq!(host.get("/rogue/ok").await.status, 200);
    configure("[breaker]\nconsecutive-failures = 2\n");
    until(&host, "rogue", "closed").await;
    for _ in 0..2 {
        assert_eq!(host.get("/rogue/trap").await.status, 502);
    }
    is_refused(&host, "/rogue/ok").await;
}

#[tokio::test]
async fn a_dependency_is_unhealthy_while_the_breaker_of_its_service_is_open() {
    let setup = Setup::new().plugin("hello", "hello");
    let host = setup.probe("dependencies = [{ name = 'hello' }]").start().await;
    let dependency = async |status: &str| {
        let health = host.get("/health").await.json();
        Some(health).filter(|health| health["dependencies"]["hello"]["status"] == status)
    };
    host.eventually("it is healthy", async || dependency("healthy").await).await;
    act(&host, "hello", "open").await;
    let health = host.eventually("it is not", async || dependency("unhealthy").await).await;
    assert_eq!(health["status"], "degraded", "{health:#}");
    act(&host, "hello", "reset").await;
    host.eventually("it is healthy again", async || dependency("healthy").await).await;
}
