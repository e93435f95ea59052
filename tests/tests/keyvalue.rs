//! `wasi:keyvalue` in both drafts, and `wasi:config`, as guests see them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use switchyard_tests::Setup;

#[tokio::test]
async fn values_survive_reload_and_kill_and_belong_to_the_service() {
    let host = Setup::new().plugin("rogue", "rogue").plugin("kv-draft1", "kv-draft1").start().await;
    for service in ["rogue", "kv-draft1"] {
        assert_eq!(host.get(&format!("/{service}/kv-set?k=a&v={service}")).await.status, 200, "{service}");
    }
    let host = host.kill().start().await;
    for service in ["rogue", "kv-draft1"] {
        assert_eq!(host.get(&format!("/{service}/kv-get?k=a")).await.text(), service);
        assert_eq!(host.get(&format!("/{service}/kv-get?k=unknown")).await.text(), "");
        assert!(host.get(&format!("/{service}/kv-list")).await.text().contains('a'));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn increments_from_many_guests_at_once_add_up() {
    const CLIENTS: u32 = 8;
    const EACH: u32 = 25;
    let host = Setup::new().plugin("rogue", "rogue").plugin("kv-draft1", "kv-draft1").start().await;
    for (service, deed) in [("rogue", "kv-incr"), ("rogue", "kv-cas"), ("kv-draft1", "kv-incr")] {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            let mut client = host.client().await;
            tasks.spawn(async move {
                for _ in 0..EACH {
                    assert_eq!(client.get(&format!("/{service}/{deed}?k={deed}")).await.unwrap().status, 200);
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(host.get(&format!("/{service}/kv-get?k={deed}")).await.text(), (CLIENTS * EACH).to_string());
    }
}

#[tokio::test]
async fn config_comes_from_the_services_table() {
    let setup = Setup::new().plugin("rogue", "rogue").config("[services.rogue.config]\ncolour = 'blue'\n");
    let host = setup.start().await;
    assert_eq!(host.get("/rogue/config?k=colour").await.text(), "blue");
    assert_eq!(host.get("/rogue/config?k=size").await.text(), "");
}
