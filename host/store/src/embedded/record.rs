//! The checksum of a record.
//!
//! It covers where the record belongs as well as what it holds, so that a page that a disk put in the wrong
//! place is found too. Names are length-prefixed: (`ab`, `c`) and (`a`, `bc`) differ.

/// CRC32C over bucket, key, revision and value.
pub(super) fn checksum(bucket: &str, key: &str, revision: u64, value: &[u8]) -> u32 {
    let mut crc = crc32c::crc32c(&(bucket.len() as u64).to_le_bytes());
    crc = crc32c::crc32c_append(crc, bucket.as_bytes());
    crc = crc32c::crc32c_append(crc, &(key.len() as u64).to_le_bytes());
    crc = crc32c::crc32c_append(crc, key.as_bytes());
    crc = crc32c::crc32c_append(crc, &revision.to_le_bytes());
    crc32c::crc32c_append(crc, value)
}

#[cfg(test)]
mod tests {
    use super::checksum;

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
}
