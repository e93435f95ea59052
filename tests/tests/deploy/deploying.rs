//! What is sent takes the place of what is there.

use std::{fs, sync::Arc};

use switchyard_tests::{Setup, component_bytes};

use super::*;

#[tokio::test]
async fn what_is_sent_is_live_once_that_is_answered() {
    let host = Setup::new().start().await;
    let (first, second) = (component_bytes("hello"), component_bytes("hello-next"));
    let answer = deploy(&host, "hello", &first).await;
    let plugin = expect(&answer, 201);
    assert_eq!(answer.header("location"), "/api/v1/plugins/hello");
    assert_eq!(
        (&plugin["state"], &plugin["version"], &plugin["error"]),
        (&"active".into(), &"1.0.0".into(), &Value::Null)
    );
    assert_eq!(host.get("/hello/version").await.text(), "1");
    let plugin = expect(&deploy(&host, "hello", &second).await, 200);
    assert_eq!(host.get("/hello/version").await.text(), "2");
    assert_eq!(fs::read(host.plugin_file("hello")).unwrap(), second);
    assert_eq!(folder(&host), ["hello.wasm"]);
    let artifacts: Vec<_> = plugin["artifacts"].as_array().unwrap().iter().collect();
    assert_eq!((artifacts.len(), &artifacts[0]["isLive"], &artifacts[1]["isLive"]), (2, &true.into(), &false.into()));
    assert_eq!((&artifacts[0]["version"], &artifacts[1]["version"]), (&"2.0.0".into(), &"1.0.0".into()));
    assert!(artifacts[0]["deployedAt"].as_str() >= artifacts[1]["deployedAt"].as_str());
    // The same once more changes nothing, and is no second artifact.
    let again = expect(&deploy(&host, "hello", &second).await, 200);
    assert_eq!((&again["generation"], &again["artifacts"]), (&plugin["generation"], &plugin["artifacts"]));
    let told = told(&host, "plugin.deployed", 3).await;
    let last = &told[1]["data"];
    assert_eq!((&last["digest"], &last["previousDigest"]), (&artifacts[0]["digest"], &artifacts[1]["digest"]));
}

#[tokio::test]
async fn a_version_is_staged_beside_the_main_one() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let staged = expect(&deploy(&host, "hello@2.0.0", &component_bytes("hello-next")).await, 201);
    assert_eq!((&staged["staged"], &staged["state"]), (&true.into(), &"active".into()));
    assert_eq!(host.get("/hello/version").await.text(), "1");
}

#[tokio::test]
async fn a_form_brings_a_side_file() {
    let host = Setup::new().start().await;
    let bytes = component_bytes("hello");
    let side = b"routes = [{ path = '/hi' }]";
    let plugin = expect(&deploy_form(&host, "name=hello", &[("side", side), ("component", &bytes)]).await, 201);
    assert_eq!((&plugin["routes"][0]["path"], host.get("/hi").await.text().as_str()), (&"/hi".into(), "hello"));
    assert_eq!(fs::read(host.path().join("plugins/hello.toml")).unwrap(), side);
    // It stays unless something is said of it.
    expect(&deploy(&host, "hello", &component_bytes("hello-next")).await, 200);
    assert_eq!(host.get("/hi").await.text(), "hello");
    let plugin = expect(&deploy_form(&host, "name=hello&side=none", &[("component", &bytes)]).await, 200);
    assert_eq!((host.get("/hi").await.status.as_u16(), folder(&host)), (404, vec!["hello.wasm".to_owned()]));
    let has: Vec<_> = plugin["artifacts"].as_array().unwrap().iter().map(|kept| kept["hasSideFile"].clone()).collect();
    assert_eq!(has, [false, true, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_at_once_for_one_stem_comes_one_after_the_other() {
    let host = Arc::new(Setup::new().start().await);
    let mut sent = tokio::task::JoinSet::new();
    for mark in 0..8 {
        let host = Arc::clone(&host);
        sent.spawn(async move { deploy(&host, "hello", &marked("hello", mark)).await });
    }
    let answers = sent.join_all().await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201], "one of them was the first");
    for answer in answers {
        assert_eq!((&answer.json()["state"], &answer.json()["error"]), (&"active".into(), &Value::Null));
    }
    let plugin = host.plugin("hello").await;
    let live = fs::read(host.plugin_file("hello")).unwrap();
    assert!((0..8).any(|mark| marked("hello", mark) == live));
    assert_eq!(
        (&plugin["artifacts"][0]["isLive"], &plugin["artifacts"][0]["digest"]),
        (&true.into(), &plugin["digest"])
    );
}

#[tokio::test]
async fn what_is_removed_is_gone_once_that_is_answered() {
    let host = Setup::new().start().await;
    let parts: [(&str, &[u8]); 2] =
        [("component", &component_bytes("hello")), ("side", b"routes = [{ path = '/hi' }]")];
    expect(&deploy_form(&host, "name=hello", &parts).await, 201);
    let removed = ask(&host, Method::DELETE, "/api/v1/plugins/hello", "", Vec::new()).await;
    assert_eq!((removed.status.as_u16(), host.get("/hi").await.status.as_u16()), (204, 404));
    assert!(folder(&host).is_empty() && host.plugin("hello").await.is_null());
    let again = ask(&host, Method::DELETE, "/api/v1/plugins/hello", "", Vec::new()).await;
    expect_problem(&again, 404, "SY3001", "there is no plugin hello");
    expect(&deploy(&host, "hello", &component_bytes("hello")).await, 201);
}

/// `VmHWM` of a process, in bytes.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn what_is_sent_goes_to_the_disk_and_not_to_memory() {
    const LENGTH: usize = 128 << 20;
    let host = Setup::new().start().await;
    let before = peak(host.pid());
    let sent = vec![0; LENGTH];
    expect_problem(&deploy(&host, "large", &sent).await, 422, "SY3004", "");
    expect_problem(&deploy_form(&host, "name=large", &[("component", &sent)]).await, 422, "SY3004", "");
    let grown = peak(host.pid()) - before;
    assert!(grown < LENGTH as u64 / 2, "the host grew by {grown} bytes");
    assert!(folder(&host).is_empty());
}
