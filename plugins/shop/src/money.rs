//! Money, counted in cents.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// The largest amount. Up to it, cents survive floating point, which numbers in JSON go through.
const AMOUNT_MAX: f64 = 1e12;

/// An amount of money: in JSON a number with at most two decimals, 0 to 10^12.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cents(i64);

// === impl Cents ===

impl Cents {
    /// So many cents; a sum may be beyond what one amount is.
    pub const fn new(cents: i64) -> Self {
        Self(cents)
    }

    /// How many they are.
    pub const fn get(self) -> i64 {
        self.0
    }

    fn read(number: &Number) -> Result<Self, &'static str> {
        // The shortest text that reads as the same number; with two decimals at most, it is what was written.
        let text = number.to_string();
        if text.starts_with('-') {
            return Err("the amount is negative");
        }
        if number.as_f64().is_none_or(|amount| amount > AMOUNT_MAX) {
            return Err("the amount is over 10^12");
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        let fraction = if fraction == "0" { "" } else { fraction };
        if fraction.len() > 2 {
            return Err("the amount has more than two decimals");
        }
        // What has an exponent, being this small, is no integer here.
        let cents = format!("{whole}{fraction:0<2}").parse();
        cents.map(Self).map_err(|_| "the amount has more than two decimals")
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, (self.0 % 100).abs())
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Number::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 100 {
            0 => serializer.serialize_i64(self.0 / 100),
            // The quotient is rounded to the number that is nearest, whose shortest text is that of the cents.
            _ => serializer.serialize_f64(self.0 as f64 / 100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<i64, String> {
        serde_json::from_str(text).map(Cents::get).map_err(|error| error.to_string())
    }

    #[test]
    fn an_amount_is_its_cents() {
        let amounts = [
            ("0", 0),
            ("0.0", 0),
            ("99.99", 9_999),
            ("5", 500),
            ("5.1", 510),
            ("5.10", 510),
            ("0.01", 1),
            ("0.29", 29),
            ("1e3", 100_000),
            ("1000000000000", 100_000_000_000_000),
            ("999999999999.99", 99_999_999_999_999),
        ];
        for (text, cents) in amounts {
            assert_eq!(read(text), Ok(cents), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let wrong = [
            ("-1", "negative"),
            ("-0.5", "negative"),
            ("0.001", "two decimals"),
            ("99.999", "two decimals"),
            ("1e-7", "two decimals"),
            ("1000000000000.01", "over"),
            ("1000000000001", "over"),
            ("1e300", "over"),
            ("18446744073709551615", "over"),
            ("\"5\"", "number"),
            ("null", "number"),
        ];
        for (text, why) in wrong {
            let refused = read(text).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn an_amount_is_written_as_it_was_read() {
        for text in ["0", "5", "99.99", "0.01", "0.29", "1.1", "999999999999.99"] {
            let cents: Cents = serde_json::from_str(text).expect(text);
            assert_eq!(serde_json::to_string(&cents).expect("JSON"), text);
        }
        assert_eq!(Cents::new(9_905).to_string(), "99.05");
    }

    #[test]
    fn every_cent_survives_the_way_through_json() {
        for cents in (0..2_000_000).chain(99_999_999_900_000..=100_000_000_000_000).step_by(7) {
            let text = serde_json::to_string(&Cents(cents)).expect("JSON");
            assert_eq!(read(&text), Ok(cents), "{text}");
        }
    }
}
