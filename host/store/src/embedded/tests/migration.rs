//! A store of the first version, as the host of that version made it.

use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::{
    everything::{append, one},
    *,
};
use crate::doctor;

/// The tables of version 1, word for word.
const VERSION_1: &str = "
    CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE bucket(
         id INTEGER PRIMARY KEY,
         name TEXT NOT NULL UNIQUE,
         entries INTEGER NOT NULL,
         bytes INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE kv(
         bucket INTEGER NOT NULL,
         key TEXT NOT NULL,
         revision INTEGER NOT NULL,
         crc INTEGER NOT NULL,
         value BLOB NOT NULL,
         PRIMARY KEY(bucket, key)
     ) STRICT, WITHOUT ROWID;
     INSERT INTO meta(name, value) VALUES('revision', 7), ('schema', 1);
     INSERT INTO bucket(id, name, entries, bytes) VALUES(1, 'users', 1, 37);
     INSERT INTO kv(bucket, key, revision, crc, value) VALUES(1, 'ann', 7, 1492101623, CAST('{}' AS BLOB));";

fn version_1() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let conn = raw(&folder);
    conn.pragma_update(None, "journal_mode", "wal").unwrap();
    conn.execute_batch(VERSION_1).unwrap();
    folder
}

fn raw(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("store.sqlite")).unwrap()
}

fn schema(folder: &TempDir) -> i64 {
    raw(folder).query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn version_1_is_migrated_and_keeps_everything() {
    let folder = version_1();
    let report = doctor(folder.path()).unwrap();
    assert_eq!((report.schema, report.records, report.is_sound()), (1, 1, true), "{report:?}");
    let first = store(&folder);
    let entry = first.kv_get("users", "ann").await.unwrap().unwrap();
    assert_eq!((&entry.value[..], entry.revision), (&b"{}"[..], 7));
    assert_eq!(first.kv_put("users", "ann", "{1}".into(), Expect::Revision(7)).await.unwrap(), 8);
    assert_eq!(first.kv_usage("users").await.unwrap().map(|usage| usage.bytes), Some(38));
    one(&first, append("topic", "first", 1)).await;
    assert_eq!(*first.log_head().borrow(), 1);
    first.close().await.unwrap();
    assert_eq!(schema(&folder), 2);
    assert!(doctor(folder.path()).unwrap().is_sound());
    assert_eq!(*store(&folder).log_head().borrow(), 1);
}

#[tokio::test]
async fn migration_that_fails_changes_nothing() {
    let folder = version_1();
    // In the way of the last tables that the migration makes.
    raw(&folder).execute_batch("CREATE TABLE blob_part(x)").unwrap();
    let error = Embedded::open(Options::new(folder.path())).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert_eq!(schema(&folder), 1);
    let tables: i64 = raw(&folder)
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 4);
    raw(&folder).execute_batch("DROP TABLE blob_part").unwrap();
    assert!(store(&folder).kv_exists("users", "ann").await.unwrap());
}
