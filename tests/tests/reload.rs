//! Replacing a file replaces the service, and no request is lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    fs::{self, OpenOptions},
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use switchyard_tests::{Host, Setup, component_bytes};

const CLIENTS: usize = 16;
const REPLACEMENTS: u64 = 20;
const REQUESTS_MIN: u64 = 10_000;

async fn active(host: &Host, stem: &str, version: &str) {
    host.until(stem, version, |plugin| plugin["state"] == "active" && plugin["version"] == version).await;
}

async fn hello(host: &Host) -> String {
    host.get("/hello/version").await.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_and_none_is_answered_by_the_old_version_after_the_swap_was_reported() {
    // The service's own health path tells its version; a route makes it reachable.
    let config = "[[route]]\npath = '/u/*'\nservice = 'user-service'\nstrip-prefix = '/u'\n";
    let host = Setup::new().plugin("user-service", "user-service").config(config).start().await;
    let versions = [component_bytes("user-service"), component_bytes("user-service-next")];
    // The minor version that must answer; 0 while a swap is under way, when both may.
    let expected = Arc::new(AtomicU64::new(1));
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let mut connection = host.client().await;
        let (expected, stop, answered) = (expected.clone(), stop.clone(), answered.clone());
        clients.spawn(async move {
            while !stop.load(SeqCst) {
                let before = expected.load(SeqCst);
                let answer = connection.get("/u/health").await.unwrap();
                let after = expected.load(SeqCst);
                assert_eq!(answer.status, 200, "{}", answer.text());
                if before == after && before != 0 {
                    assert_eq!(answer.json()["version"], format!("0.{before}.0"));
                }
                let users = connection.get("/api/users").await.unwrap();
                assert_eq!((users.status.as_u16(), users.text().as_str()), (200, "[]"));
                answered.fetch_add(2, SeqCst);
            }
        });
    }
    for round in 1..=REPLACEMENTS {
        let next = round % 2 + 1;
        expected.store(0, SeqCst);
        host.rename_into_place("user-service", &versions[usize::try_from(round % 2).unwrap()]);
        active(&host, "user-service", &format!("0.{next}.0")).await;
        expected.store(next, SeqCst);
        let share = round * REQUESTS_MIN / REPLACEMENTS;
        while answered.load(SeqCst) < share && !clients.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if let Some(ended) = clients.try_join_next() {
                ended.unwrap();
            }
        }
    }
    stop.store(true, SeqCst);
    clients.join_all().await;
    assert!(answered.load(SeqCst) >= REQUESTS_MIN);
}

#[tokio::test]
async fn new_renamed_and_removed_files_are_followed() {
    let host = Setup::new().start().await;
    assert_eq!(host.get("/hello/").await.status, 404);
    host.copy("hello", &component_bytes("hello"));
    active(&host, "hello", "1.0.0").await;
    assert_eq!(host.get("/hello/").await.text(), "hello");
    fs::rename(host.plugin_file("hello"), host.plugin_file("renamed")).unwrap();
    host.until("renamed", "active", |plugin| plugin["state"] == "active").await;
    host.until("hello", "gone", |plugin| plugin.is_null() || plugin["state"] == "retired").await;
    assert_eq!(host.get("/hello/").await.text(), "hello");
    fs::remove_file(host.plugin_file("renamed")).unwrap();
    host.until("renamed", "gone", |plugin| plugin.is_null() || plugin["state"] == "retired").await;
    assert_eq!(host.get("/hello/").await.status, 404);
}

#[tokio::test]
async fn a_component_copied_section_by_section_goes_live_once_and_whole() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let bytes = component_bytes("hello-next");
    let mut file = OpenOptions::new().write(true).truncate(true).open(host.plugin_file("hello")).unwrap();
    for part in bytes.chunks(bytes.len() / 12 + 1) {
        file.write_all(part).unwrap();
        file.sync_all().unwrap();
        tokio::time::sleep(Duration::from_millis(120)).await;
        assert_eq!(hello(&host).await, "1", "a prefix replaced the whole");
        let plugin = host.plugin("hello").await;
        assert_eq!(plugin["version"], "1.0.0", "{plugin:#}");
    }
    drop(file);
    active(&host, "hello", "2.0.0").await;
    assert_eq!(hello(&host).await, "2");
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_version_serving_also_after_a_restart() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let truncated = component_bytes("hello-next")[..20_000].to_vec();
    for broken in [&b""[..], b"not wasm at all", b"\0asm\x01\0\0\0", &truncated] {
        host.copy("hello", broken);
        let plugin = host.until("hello", "reported as broken", |plugin| plugin["error"].is_string()).await;
        assert_eq!(hello(&host).await, "1", "{plugin:#}");
        host.copy("hello", &component_bytes("hello"));
        host.until("hello", "mended", |plugin| plugin["error"].is_null()).await;
    }
    host.copy("hello", &truncated);
    host.until("hello", "reported as broken", |plugin| plugin["error"].is_string()).await;
    let (setup, _) = host.stop();
    let host = setup.start().await;
    assert_eq!(hello(&host).await, "1");
    let plugin = host.until("hello", "reported as broken", |plugin| plugin["error"].is_string()).await;
    assert_eq!(plugin["state"], "active", "{plugin:#}");
    host.copy("hello", &component_bytes("hello-next"));
    active(&host, "hello", "2.0.0").await;
    assert_eq!(hello(&host).await, "2");
}

#[tokio::test]
async fn a_route_that_another_plugin_holds_is_refused_and_shown() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    host.copy("other", &component_bytes("hello-p2"));
    host.until("other", "active", |plugin| plugin["state"] == "active").await;
    fs::write(host.path().join("plugins/other.toml"), "routes = [{ path = '/hello/*' }]").unwrap();
    let plugin = host
        .until("other", "refused its route", |plugin| plugin["refusedRoutes"].as_array().is_some_and(|r| !r.is_empty()))
        .await;
    assert!(plugin["refusedRoutes"].to_string().contains("/hello/*"), "{plugin:#}");
    assert_eq!(hello(&host).await, "1");
}

#[tokio::test]
async fn a_second_start_compiles_nothing() {
    let setup = Setup::new().plugin("hello", "hello").plugin("user-service", "user-service");
    let host = setup.start().await;
    for stem in ["hello", "user-service"] {
        host.until(stem, "optimised", |plugin| plugin["tier"] == "optimised").await;
    }
    assert_eq!(hello(&host).await, "1");
    let (setup, _) = host.stop();
    let cache = |setup: &Setup| {
        let entries = fs::read_dir(setup.path().join("data/cache")).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name(), entry.metadata().unwrap().modified().unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let before = cache(&setup);
    let host = setup.start().await;
    assert_eq!(hello(&host).await, "1");
    assert_eq!(host.get("/api/users").await.text(), "[]");
    let (setup, _) = host.stop();
    assert_eq!(cache(&setup), before, "the second start wrote to the code cache");
}

#[tokio::test]
async fn damaged_code_is_compiled_again_and_never_run() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    host.until("hello", "optimised", |plugin| plugin["tier"] == "optimised").await;
    let (setup, _) = host.stop();
    for entry in fs::read_dir(setup.path().join("data/cache")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "cwasm") {
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..middle + 4096].fill(0xcc);
            fs::write(&path, bytes).unwrap();
        }
    }
    let host = setup.start().await;
    assert_eq!(hello(&host).await, "1");
}
