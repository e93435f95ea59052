//! Who owns what.

use rusqlite::{Connection, Row};
use switchyard_core::timestamp::Timestamp;

use crate::{
    Ownership,
    embedded::{
        fault::Fault,
        record::{Sum, corrupt, sql},
    },
};

/// The columns that [`checked`] reads, from `owner`.
pub(in crate::embedded) const COLUMNS: &str = "resource, owner, token, until, crc";

/// The owner of a resource.
pub(in crate::embedded) fn get(conn: &Connection, resource: &str) -> Result<Option<Ownership>, Fault> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM owner WHERE resource = ?1"))?;
    let mut rows = statement.query([resource])?;
    rows.next()?.map(checked).transpose()
}

/// The ownership of a row, if it is what was claimed.
pub(in crate::embedded) fn checked(row: &Row<'_>) -> Result<Ownership, Fault> {
    let (token, until): (i64, i64) = (row.get(2)?, row.get(3)?);
    let ownership = Ownership {
        resource: row.get(0)?,
        owner: row.get(1)?,
        token: token.cast_unsigned(),
        until: Timestamp(until.cast_unsigned()),
    };
    if sum(&ownership) == row.get::<_, u32>(4)? {
        Ok(ownership)
    } else {
        Err(corrupt(format_args!("the owner of {:?}", ownership.resource)).into())
    }
}

/// The checksum of an ownership.
pub(in crate::embedded) fn sum(ownership: &Ownership) -> u32 {
    let Ownership { resource, owner, token, until } = ownership;
    Sum::of("owner").text(resource).text(owner).number(sql(*token)).number(sql(until.0)).end()
}
