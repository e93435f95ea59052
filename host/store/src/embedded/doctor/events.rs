//! The log, what it remembers of what it forgot, and cursors.

use super::Exam;
use crate::embedded::{
    apply::forgotten_sum,
    fault::Fault,
    query::{
        cursor::{self, read_retry, settled_sum},
        log,
    },
    record::corrupt,
    rows::cursor::Place,
};

impl Exam<'_> {
    pub(super) fn events(&mut self) -> Result<(), Fault> {
        self.orphans(
            "SELECT DISTINCT printf('events of topic number %d', topic) FROM log
             WHERE topic NOT IN (SELECT id FROM topic)",
        )?;
        let query = format!(
            "SELECT {}, name FROM log JOIN (SELECT id AS number, name FROM topic) ON number = topic
             WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
            log::COLUMNS
        );
        self.each(&query, |row| log::check(row, &row.get(8)?).map(drop))?;
        self.each(
            "SELECT sequence, published_at, source, id, crc FROM forgotten WHERE sequence > ?1
             ORDER BY sequence LIMIT ?2",
            |row| {
                let sequence: i64 = row.get(0)?;
                let (source, id): (String, String) = (row.get(2)?, row.get(3)?);
                let sum = forgotten_sum(sequence, row.get(1)?, &source, &id);
                if sum == row.get::<_, u32>(4)? {
                    Ok(())
                } else {
                    Err(corrupt(format_args!("what is remembered of event {sequence}")).into())
                }
            },
        )
    }

    pub(super) fn cursors(&mut self) -> Result<(), Fault> {
        for table in ["settled", "retry"] {
            self.orphans(&format!(
                "SELECT DISTINCT printf('{table} of cursor number %d', cursor) FROM {table}
                 WHERE cursor NOT IN (SELECT id FROM cursor)"
            ))?;
        }
        self.each("SELECT id, epoch, floor, crc, name FROM cursor WHERE id > ?1 ORDER BY id LIMIT ?2", |row| {
            Place::read(row, &row.get::<_, String>(4)?).map(drop)
        })?;
        let names: Vec<(i64, String)> = self
            .conn
            .prepare_cached("SELECT id, name FROM cursor")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (id, name) in names {
            self.all("SELECT sequence, crc FROM settled WHERE cursor = ?1", [id], |row| {
                let sequence: i64 = row.get(0)?;
                if settled_sum(id, sequence) == row.get::<_, u32>(1)? {
                    Ok(())
                } else {
                    Err(corrupt(format_args!("the mark of event {sequence} by cursor {name:?}")).into())
                }
            })?;
            let query = format!("SELECT {} FROM retry WHERE cursor = ?1", cursor::RETRY_COLUMNS);
            self.all(&query, [id], |row| read_retry(row, &name, id).map(drop))?;
        }
        Ok(())
    }
}
