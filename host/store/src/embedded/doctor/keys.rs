//! Keys and values.

use rusqlite::Row;

use super::{Exam, PAGE};
use crate::{
    StoreError,
    embedded::{fault::Fault, record::checksum},
};

impl Exam<'_> {
    pub(super) fn keys(&mut self) -> Result<(), Fault> {
        self.orphans(
            "SELECT DISTINCT printf('keys of bucket number %d', bucket) FROM kv
             WHERE bucket NOT IN (SELECT id FROM bucket)",
        )?;
        let mut statement = self.conn.prepare(
            // A key that is no UTF-8 any more has to be passed too, so the place is a blob.
            "SELECT kv.bucket, CAST(key AS BLOB), name, key, revision, crc, value
             FROM kv JOIN bucket ON bucket.id = kv.bucket
             WHERE (kv.bucket, key) > (?1, CAST(?2 AS TEXT)) ORDER BY kv.bucket, key LIMIT ?3",
        )?;
        let (mut bucket, mut key): (i64, Option<Vec<u8>>) = (-1, None);
        loop {
            let mut rows = statement.query((bucket, key.as_deref().unwrap_or_default(), PAGE.cast_signed() as i64))?;
            let mut count = 0;
            while let Some(row) = rows.next()? {
                (bucket, key) = (row.get(0)?, Some(row.get(1)?));
                count += 1;
                self.record(check(row, key.as_deref().unwrap_or_default()))?;
            }
            if count < PAGE {
                return Ok(());
            }
        }
    }
}

fn check(row: &Row<'_>, raw_key: &[u8]) -> Result<(), Fault> {
    let bucket: std::sync::Arc<str> = row.get(2)?;
    let corrupt = || StoreError::Corrupt { bucket: bucket.clone(), key: String::from_utf8_lossy(raw_key).into() };
    let read = || -> rusqlite::Result<bool> {
        let (key, value) = (row.get_ref(3)?.as_str()?, row.get_ref(6)?.as_blob()?);
        let revision: i64 = row.get(4)?;
        Ok(checksum(&bucket, key, revision.cast_unsigned(), value) == row.get::<_, u32>(5)?)
    };
    // What cannot be read has rotted as well.
    if read().unwrap_or(false) { Ok(()) } else { Err(corrupt().into()) }
}
