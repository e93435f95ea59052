//! Dead letters, timers, owners and blobs.

use super::Exam;
use crate::embedded::{
    fault::Fault,
    query::{blob, dead, owner, timer},
    record::corrupt,
};

impl Exam<'_> {
    pub(super) fn dead_letters(&mut self) -> Result<(), Fault> {
        let query = format!("SELECT seq, {} FROM dead WHERE seq > ?1 ORDER BY seq LIMIT ?2", dead::COLUMNS);
        self.each(&query, |row| dead::checked(row, 1).map(drop))
    }

    pub(super) fn timers(&mut self) -> Result<(), Fault> {
        let query = format!("SELECT seq, {} FROM timer WHERE seq > ?1 ORDER BY seq LIMIT ?2", timer::COLUMNS);
        self.each(&query, |row| timer::checked(row, 1).map(drop))
    }

    pub(super) fn owners(&mut self) -> Result<(), Fault> {
        self.all(&format!("SELECT {} FROM owner", owner::COLUMNS), [], |row| owner::checked(row).map(drop))
    }

    pub(super) fn blobs(&mut self) -> Result<(), Fault> {
        let names: Vec<String> = self
            .conn
            .prepare_cached("SELECT name FROM blob")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for name in names {
            let checked = blob::get(self.conn, &name).map(drop);
            self.record(checked)?;
        }
        // Parts without a name are a blob that is being kept just now, or what a crash left; opening removes those.
        let query = "SELECT blob, part, crc, bytes FROM blob_part WHERE blob NOT IN (SELECT id FROM blob)";
        self.all(query, [], |row| {
            let (blob, part, bytes): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(3)?);
            if blob::part_sum(blob, part, &bytes) == row.get::<_, u32>(2)? {
                Ok(())
            } else {
                Err(corrupt(format_args!("part {part} of blob number {blob}")).into())
            }
        })
    }
}
