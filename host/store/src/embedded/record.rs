//! Checksums of records, and numbers as SQLite keeps them.
//!
//! A checksum covers where the record belongs as well as what it holds, so that a page that a disk put in the wrong
//! place is found too. Texts are length-prefixed: (`ab`, `c`) and (`a`, `bc`) differ.

use std::fmt;

use crate::StoreError;

/// A CRC32C over the parts of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum(u32);

// === impl Sum ===

impl Sum {
    /// Begins with the record's family, so that no record passes for one of another.
    pub(super) fn of(family: &str) -> Self {
        Self(0).text(family)
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let length = crc32c::crc32c_append(self.0, &(bytes.len() as u64).to_le_bytes());
        Self(crc32c::crc32c_append(length, bytes))
    }

    pub(super) fn number(self, number: i64) -> Self {
        Self(crc32c::crc32c_append(self.0, &number.to_le_bytes()))
    }

    /// Something that may be absent, which differs from being empty.
    pub(super) fn optional(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => self.number(1).bytes(bytes),
            None => self.number(0),
        }
    }

    pub(super) fn end(self) -> u32 {
        self.0
    }
}

/// CRC32C over bucket, key, revision and value.
pub(super) fn checksum(bucket: &str, key: &str, revision: u64, value: &[u8]) -> u32 {
    let Sum(crc) = Sum(0).text(bucket).text(key).number(revision.cast_signed());
    crc32c::crc32c_append(crc, value)
}

/// A number as SQLite can hold it: what is beyond stands for the end of time and order.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The answer when a record does not match its checksum.
pub(super) fn corrupt(what: impl fmt::Display) -> StoreError {
    let what = what.to_string();
    tracing::error!(what, "record does not match its checksum");
    StoreError::CorruptRecord { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_depends_on_every_part() {
        let right = checksum("ab", "c", 1, b"v");
        assert_eq!(right, checksum("ab", "c", 1, b"v"));
        for wrong in [
            checksum("a", "bc", 1, b"v"),
            checksum("ab", "d", 1, b"v"),
            checksum("ab", "c", 2, b"v"),
            checksum("ab", "c", 1, b"w"),
        ] {
            assert_ne!(right, wrong);
        }
    }

    /// A store of the first version has these checksums.
    #[test]
    fn checksum_of_a_key_never_changes() {
        assert_eq!(checksum("users", "ann", 7, b"{}"), 1_492_101_623);
    }

    #[test]
    fn sum_tells_families_and_absence_apart() {
        let sums = [
            Sum::of("log").text("a").end(),
            Sum::of("dead").text("a").end(),
            Sum::of("log").optional(Some(b"")).end(),
            Sum::of("log").optional(None).end(),
        ];
        let distinct: std::collections::BTreeSet<_> = sums.iter().collect();
        assert_eq!(distinct.len(), sums.len(), "{sums:?}");
    }
}
