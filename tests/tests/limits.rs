//! What a service may use up, and what happens to it beyond that.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::time::{Duration, Instant};

use switchyard_tests::{Host, Setup};

/// Calls that are refused are none that a breaker shall see.
fn config(members: &str) -> String {
    format!("[breaker]\nmode = 'measure'\n[services.rogue]\n{members}\n")
}

async fn rogue(members: &str) -> Host {
    Setup::new().plugin("rogue", "rogue").config(&config(members)).start().await
}

/// Changes the configuration, and waits until the plugin is as described.
async fn reconfigured(host: &Host, members: &str, is: impl AsyncFn(&Host) -> bool) {
    std::fs::write(host.path().join("switchyard.toml"), config(members)).unwrap();
    let since = Instant::now();
    while !is(host).await {
        assert!(since.elapsed() < Duration::from_secs(60), "'{members}' is not in force\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_call_that_computes_for_longer_than_it_may_is_cut() {
    let host = rogue("cpu-max = '300ms'\ndeadline = '10m'").await;
    let answer = host.get("/rogue/spin").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (504, &"Gateway timeout".into()));
    assert!(answer.text().contains("300ms"), "{}", answer.text());
    // Waiting is not computing.
    assert_eq!(host.get("/rogue/sleep?ms=600").await.status, 200);
}

#[tokio::test]
async fn memory_beyond_the_limit_ends_the_call_and_names_the_member() {
    let host = rogue("memory-max = '4MiB'").await;
    let answer = host.get("/rogue/alloc").await;
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("memory-max"), "{}", answer.text());
    assert_eq!(host.get("/rogue/ok").await.status, 200);
}

#[tokio::test]
async fn a_chatty_service_logs_as_many_lines_as_it_may() {
    let host = rogue("log-rate = 5").await;
    let began = Instant::now();
    assert_eq!(host.get("/rogue/log?n=100").await.status, 200);
    let windows = usize::try_from(began.elapsed().as_secs()).unwrap() + 2;
    // What it says in another second tells how much was left out.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(host.get("/rogue/log?n=1").await.status, 200);
    let since = Instant::now();
    while !host.log().contains("guest logs too fast") {
        assert!(since.elapsed() < Duration::from_secs(20), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lines =
        host.log().lines().filter(|line| ["out ", "err ", "log "].iter().any(|word| line.contains(word))).count();
    assert!((1..=5 * (windows + 1)).contains(&lines), "{lines} lines in {windows} seconds\n{}", host.log());
}

#[tokio::test]
async fn a_bucket_and_its_values_have_the_size_that_the_configuration_says_also_while_it_runs() {
    let host = rogue("bucket-max = '2KiB'\nvalue-max = '1000B'").await;
    let set = async |host: &Host, key: &str, length: usize| {
        let answer = host.get(&format!("/rogue/kv-set?k={key}&v={}", "x".repeat(length))).await;
        (answer.status.as_u16(), answer.text())
    };
    assert_eq!(set(&host, "a", 1_000).await.0, 200);
    let (status, text) = set(&host, "a", 1_001).await;
    assert!(status == 500 && text.contains("over the limit of 1000"), "{text}");
    let (status, text) = set(&host, "b", 1_000).await;
    assert!(status == 500 && text.contains("is full: its limit is 2048 bytes"), "{text}");
    assert_eq!(host.get("/rogue/kv-get?k=a").await.text().len(), 1_000);
    assert_eq!(set(&host, "b", 900).await.0, 200);
    reconfigured(&host, "value-max = '5KiB'", async |host| set(host, "b", 1_100).await.0 == 200).await;
    assert_eq!(set(&host, "c", 5_000).await.0, 200);
    let host = host.kill().start().await;
    assert_eq!(set(&host, "d", 5_121).await.0, 500);
    assert_eq!(set(&host, "d", 5_120).await.0, 200);
}

#[tokio::test]
async fn a_limit_that_changes_holds_for_the_next_call() {
    let host = rogue("").await;
    assert_eq!(host.get("/rogue/sleep?ms=400").await.status, 200);
    reconfigured(&host, "deadline = '200ms'", async |host| host.get("/rogue/sleep?ms=400").await.status == 504).await;
    reconfigured(&host, "", async |host| host.get("/rogue/sleep?ms=400").await.status == 200).await;
}
