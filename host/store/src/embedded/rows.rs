//! The rows that the writer mirrors, one file each.

pub(super) mod bucket;
pub(super) mod cursor;
pub(super) mod message;
pub(super) mod queue;
pub(super) mod topic;
use rusqlite::Connection;

use super::fault::Fault;
use crate::StoreError;

/// Refuses another row of a table that is full; asked only before a name comes into being.
fn make_room(conn: &Connection, what: &'static str, count: &str, max: usize) -> Result<(), Fault> {
    let rows: i64 = conn.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    let is_full = usize::try_from(rows).is_ok_and(|rows| rows >= max);
    if is_full { Err(Fault::Refused(StoreError::TooMany { what, max })) } else { Ok(()) }
}
