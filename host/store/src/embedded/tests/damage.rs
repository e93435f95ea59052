//! Faults: a record that rotted, a disk that is full, a sync that failed, a thread that panicked.

use std::time::Duration;

use rusqlite::{Connection, ffi};

use super::*;

fn raw(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("store.sqlite")).unwrap()
}

#[tokio::test]
async fn rotten_record_is_reported_with_bucket_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    for (key, value) in [("k", "value"), ("n", "1"), ("good", "value")] {
        first.kv_put("b", key, value.into(), Expect::Any).await.unwrap();
    }
    first.close().await.unwrap();
    raw(&folder).execute("UPDATE kv SET value = x'32' WHERE key IN ('k', 'n')", []).unwrap();
    let store = store(&folder);
    let corrupt = |error: &StoreError, key: &str| match error {
        StoreError::Corrupt { bucket, key: found } => assert_eq!((&**bucket, &**found), ("b", key)),
        other => unreachable!("{other}"),
    };
    corrupt(&store.kv_get("b", "k").await.unwrap_err(), "k");
    corrupt(&store.kv_get("b", "k").await.unwrap_err(), "k");
    corrupt(&store.kv_get_many("b", &["good".into(), "k".into()]).await.unwrap_err(), "k");
    corrupt(&store.kv_increment("b", "n", 1).await.unwrap_err(), "n");
    assert!(store.kv_get("b", "good").await.unwrap().is_some());
    store.kv_put("b", "k", "new".into(), Expect::Any).await.unwrap();
    assert_eq!(store.kv_get("b", "k").await.unwrap().unwrap().value, "new");
}

#[tokio::test]
async fn full_disk_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.file_bytes_max = Some(1 << 20);
    let full = Embedded::open(options).unwrap();
    let value = Bytes::from(vec![7; 100 << 10]);
    let mut kept = 0;
    let error = loop {
        match full.kv_put("b", &kept.to_string(), value.clone(), Expect::Any).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full), "{error}");
    assert!(kept >= 5, "{kept}");
    assert_eq!(full.kv_usage("b").await.unwrap().unwrap().entries, kept);
    full.kv_delete("b", "0", Expect::Any).await.expect("a delete needs no room");
    full.kv_put("b", "0", value, Expect::Absent).await.expect("there is room again");
    drop(full);
    assert_eq!(store(&folder).kv_usage("b").await.unwrap().unwrap().entries, kept);
}

#[tokio::test]
async fn full_disk_refuses_only_the_batch_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.file_bytes_max = Some(1 << 20);
    let store = Embedded::open(options).unwrap();
    let large = (0..20).fold(Batch::new(), |batch, n| batch.put("b", n.to_string(), vec![7; 100 << 10], Expect::Any));
    let (small, large) = tokio::join!(store.kv_put("b", "small", "v".into(), Expect::Any), store.commit(large));
    small.unwrap();
    assert!(matches!(large, Err(StoreError::Full)), "{large:?}");
    assert_eq!(store.kv_usage("b").await.unwrap().unwrap().entries, 1);
}

#[tokio::test]
async fn commit_that_finds_no_room_rolls_back_and_the_writer_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    store.shared.fault.store(ffi::SQLITE_FULL, Relaxed);
    let error = store.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error}");
    assert_eq!(store.kv_get("b", "k").await.unwrap(), None);
    store.kv_put("b", "k", "v".into(), Expect::Absent).await.unwrap();
    assert_eq!(store.kv_usage("b").await.unwrap().unwrap().entries, 1);
}

#[tokio::test]
async fn failed_sync_ends_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    first.kv_put("b", "before", "v".into(), Expect::Any).await.unwrap();
    first.shared.fault.store(ffi::SQLITE_IOERR_FSYNC, Relaxed);
    for _ in 0..2 {
        let error = first.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    }
    let failed = tokio::time::timeout(Duration::from_secs(5), first.failed()).await.unwrap();
    assert!(failed.to_string().contains("cannot commit"), "{failed}");
    assert!(first.kv_get("b", "before").await.unwrap().is_some(), "reads go on");
    assert!(matches!(first.close().await, Err(StoreError::Failed { .. })));
    assert!(store(&folder).kv_exists("b", "before").await.unwrap());
}

#[tokio::test]
async fn reader_that_panics_ends_the_store_rather_than_let_callers_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let read = store.readers.read(|_| -> Result<(), StoreError> { unreachable!("on purpose") }).await;
    assert!(read.is_err());
    assert!(store.failed().await.to_string().contains("panicked"));
    assert!(matches!(store.kv_put("b", "k", "v".into(), Expect::Any).await, Err(StoreError::Failed { .. })));
}

/// On a real full disk: `SWITCHYARD_TEST_SMALL_DISK` names a folder on a file system of 4 to 64 MiB.
#[tokio::test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
async fn real_full_disk_refuses_and_loses_nothing() {
    let Some(disk) = std::env::var_os("SWITCHYARD_TEST_SMALL_DISK") else {
        eprintln!("skipped: SWITCHYARD_TEST_SMALL_DISK does not name a small file system");
        return;
    };
    let folder = tempfile::tempdir_in(disk).unwrap();
    let full = store(&folder);
    let value = Bytes::from(vec![7; 300 << 10]);
    let mut kept = Vec::new();
    let mut refused = 0;
    for n in 0..400_u32 {
        match full.kv_put("b", &n.to_string(), value.clone(), Expect::Any).await {
            Ok(_) => kept.push(n.to_string()),
            Err(StoreError::Full) => refused += 1,
            Err(other) => unreachable!("{other}"),
        }
    }
    assert!(refused > 0 && !kept.is_empty(), "{refused} refused, {} kept", kept.len());
    drop(full);
    let recovered = store(&folder);
    for key in &kept {
        assert!(recovered.kv_get("b", key).await.unwrap().is_some_and(|entry| entry.value == value), "{key}");
    }
    assert_eq!(recovered.kv_usage("b").await.unwrap().unwrap().entries, kept.len() as u64);
}
