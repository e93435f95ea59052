//! What is kept, for how long, and what is not taken.

use std::time::Duration;

use serde_json::{Value, json};
use switchyard_core::health::CheckStatus;
use switchyard_store::{Embedded, Options};

use super::*;

async fn open(folder: &tempfile::TempDir) -> (Arc<Embedded>, Registrations) {
    let store = Arc::new(Embedded::open(Options::new(folder.path())).expect("a store"));
    let registrations = Registrations::open(store.clone()).await.expect("it opens");
    (store, registrations)
}

async fn register(registrations: &Registrations, members: Value) -> Result<Registered, Error> {
    let registration = serde_json::from_value(members).expect("a registration");
    registrations.register(registration, |id| id == "configured").await
}

#[tokio::test]
async fn a_registration_is_kept_through_a_restart_and_its_time_is_that_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, registrations) = open(&folder).await;
    let users = json!({"name": "users", "address": "10.0.0.1:80", "tags": ["a"], "ttl": "30s"});
    let first = register(&registrations, users.clone()).await.expect("it is right");
    assert!(first.is_new && first.version == 1);
    assert!(registrations.last_seen("users-10.0.0.1-80").is_some());
    let again = register(&registrations, users).await.expect("it is right");
    assert!(!again.is_new && again.version == 2 && again.kept == first.kept);
    store.close().await.expect("it closes");

    let (_store, registrations) = open(&folder).await;
    assert_eq!(registrations.watch().borrow().by_key.values().collect::<Vec<_>>(), [&first.kept]);
    assert_eq!(registrations.last_seen("users-10.0.0.1-80"), None);
    registrations.heartbeat("users-10.0.0.1-80").expect("it is there");
    assert!(registrations.last_seen("users-10.0.0.1-80").is_some());
    registrations.deregister("users-10.0.0.1-80").await.expect("it is there");
    assert!(matches!(registrations.deregister("users-10.0.0.1-80").await, Err(Error::NotFound(_))));
    assert!(matches!(registrations.heartbeat("users-10.0.0.1-80"), Err(Error::NotFound(_))));
}

#[tokio::test]
async fn what_is_wrong_or_the_configurations_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_store, registrations) = open(&folder).await;
    let wrong = json!({"name": "a", "address": "10.0.0.1:80", "ttl": "9s"});
    let error = register(&registrations, wrong).await.expect_err("it is wrong").to_string();
    assert!(error.contains("ttl: it must be from 10s to 1d"), "{error}");
    let taken = json!({"name": "a", "address": "10.0.0.1:80", "id": "configured"});
    assert!(matches!(register(&registrations, taken).await, Err(Error::Conflict(_))));
    assert!(registrations.watch().borrow().by_key.is_empty());
}

#[tokio::test]
async fn silence_ends_what_has_a_time_to_live_and_a_healthy_answer_is_a_sign_of_life() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_store, registrations) = open(&folder).await;
    for (id, health, ttl) in [("forever", None, None), ("beats", None, Some("10s")), ("asked", Some("/h"), Some("10s"))]
    {
        let members = json!({"id": id, "name": "a", "address": "10.0.0.1:80", "health": health, "ttl": ttl});
        register(&registrations, members).await.expect("it is right");
    }
    let now = Instant::now();
    let after = |seconds| now + Duration::from_secs(seconds);
    let healthy = HashMap::from([("asked".to_owned(), CheckStatus::Healthy)]);
    // It has nothing that is asked, so nothing is known by what is believed of it.
    let believed = HashMap::from([("beats".to_owned(), CheckStatus::Healthy)]);
    assert!(registrations.silent(after(9), &HashMap::new()).is_empty());
    assert_eq!(registrations.silent(after(11), &believed), ["asked", "beats"]);
    assert_eq!(registrations.silent(after(11), &healthy), ["beats"]);
    assert_eq!(registrations.silent(after(20), &HashMap::new()), ["beats"]);
    assert_eq!(registrations.silent(after(22), &HashMap::new()), ["asked", "beats"]);

    registrations.end(vec!["beats".to_owned()], &HashMap::new).await;
    assert_eq!(registrations.watch().borrow().by_key.len(), 3, "it has been heard of, after all");
    registrations.seen().insert("beats".to_owned(), Seen { counted: now - Duration::from_secs(60), ..Seen::now() });
    registrations.end(vec!["beats".to_owned()], &HashMap::new).await;
    assert_eq!(registrations.watch().borrow().by_key.keys().collect::<Vec<_>>(), ["asked", "forever"]);
}
