//! The doctor.

use rusqlite::Connection;

use super::{
    everything::{append, enqueue, fill, one},
    *,
};
use crate::{Finding, Report, Trouble, doctor};

fn raw(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("store.sqlite")).unwrap()
}

async fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    fill(&store).await;
    store.close().await.unwrap();
    folder
}

/// What the doctor says after something was done to a store behind its back.
async fn after(damage: &str) -> Report {
    let folder = filled().await;
    raw(&folder).execute_batch(damage).unwrap();
    doctor(folder.path()).unwrap()
}

#[tokio::test]
async fn doctor_finds_nothing_wrong_with_a_sound_store() {
    let folder = filled().await;
    let report = doctor(folder.path()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    // 1 key, 17 events and 3 remembered, 1 cursor with a mark and a retry, 20 messages and ids, 2 letters, a timer,
    // an owner, a blob.
    assert_eq!((report.schema, report.records), (2, 1 + 20 + 3 + 40 + 5));
    assert!(doctor(folder.path()).unwrap().is_sound(), "looking changed nothing");
    drop(store(&folder));
}

#[tokio::test]
async fn doctor_names_what_has_rotted_in_each_family() {
    for (damage, what) in [
        ("UPDATE kv SET value = x'32'", "key \"key\" of bucket \"bucket\""),
        ("UPDATE kv SET key = CAST(x'ff' AS TEXT)", "key \"\u{fffd}\" of bucket \"bucket\""),
        ("UPDATE log SET published_at = 4 WHERE sequence = 9", "event 9"),
        ("UPDATE log SET record = x'00' WHERE sequence = 9", "event 9"),
        ("UPDATE forgotten SET id = 'other' WHERE sequence = 2", "what is remembered of event 2"),
        ("UPDATE cursor SET floor = 7", "cursor \"cursor\""),
        ("UPDATE settled SET sequence = 10", "the mark of event 10 by cursor \"cursor\""),
        ("UPDATE retry SET record = NULL", "the retry of event 3 by cursor \"cursor\""),
        ("UPDATE message SET failures = 1 WHERE id = 'message-04'", "message \"message-04\" of queue \"queue\""),
        ("UPDATE message SET data = x'00' WHERE id = 'message-04'", "message \"message-04\" of queue \"queue\""),
        (
            "UPDATE body SET data = x'00' WHERE seq = (SELECT seq FROM message WHERE id = 'message-05')",
            "message \"message-05\" of queue \"queue\"",
        ),
        ("UPDATE dedup SET until = 1 WHERE key = 'message-03'", "deduplication id \"message-03\""),
        ("UPDATE dead SET number = 99 WHERE id = 'letter-0'", "dead letter \"letter-0\""),
        ("UPDATE dead SET error = 'yes' WHERE id = 'letter-1'", "dead letter \"letter-1\""),
        ("UPDATE timer SET due = 6", "timer \"timer\""),
        ("UPDATE owner SET owner = 'bob'", "the owner of \"resource\""),
        ("UPDATE blob SET bytes = 600001", "blob \"blob\""),
        ("UPDATE blob_part SET bytes = x'00' WHERE part = 1", "part 1 of blob \"blob\""),
        ("DELETE FROM blob_part WHERE part = 1", "part 2 of blob \"blob\""),
    ] {
        let report = after(damage).await;
        let rotten: Vec<&str> =
            report.findings.iter().filter(|found| found.trouble == Trouble::Rotten).map(|found| &*found.what).collect();
        assert_eq!(rotten, [what], "{damage}: {report:?}");
    }
}

#[tokio::test]
async fn doctor_counts_again() {
    let count = |of, stored, counted| Trouble::Count { of, stored, counted };
    for (damage, what, trouble) in [
        ("UPDATE bucket SET entries = 7", "bucket \"bucket\"", count("keys", 7, 1)),
        ("UPDATE bucket SET bytes = 0", "bucket \"bucket\"", count("bytes", 0, 40)),
        ("UPDATE topic SET records = 18", "topic \"topic\"", count("events", 18, 17)),
        ("UPDATE topic SET last_sequence = 1", "topic \"topic\"", count("(the newest event)", 1, 20)),
        ("UPDATE queue SET ready = 0", "queue \"queue\"", count("waiting messages", 0, 18)),
        ("UPDATE queue SET delayed = 1", "queue \"queue\"", count("delayed messages", 1, 0)),
        ("UPDATE queue SET leased = 3", "queue \"queue\"", count("leased messages", 3, 2)),
        ("UPDATE meta SET value = 1 WHERE name = 'sequence'", "the numbers given out", count("sequences", 1, 20)),
    ] {
        let report = after(damage).await;
        assert_eq!(report.findings, [Finding { what: what.into(), trouble }], "{damage}");
        assert_eq!(report.findings_total, 1);
    }
}

#[tokio::test]
async fn doctor_finds_orphans_and_broken_indexes() {
    for (damage, what) in [
        ("DELETE FROM bucket", "keys of bucket number 1"),
        ("DELETE FROM topic", "events of topic number 1"),
        ("DELETE FROM cursor", "settled of cursor number 1"),
        ("DELETE FROM queue", "messages of queue number 1"),
        ("DELETE FROM message WHERE id = 'message-05'", "payload number"),
    ] {
        let report = after(damage).await;
        let orphan = report.findings.iter().find(|found| found.trouble == Trouble::Orphan);
        assert!(orphan.is_some_and(|found| found.what.starts_with(what)), "{damage}: {report:?}");
    }
    // The index stands, and the rows behind it are others.
    let report = after(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX log_topic ON log(volatile)' WHERE name = 'log_topic';",
    )
    .await;
    assert!(report.findings.iter().any(|found| matches!(found.trouble, Trouble::Database(_))), "{report:?}");
}

#[tokio::test]
async fn doctor_goes_on_where_a_page_is_broken() {
    let folder = filled().await;
    let conn = raw(&folder);
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let root: u64 = conn
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'timer'", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .cast_unsigned();
    drop(conn);
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join("store.sqlite")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 4_096], (root - 1) * 4_096).unwrap();
    let report = doctor(folder.path()).unwrap();
    let what: Vec<&str> = report.findings.iter().map(|found| &*found.what).collect();
    assert!(what.contains(&"the database") && what.contains(&"reading timers"), "{report:?}");
    assert!(report.records > 60, "{report:?}");
}

