//! What is there after the store ended, in order or not.

use std::fs;

use super::*;
use crate::ListKeys;

#[tokio::test]
async fn reopening_after_close_finds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    let revision = first.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap();
    first.close().await.unwrap();
    let second = store(&folder);
    assert_eq!(second.kv_get("b", "k").await.unwrap().unwrap().revision, revision);
    assert!(second.kv_put("b", "k", "w".into(), Expect::Revision(revision)).await.unwrap() > revision);
    assert_eq!(second.kv_usage("b").await.unwrap().unwrap().entries, 1);
}

#[tokio::test]
async fn reopening_after_a_drop_finds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    first.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap();
    drop(first);
    assert!(store(&folder).kv_exists("b", "k").await.unwrap());
}

/// The files as a crash of the process leaves them: copied while the store is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_crash_hold_all_that_was_acknowledged() {
    let (folder, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = store(&folder);
    for n in 0..200 {
        store.kv_put("b", &format!("{n:03}"), "v".into(), Expect::Any).await.unwrap();
    }
    store.kv_put("b", "last", "v".into(), Expect::Any).await.unwrap();
    for file in ["store.sqlite", "store.sqlite-wal"] {
        fs::copy(folder.path().join(file), crashed.path().join(file)).unwrap();
    }
    let recovered = super::store(&crashed);
    assert_eq!(recovered.kv_list("b", ListKeys::default()).await.unwrap().keys.len(), 201);
    assert_eq!(recovered.kv_usage("b").await.unwrap(), store.kv_usage("b").await.unwrap());
    assert_eq!(recovered.kv_get("b", "last").await.unwrap(), store.kv_get("b", "last").await.unwrap());
}

/// A log whose end was not written: the last commit is lost whole, those before it are kept.
#[tokio::test]
async fn torn_end_of_the_log_loses_only_whole_batches() {
    let (folder, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = store(&folder);
    store.kv_put("b", "kept", "v".into(), Expect::Any).await.unwrap();
    let batch = (0..100).fold(Batch::new(), |batch, n| batch.put("torn", n.to_string(), vec![1; 500], Expect::Any));
    store.commit(batch).await.unwrap();
    let log = fs::read(folder.path().join("store.sqlite-wal")).unwrap();
    fs::copy(folder.path().join("store.sqlite"), crashed.path().join("store.sqlite")).unwrap();
    fs::write(crashed.path().join("store.sqlite-wal"), &log[..log.len() - 100]).unwrap();
    let recovered = super::store(&crashed);
    assert!(recovered.kv_exists("b", "kept").await.unwrap());
    assert_eq!(recovered.kv_usage("torn").await.unwrap(), None);
    assert_eq!(recovered.kv_list("torn", ListKeys::default()).await.unwrap().keys, []);
}

#[tokio::test]
async fn commit_whose_caller_left_is_made_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    let mut commit = first.kv_put("b", "k", "v".into(), Expect::Any);
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(commit.as_mut().poll(cx).is_pending())).await);
    drop(commit);
    drop(first);
    assert!(store(&folder).kv_exists("b", "k").await.unwrap());
}

#[tokio::test]
async fn second_store_on_a_folder_is_refused_until_the_first_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    let error = Embedded::open(Options::new(folder.path())).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    first.close().await.unwrap();
    drop(store(&folder));
}

#[test]
fn folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Embedded::open(Options::new(file.path().join("store"))).unwrap_err();
    assert!(error.to_string().starts_with("cannot open store folder"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
