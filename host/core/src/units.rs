//! Durations and sizes as people write them: `"250ms"`, `"30s"`, `"10MiB"`.

use std::{fmt, str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A duration written with its unit: `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(rename = "Duration", extend("pattern" = "^[0-9]{1,9} *(ms|s|m|h|d)$"))]
pub struct HumanDuration(pub Duration);

/// A number of bytes written with its unit: `B`, `KiB`, `MiB`, `GiB` (or `KB`, `MB`, `GB`, of thousands).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(rename = "Size", extend("pattern" = "^[0-9]{1,9} *(B|KiB|MiB|GiB|KB|MB|GB)$"))]
pub struct ByteSize(pub u64);

/// Why a string is neither a duration nor a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUnit {
    /// Not a duration.
    #[error("'{0}' is not a duration: write a whole number and ms, s, m, h or d, as in \"30s\"")]
    Duration(String),
    /// Not a size.
    #[error("'{0}' is not a size: write a whole number and B, KiB, MiB or GiB, as in \"10MiB\"")]
    Size(String),
}

const DURATION_UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

fn parse(s: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = s.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = s.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The largest unit that divides the value, so that what is printed reads back as the same.
fn print(value: u64, units: &[(&'static str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (name, factor) = units
        .iter()
        .filter(|(_, factor)| value != 0 && value.is_multiple_of(*factor))
        .max_by_key(|(_, factor)| *factor)
        .unwrap_or(&units[0]);
    write!(f, "{}{name}", value / factor)
}

// === impl HumanDuration ===

impl FromStr for HumanDuration {
    type Err = InvalidUnit;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        parse(s, &DURATION_UNITS)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or_else(|| InvalidUnit::Duration(s.to_owned()))
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = InvalidUnit;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        s.parse()
    }
}

impl From<HumanDuration> for String {
    fn from(d: HumanDuration) -> Self {
        d.to_string()
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &DURATION_UNITS, f)
    }
}

// === impl ByteSize ===

impl FromStr for ByteSize {
    type Err = InvalidUnit;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        parse(s, &SIZE_UNITS).map(Self).ok_or_else(|| InvalidUnit::Size(s.to_owned()))
    }
}

impl TryFrom<String> for ByteSize {
    type Error = InvalidUnit;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        s.parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> Self {
        size.to_string()
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self.0, &SIZE_UNITS[..4], f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn duration(text: &str, ms: u64) {
        let parsed: HumanDuration = text.parse().unwrap();
        assert_eq!(parsed.0, Duration::from_millis(ms));
        assert_eq!(parsed.to_string().parse(), Ok(parsed));
    }

    #[test]
    fn durations_carry_their_unit() {
        duration("250ms", 250);
        duration("2s", 2_000);
        duration("90 s", 90_000);
        duration("7d", 604_800_000);
        duration("0s", 0);
        for bad in ["", "5", "s", "1.5s", "-1s", "5 parsecs", "99999999999999999999d"] {
            assert!(bad.parse::<HumanDuration>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_carry_their_unit() {
        assert_eq!("10MiB".parse(), Ok(ByteSize(10 << 20)));
        assert_eq!("1MB".parse(), Ok(ByteSize(1_000_000)));
        assert_eq!(ByteSize(64 << 10).to_string(), "64KiB");
        assert_eq!(ByteSize(1_500).to_string(), "1500B");
        assert!("10".parse::<ByteSize>().is_err());
    }
}
