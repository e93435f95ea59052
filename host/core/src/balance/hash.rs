//! Hashes that are the same on every host and in every build, so that hosts agree who holds a key.

/// FNV-1a, with its bits mixed: a number for a name or a key. It is no secret and keeps nobody from choosing keys that
/// meet at one instance, as a client could by sending one key often.
#[must_use]
pub fn hash(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// SplitMix64's step: each bit of the result depends on all bits.
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
