//! The reads, one file a family, used by readers and by the writer's transaction.

pub(super) mod blob;
pub(super) mod cursor;
pub(super) mod dead;
pub(super) mod kv;
pub(super) mod log;
pub(super) mod owner;
pub(super) mod queue;
pub(super) mod timer;

use rusqlite::Connection;

use super::fault::Fault;

/// Runs several statements on one state of the database.
pub(super) fn snapshot<T>(conn: &Connection, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let result = read(conn);
    // Nothing was written, so this cannot fail for want of anything.
    conn.prepare_cached("COMMIT")?.execute([])?;
    result
}
