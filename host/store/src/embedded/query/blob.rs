//! Blobs, which stand in parts.

use bytes::{Bytes, BytesMut};
use rusqlite::{Connection, OptionalExtension, Result};

use super::snapshot;
use crate::embedded::{
    fault::Fault,
    record::{Sum, corrupt},
};

/// What is under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Link {
    pub(in crate::embedded) id: i64,
    pub(in crate::embedded) bytes: i64,
    pub(in crate::embedded) parts: i64,
}

/// The bytes under a name.
pub(in crate::embedded) fn get(conn: &Connection, name: &str) -> Result<Option<Bytes>, Fault> {
    snapshot(conn, |conn| {
        let Some(link) = link(conn, name)? else { return Ok(None) };
        let whole = usize::try_from(link.bytes).unwrap_or(0);
        let mut bytes = BytesMut::with_capacity(whole);
        let mut statement =
            conn.prepare_cached("SELECT part, crc, bytes FROM blob_part WHERE blob = ?1 ORDER BY part")?;
        let mut rows = statement.query([link.id])?;
        let mut parts = 0;
        while let Some(row) = rows.next()? {
            let (part, crc, data): (i64, u32, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if part != parts || part_sum(link.id, part, &data) != crc {
                return Err(corrupt(format_args!("part {part} of blob {name:?}")).into());
            }
            parts += 1;
            bytes.extend_from_slice(&data);
        }
        if parts != link.parts || bytes.len() != whole {
            return Err(corrupt(format_args!("blob {name:?}")).into());
        }
        Ok(Some(bytes.freeze()))
    })
}

/// What is under a name.
pub(in crate::embedded) fn link(conn: &Connection, name: &str) -> Result<Option<Link>, Fault> {
    let found = conn
        .prepare_cached("SELECT id, bytes, parts, crc FROM blob WHERE name = ?1")?
        .query_row([name], |row| {
            Ok((Link { id: row.get(0)?, bytes: row.get(1)?, parts: row.get(2)? }, row.get::<_, u32>(3)?))
        })
        .optional()?;
    match found {
        Some((link, crc)) if link_sum(name, link) != crc => Err(corrupt(format_args!("blob {name:?}")).into()),
        found => Ok(found.map(|(link, _)| link)),
    }
}

/// The checksum of a part.
pub(in crate::embedded) fn part_sum(blob: i64, part: i64, bytes: &[u8]) -> u32 {
    Sum::of("part").number(blob).number(part).bytes(bytes).end()
}

/// The checksum of a name.
pub(in crate::embedded) fn link_sum(name: &str, link: Link) -> u32 {
    Sum::of("blob").text(name).number(link.id).number(link.bytes).number(link.parts).end()
}
