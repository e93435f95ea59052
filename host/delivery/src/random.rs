//! The two things that this crate takes from chance: names that nobody can guess, and jitter.

use uuid::Uuid;

/// A new id; ids rise with time.
pub(crate) fn id() -> String {
    Uuid::now_v7().to_string()
}

/// The beginning of lease tokens: 122 random bits from the system.
pub(crate) fn token() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A number in [0, 1), for jitter.
pub(crate) fn fraction() -> f64 {
    // 32 bits are as fine as a delay of hours in milliseconds needs.
    let bits = Uuid::new_v4().as_u64_pair().1 & 0xffff_ffff;
    let bits = u32::try_from(bits).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
