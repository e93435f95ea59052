//! What served before serves again.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use switchyard_tests::{Setup, component_bytes};

use super::*;

const ROLLBACKS: usize = 20;

#[tokio::test]
async fn it_goes_back_to_what_served_before_with_its_side_file() {
    let host = Setup::new().start().await;
    let (first, second) = (component_bytes("hello"), component_bytes("hello-next"));
    let parts: [(&str, &[u8]); 2] = [("component", &first), ("side", b"routes = [{ path = '/hi/*' }]")];
    expect(&deploy_form(&host, "name=hello", &parts).await, 201);
    expect(&deploy_form(&host, "name=hello&side=none", &[("component", &second)]).await, 200);
    assert_eq!(host.get("/hello/version").await.text(), "2");
    let plugin = expect(&roll_back(&host, "hello", "").await, 200);
    assert_eq!((&plugin["version"], host.get("/hi/version").await.text().as_str()), (&"1.0.0".into(), "1"));
    assert_eq!(host.get("/hello/version").await.status, 404);
    assert_eq!((fs::read(host.plugin_file("hello")).unwrap(), folder(&host).len()), (first, 2));
    // Undone is undone: the next one goes back to the second.
    let plugin = expect(&roll_back(&host, "hello", "{}").await, 200);
    assert_eq!((&plugin["version"], folder(&host)), (&"2.0.0".into(), vec!["hello.wasm".to_owned()]));
    assert_eq!(plugin["artifacts"].as_array().unwrap().len(), 2);
    let told = told(&host, "plugin.rolled-back", 2).await;
    assert_eq!((told.len(), &told[1]["data"]["previousDigest"]), (2, &told[0]["data"]["digest"]));
}

#[tokio::test]
async fn an_artifact_is_named_by_version_or_digest() {
    let host = Setup::new().config("[plugins]\nkeep = 4").start().await;
    let sent =
        [component_bytes("hello"), component_bytes("hello-next"), marked("hello-next", 1), marked("hello-next", 2)];
    for bytes in &sent {
        deploy(&host, "hello", bytes).await;
    }
    let digest = host.plugin("hello").await["artifacts"][2]["digest"].as_str().unwrap().to_owned();
    let plugin = expect(&roll_back(&host, "hello", &format!("{{\"digest\": \"{}\"}}", &digest[..8])).await, 200);
    assert_eq!(plugin["digest"], digest);
    let plugin = expect(&roll_back(&host, "hello", "{\"version\": \"1.0.0\"}").await, 200);
    assert_eq!((&plugin["version"], &plugin["artifacts"][0]["isLive"]), (&"1.0.0".into(), &true.into()));
    // Of several of one version the latest.
    let plugin = expect(&roll_back(&host, "hello", "{\"version\": \"2.0.0\"}").await, 200);
    assert_eq!(plugin["digest"], digest);
    for (body, detail) in
        [("{\"digest\": \"xyz\"}", "digest is 'xyz'"), ("{\"version\": \"one\"}", "version"), ("{\"to\": 1}", "to")]
    {
        expect_problem(&roll_back(&host, "hello", body).await, 400, "SY1003", detail);
    }
    let both = format!("{{\"digest\": \"{digest}\", \"version\": \"1.0.0\"}}");
    expect_problem(&roll_back(&host, "hello", &both).await, 400, "SY1003", "name one of them");
    let live = format!("{{\"digest\": \"{digest}\"}}");
    expect_problem(&roll_back(&host, "hello", &live).await, 409, "SY3003", "nothing else of it that fits; kept are: ");
}

#[tokio::test]
async fn without_anything_to_go_back_to_nothing_happens() {
    let host = Setup::new().plugin("hello", "hello").config("[plugins]\nkeep = 1").start().await;
    expect_problem(&roll_back(&host, "nobody", "").await, 404, "SY3001", "there is no plugin nobody");
    expect_problem(&roll_back(&host, "hello", "").await, 409, "SY3003", "nothing else");
    expect(&deploy(&host, "hello", &component_bytes("hello-next")).await, 200);
    expect_problem(&roll_back(&host, "hello", "").await, 409, "SY3003", "nothing else");
    host.copy("bad", b"no component");
    host.until("bad", "failed", |plugin| plugin["state"] == "failed").await;
    expect_problem(&roll_back(&host, "bad", "").await, 409, "SY3003", "nothing has served under it yet");
}

#[tokio::test]
async fn what_is_kept_outlives_a_restart_and_fewer_are_kept_when_that_is_said() {
    let host = Setup::new().start().await;
    for bytes in
        [component_bytes("hello"), component_bytes("hello-next"), marked("hello-next", 1), marked("hello-next", 2)]
    {
        deploy(&host, "hello", &bytes).await;
    }
    let (setup, status) = host.stop();
    assert!(status.success());
    let host = setup.start().await;
    let kept = host.plugin("hello").await["artifacts"].clone();
    assert_eq!((kept.as_array().unwrap().len(), &kept[2]["version"]), (3, &"2.0.0".into()));
    assert_eq!(expect(&roll_back(&host, "hello", "").await, 200)["digest"], kept[1]["digest"]);
    configure(&host, "[plugins]\nkeep = 2");
    host.until("hello", "without its oldest artifact", |plugin| plugin["artifacts"].as_array().unwrap().len() == 2)
        .await;
    let last = format!("{{\"digest\": {}}}", kept[2]["digest"]);
    expect_problem(&roll_back(&host, "hello", &last).await, 409, "SY3003", "kept are: ");
    assert!(!host.log().contains("need a restart"), "{}", host.log());
}

#[tokio::test]
async fn a_bad_file_is_replaced_by_what_serves() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let before = host.plugin("hello").await;
    host.copy("hello", b"no component");
    host.until("hello", "failed", |plugin| !plugin["error"].is_null()).await;
    let plugin = expect(&roll_back(&host, "hello", "").await, 200);
    assert_eq!((&plugin["generation"], &plugin["error"]), (&before["generation"], &Value::Null));
    assert_eq!(fs::read(host.plugin_file("hello")).unwrap(), component_bytes("hello"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_meanwhile() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    expect(&deploy(&host, "hello", &component_bytes("hello-next")).await, 200);
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut connection = host.client().await;
        let (stop, answered) = (stop.clone(), answered.clone());
        clients.spawn(async move {
            while !stop.load(SeqCst) {
                let answer = connection.get("/hello/version").await.unwrap();
                assert_eq!(answer.status, 200, "{}", answer.text());
                answered.fetch_add(1, SeqCst);
            }
        });
    }
    for round in 0..ROLLBACKS {
        expect(&roll_back(&host, "hello", "").await, 200);
        let version = if round % 2 == 0 { "1" } else { "2" };
        assert_eq!(host.get("/hello/version").await.text(), version, "who is answered finds it live");
    }
    stop.store(true, SeqCst);
    clients.join_all().await;
    assert!(answered.load(SeqCst) > 0);
}
