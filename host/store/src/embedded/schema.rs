//! The database: its tables, their versions, and how a connection to it is set up.
//!
//! The version is a row of `meta`. Opening applies every later migration in one transaction; a newer version is
//! refused, since an older host would not keep what the newer one relies on.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Result, config::DbConfig};

use super::folder::{Folder, open_error};
use crate::StoreError;

/// How long a connection waits for another's lock. Locks are held for milliseconds; somebody's `sqlite3` shell
/// may hold one longer.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Prepared statements kept by a connection: more than there are.
const STATEMENTS: usize = 128;

/// What leads from version N to N + 1, N being the index. Never edit one that was released; add one.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that writes.
    Writer,
    /// One of those that read.
    Reader,
    /// The one that moves the log into the database.
    Checkpointer,
}

/// When COMMIT comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// Once the log is on the disk, with all that was committed before.
    Full,
    /// At once. Checkpoints still sync, so that a crash loses the newest commits and nothing else.
    Relaxed,
}

/// What tests put under a store; nothing outside of tests.
#[derive(Debug, Clone, Default)]
pub(super) struct Rig {
    /// The file layer of SQLite to use instead of the system's.
    #[cfg(test)]
    pub(super) vfs: Option<String>,
    /// Never sync, so that a test can show that it would find out.
    #[cfg(test)]
    pub(super) never_syncs: bool,
}

/// Opens one connection.
pub(super) fn connect(database: &Path, role: Role, rig: &Rig) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let create = if role == Role::Writer { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let conn = rig.open(database, flags | create)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.pragma_update(None, "journal_mode", "wal")?;
    // FULL syncs the log at each commit; NORMAL would lose acknowledged commits with the power. The other two
    // matter on macOS, where fsync alone stops at the disk's cache.
    set_sync(&conn, Sync::Full, rig)?;
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    // Checkpoints belong to the checkpointer. On closing too: SQLite's own would sync again after a failed sync.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Else SQLite compiles a statement again whenever a value that it once looked at is another one.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    match role {
        Role::Writer => conn.pragma_update(None, "cache_size", -16_384)?,
        Role::Reader => {
            conn.pragma_update(None, "cache_size", -2_048)?;
            conn.pragma_update(None, "query_only", true)?;
        }
        Role::Checkpointer => conn.pragma_update(None, "cache_size", -256)?,
    }
    Ok(conn)
}

/// Changes when COMMIT comes back; between transactions only.
pub(super) fn set_sync(conn: &Connection, sync: Sync, rig: &Rig) -> Result<()> {
    if rig.never_syncs() {
        return conn.execute_batch("PRAGMA synchronous = OFF");
    }
    // Not a prepared statement: SQLite acts on this one while it reads it.
    conn.execute_batch(match sync {
        Sync::Full => "PRAGMA synchronous = FULL",
        Sync::Relaxed => "PRAGMA synchronous = NORMAL",
    })
}

/// Brings the tables up to date.
pub(super) fn migrate(conn: &mut Connection, folder: &Folder) -> Result<(), StoreError> {
    let failed = |source: rusqlite::Error| open_error(folder.path(), source);
    let found = version(conn).map_err(failed)?;
    check(found, folder.path())?;
    if found < supported() { upgrade(conn, found).map_err(failed) } else { Ok(()) }
}

/// Refuses tables of a newer host.
pub(super) fn check(found: u32, place: &Path) -> Result<(), StoreError> {
    let supported = supported();
    if found > supported {
        return Err(StoreError::NewerSchema { folder: place.to_owned(), found, supported });
    }
    Ok(())
}

fn supported() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("migrations are counted in dozens")
}

/// Sets the largest size of the database file.
pub(super) fn limit_file(conn: &Connection, bytes_max: Option<u64>) -> Result<()> {
    let Some(bytes_max) = bytes_max else { return Ok(()) };
    let page_bytes: i64 = conn.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = i64::try_from(bytes_max).unwrap_or(i64::MAX) / page_bytes;
    conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
}

/// The version of the tables; 0 when there are none.
pub(super) fn version(conn: &Connection) -> Result<u32> {
    let meta = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    if conn.query_row(meta, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    conn.query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0))
}

fn upgrade(conn: &mut Connection, found: u32) -> Result<()> {
    let tx = conn.transaction()?;
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    )?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        tx.execute_batch(migration)?;
    }
    tx.execute("INSERT OR REPLACE INTO meta(name, value) VALUES('schema', ?1)", [MIGRATIONS.len().cast_signed()])?;
    tx.commit()?;
    tracing::info!(from = found, to = MIGRATIONS.len(), "store schema upgraded");
    Ok(())
}

// === impl Rig ===

#[cfg(not(test))]
impl Rig {
    #[allow(clippy::unused_self, reason = "in tests it matters")]
    fn open(&self, database: &Path, flags: OpenFlags) -> Result<Connection> {
        Connection::open_with_flags(database, flags)
    }

    #[allow(clippy::unused_self, reason = "in tests it matters")]
    fn never_syncs(&self) -> bool {
        false
    }
}

#[cfg(test)]
impl Rig {
    fn open(&self, database: &Path, flags: OpenFlags) -> Result<Connection> {
        match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(database, flags, vfs.as_str()),
            None => Connection::open_with_flags(database, flags),
        }
    }

    fn never_syncs(&self) -> bool {
        self.never_syncs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Folder) -> Result<Connection, StoreError> {
        let mut conn = connect(&folder.database(), Role::Writer, &Rig::default()).unwrap();
        migrate(&mut conn, folder).map(|()| conn)
    }

    #[test]
    fn migrate_refuses_a_newer_schema() {
        let base = tempfile::tempdir().unwrap();
        let folder = Folder::open(base.path()).unwrap();
        let conn = open(&folder).unwrap();
        conn.execute("UPDATE meta SET value = 99 WHERE name = 'schema'", []).unwrap();
        drop(conn);
        let error = open(&folder).unwrap_err();
        assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("start the newer host"), "{error}");
    }

    #[test]
    fn migrate_twice_changes_nothing() {
        let base = tempfile::tempdir().unwrap();
        let folder = Folder::open(base.path()).unwrap();
        drop(open(&folder).unwrap());
        let conn = open(&folder).unwrap();
        assert_eq!(version(&conn).unwrap(), u32::try_from(MIGRATIONS.len()).unwrap());
    }
}
