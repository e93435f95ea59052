//! Looking at a store from outside, while a host runs or not.
//!
//! A visitor takes no lock on the folder and writes nothing. It is one more reader to SQLite, so it sees whole
//! commits only; while it reads, the log cannot start over, so it reads in small steps where it can.

use std::{fs, path::Path};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    folder::{database, open_error},
    schema::{self, BUSY_TIMEOUT},
};
use crate::StoreError;

/// A connection to a folder's store, and the version of its tables.
pub(super) fn folder(folder: &Path) -> Result<(Connection, u32), StoreError> {
    let failed = |error| open_error(folder, error);
    let file = database(folder);
    // SQLite would only say that it cannot open it.
    fs::metadata(&file).map_err(|error| open_error(folder, error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&file, flags).map_err(failed)?;
    set_up(&conn).map_err(failed)?;
    let version = known(&conn, folder)?;
    Ok((conn, version))
}

/// A connection to a file that nobody changes, and the version of its tables.
pub(super) fn file(file: &Path) -> Result<(Connection, u32), StoreError> {
    let failed = |error| open_error(file, error);
    fs::metadata(file).map_err(|error| open_error(file, error))?;
    // Immutable: neither locks nor a log beside the file, only what stands in it.
    let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags).map_err(failed)?;
    set_up(&conn).map_err(failed)?;
    let version = known(&conn, file)?;
    Ok((conn, version))
}

fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}

fn known(conn: &Connection, place: &Path) -> Result<u32, StoreError> {
    match schema::version(conn).map_err(|error| open_error(place, error))? {
        0 => Err(open_error(place, "it is not a store of Switchyard")),
        found => schema::check(found, place).map(|()| found),
    }
}
