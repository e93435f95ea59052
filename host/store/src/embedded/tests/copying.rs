//! Backup and restore.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{
    everything::{append, fill, one},
    *,
};
use crate::{ReadLog, backup, doctor, restore};

async fn records(store: &Embedded) -> Vec<u64> {
    let page = store.log_read(ReadLog { after: 0, topics: None, limit: 1_000 }).await.unwrap();
    page.records.iter().map(|record| record.sequence).collect()
}

#[tokio::test]
async fn backup_of_a_running_store_restores_to_the_same_state() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = store(&folder);
    fill(&first).await;
    let file = other.path().join("backup");
    let bytes = backup(folder.path(), &file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().len(), bytes);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    one(&first, append("topic", "after the backup", 50)).await;
    let target = other.path().join("restored");
    restore(&file, &target).unwrap();
    let mut names: Vec<_> = fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["backup", "restored"], "nothing else is left");
    assert!(doctor(&target).unwrap().is_sound());
    let second = Embedded::open(Options::new(&target)).unwrap();
    assert_eq!(records(&second).await, records(&first).await[..17]);
    assert_eq!(second.kv_get("bucket", "key").await.unwrap(), first.kv_get("bucket", "key").await.unwrap());
    assert_eq!(second.blob_get("blob").await.unwrap(), first.blob_get("blob").await.unwrap());
    assert_eq!(second.cursor("cursor").await.unwrap(), first.cursor("cursor").await.unwrap());
    one(&second, append("topic", "goes on", 50)).await;
}

#[tokio::test]
async fn backup_and_restore_overwrite_nothing() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = store(&folder);
    first.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap();
    let file = other.path().join("backup");
    fs::write(&file, "precious").unwrap();
    let error = backup(folder.path(), &file).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    fs::remove_file(&file).unwrap();
    backup(folder.path(), &file).unwrap();
    let error = restore(&file, folder.path()).unwrap_err();
    assert!(matches!(&error, StoreError::Exists { path } if path.ends_with("store.sqlite")), "{error}");
    assert!(first.kv_exists("b", "k").await.unwrap());
}

#[tokio::test]
async fn damaged_backup_is_not_restored() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(&store(&folder)).await;
    let file = other.path().join("backup");
    backup(folder.path(), &file).unwrap();
    let target = other.path().join("restored");
    let refuses = |what: &str| {
        let error = restore(&file, &target).unwrap_err();
        assert!(!target.join("store.sqlite").exists(), "{what}");
        error
    };
    rusqlite::Connection::open(&file).unwrap().execute("UPDATE timer SET due = 9", []).unwrap();
    let error = refuses("a record that rotted");
    assert!(error.to_string().contains("timer \"timer\""), "{error}");
    assert!(matches!(error, StoreError::Damaged { faults: 1, .. }), "{error}");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    refuses("half a file");
    fs::write(&file, "no database at all, and long enough that it might be one").unwrap();
    assert!(matches!(refuses("no database"), StoreError::Open { .. }));
    fs::remove_file(&file).unwrap();
    assert!(matches!(refuses("no file"), StoreError::Open { .. }));
}

#[tokio::test]
async fn restore_refuses_a_folder_that_is_held_and_a_newer_backup() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(store(&folder));
    let file = other.path().join("backup");
    backup(folder.path(), &file).unwrap();
    let target = other.path().join("held");
    let held = folder::Folder::open(&target).unwrap();
    assert!(matches!(restore(&file, &target), Err(StoreError::Locked { .. })));
    drop(held);
    rusqlite::Connection::open(&file).unwrap().execute("UPDATE meta SET value = 99 WHERE name = 'schema'", []).unwrap();
    assert!(matches!(restore(&file, &target), Err(StoreError::NewerSchema { .. })));
}

#[tokio::test]
async fn backup_of_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = backup(folder.path(), &folder.path().join("backup")).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

/// Each copy is the state between two commits: it has all that was acknowledged before, and no batch in part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_while_a_host_commits_are_whole_states() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(store(&folder));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = {
        let (store, acknowledged, stop) = (store.clone(), acknowledged.clone(), stop.clone());
        tokio::spawn(async move {
            let mut n = 0;
            while !stop.load(Relaxed) {
                n += 1;
                let batch = Batch::new()
                    .with(append("t", &n.to_string(), n))
                    .put("b", "n", n.to_string(), Expect::Any)
                    .put("b", (n % 300).to_string(), vec![7; 2_000], Expect::Any);
                store.commit(batch).await.unwrap();
                acknowledged.store(n, Relaxed);
            }
        })
    };
    for round in 0..5 {
        let before = acknowledged.load(Relaxed);
        let (source, file, target) = (
            folder.path().to_owned(),
            other.path().join(format!("backup-{round}")),
            other.path().join(format!("restored-{round}")),
        );
        let copied = target.clone();
        tokio::task::spawn_blocking(move || {
            backup(&source, &file).unwrap();
            restore(&file, &target).unwrap();
        })
        .await
        .unwrap();
        let copy = Embedded::open(Options::new(&copied)).unwrap();
        let appended = *copy.log_head().borrow();
        let written = copy
            .kv_get("b", "n")
            .await
            .unwrap()
            .map_or(0, |entry| std::str::from_utf8(&entry.value).unwrap().parse::<u64>().unwrap());
        assert!(appended >= before, "{appended} of {before}");
        assert_eq!(appended, written, "of one batch");
    }
    stop.store(true, Relaxed);
    writer.await.unwrap();
}
