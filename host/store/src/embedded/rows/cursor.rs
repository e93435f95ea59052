//! Where a cursor stands.

use rusqlite::{Connection, Result, Row as SqlRow};

use crate::embedded::{
    fault::Fault,
    mirror::Row,
    record::{Sum, corrupt, sql},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Place {
    pub(in crate::embedded) id: i64,
    pub(in crate::embedded) epoch: u64,
    pub(in crate::embedded) floor: u64,
}

// === impl Place ===

impl Place {
    pub(in crate::embedded) fn insert(conn: &Connection, name: &str, epoch: u64, floor: u64) -> Result<Self> {
        conn.prepare_cached("INSERT INTO cursor(name, epoch, floor, crc) VALUES(?1, ?2, ?3, 0)")?.execute((
            name,
            sql(epoch),
            sql(floor),
        ))?;
        let place = Self { id: conn.last_insert_rowid(), epoch, floor };
        place.save(conn, name)?;
        Ok(place)
    }

    /// Reads id, epoch, floor and checksum of the cursor with this name.
    pub(in crate::embedded) fn read(row: &SqlRow<'_>, name: &str) -> Result<Self, Fault> {
        let (epoch, floor): (i64, i64) = (row.get(1)?, row.get(2)?);
        let place = Self { id: row.get(0)?, epoch: epoch.cast_unsigned(), floor: floor.cast_unsigned() };
        if place.sum(name) == row.get::<_, u32>(3)? {
            Ok(place)
        } else {
            Err(corrupt(format_args!("cursor {name:?}")).into())
        }
    }

    fn sum(&self, name: &str) -> u32 {
        Sum::of("cursor").text(name).number(self.id).number(sql(self.epoch)).number(sql(self.floor)).end()
    }
}

impl Row for Place {
    fn load(conn: &Connection, name: &str) -> Result<Option<Self>, Fault> {
        let mut statement = conn.prepare_cached("SELECT id, epoch, floor, crc FROM cursor WHERE name = ?1")?;
        let mut rows = statement.query([name])?;
        rows.next()?.map(|row| Self::read(row, name)).transpose()
    }

    fn save(&self, conn: &Connection, name: &str) -> Result<()> {
        conn.prepare_cached("UPDATE cursor SET epoch = ?2, floor = ?3, crc = ?4 WHERE id = ?1")?
            .execute((self.id, sql(self.epoch), sql(self.floor), self.sum(name)))
            .map(drop)
    }
}
