//! Guests that misbehave when they are called.

use std::time::{Duration, Instant};

use switchyard_tests::{Host, Setup};

use crate::neighbour::Neighbour;

async fn host() -> Host {
    Setup::new().plugin("hello", "hello").plugin("rogue", "rogue").start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_traps_spins_recurses_or_eats_memory_harms_nobody_else() {
    let host = host().await;
    let neighbour = Neighbour::watch(&host).await;
    for (path, status) in
        [("/rogue/trap", 502), ("/rogue/recurse", 502), ("/rogue/alloc", 502), ("/rogue/spin", 504), ("/rogue/ok", 200)]
    {
        let answer = host.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        if status != 200 {
            let problem = answer.json();
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert!(problem["code"].as_str().unwrap().starts_with("SY"), "{problem:#}");
            assert!(!answer.text().contains("wasm function"), "a trap's place is not shown by serve: {problem:#}");
        }
    }
    neighbour.was_served("beside guests that fail").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_spinning_guests_leave_room_for_the_neighbour() {
    let host = host().await;
    let neighbour = Neighbour::watch(&host).await;
    let mut spinning = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut client = host.client().await;
        spinning.spawn(async move { client.get("/rogue/spin").await.unwrap().status.as_u16() });
    }
    for status in spinning.join_all().await {
        assert_eq!(status, 504);
    }
    neighbour.was_served("beside guests that spin").await;
}

#[tokio::test]
async fn concurrency_and_queue_are_bounded() {
    let setup = Setup::new().plugin("rogue", "rogue");
    let host = setup.config("[services.rogue]\nconcurrency-max = 1\nqueue-max = 1\n").start().await;
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut client = host.client().await;
        slow.spawn(async move { client.get("/rogue/sleep?ms=1000").await.unwrap() });
    }
    let answers = slow.join_all().await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert_eq!(refused.len(), 2, "{answers:?}");
    for answer in refused {
        assert!(!answer.header("retry-after").is_empty());
        assert_eq!(answer.json()["error"], "Service unavailable");
    }
}

#[tokio::test]
async fn a_slow_guest_is_cut_at_its_deadline() {
    let host = Setup::new().plugin("rogue", "rogue").config("[services.rogue]\ndeadline = '300ms'\n").start().await;
    let began = Instant::now();
    let answer = host.get("/rogue/sleep?ms=20000").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (504, &"Gateway timeout".into()));
    assert!(began.elapsed() < Duration::from_secs(10), "cut after {:?}", began.elapsed());
}

#[tokio::test]
async fn what_guests_print_is_logged_with_the_name_of_the_service() {
    let host = host().await;
    assert_eq!(host.get("/rogue/log?n=3").await.status, 200);
    let since = Instant::now();
    while !(host.log().contains("rogue") && host.log().contains("stdout") && host.log().contains("stderr")) {
        assert!(since.elapsed() < Duration::from_secs(10), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn fresh_guests_forget_and_reused_guests_remember() {
    let fresh = Setup::new().plugin("rogue", "rogue").config("[services.rogue]\nguests = 'fresh'\n").start().await;
    let first = fresh.get("/rogue/count").await.text();
    assert_eq!(fresh.get("/rogue/count").await.text(), first);
    let reused = Setup::new().plugin("rogue", "rogue").config("[services.rogue]\nguests = 'reused'\n").start().await;
    let first = reused.get("/rogue/count").await.text();
    assert_ne!(reused.get("/rogue/count").await.text(), first);
}