#[tokio::test]
async fn doctor_refuses_what_is_no_store_and_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = doctor(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "looking makes nothing");
    drop(store(&folder));
    raw(&folder).execute("UPDATE meta SET value = 99 WHERE name = 'schema'", []).unwrap();
    let error = doctor(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_finds_nothing_wrong_while_a_host_commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(store(&folder));
    fill(&store).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = {
        let (store, stop) = (store.clone(), stop.clone());
        tokio::spawn(async move {
            let mut n = 0_u64;
            while !stop.load(Relaxed) {
                n += 1;
                let batch = Batch::new()
                    .with(append("busy", &format!("busy {n}"), n))
                    .with(enqueue("busy", &format!("busy {n}"), if n.is_multiple_of(3) { 5_000 } else { 5 }))
                    .put("busy", (n % 50).to_string(), n.to_string(), Expect::Any);
                store.commit(batch).await.unwrap();
                if n.is_multiple_of(10) {
                    store.blob_put("busy", vec![7; 300_000].into()).await.unwrap();
                }
            }
            n
        })
    };
    for _ in 0..5 {
        let path = folder.path().to_owned();
        let report = tokio::task::spawn_blocking(move || doctor(&path)).await.unwrap().unwrap();
        assert!(report.is_sound(), "{report:?}");
    }
    stop.store(true, Relaxed);
    assert!(writer.await.unwrap() > 0);
    one(&store, append("busy", "last", 1)).await;
}
