//! What each instance of a component takes before its first call, and whether a service may use that much.

use serde::{Deserialize, Serialize};

use crate::units::ByteSize;

/// What an instance takes when it is made, whatever it is then asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Needs {
    /// The initial size of all its linear memories together, in bytes.
    pub memory: u64,
    /// The initial length of all its tables together.
    pub table_elements: u64,
}

/// No instance can ever be made within the service's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeds {
    /// In memory: what it needs, and what it may have.
    #[error(
        "every guest of it begins with {} of memory, and memory-max is {}; build it with less initial memory, or raise memory-max in \
         its [services.NAME]",
        ByteSize(*.0), ByteSize(*.1)
    )]
    Memory(u64, u64),
    /// In tables: what it needs, and what it may have.
    #[error(
        "every guest of it begins with tables of {0} elements, and tables-max is {1}; build it with smaller tables, or raise \
         tables-max in its [services.NAME]"
    )]
    Tables(u64, u64),
}

// === impl Needs ===

impl Needs {
    /// Checks that an instance fits into these limits.
    ///
    /// # Errors
    /// With what it exceeds.
    pub fn check(self, memory_max: u64, tables_max: u64) -> Result<(), Exceeds> {
        if self.memory > memory_max {
            return Err(Exceeds::Memory(self.memory, memory_max));
        }
        if self.table_elements > tables_max {
            return Err(Exceeds::Tables(self.table_elements, tables_max));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_both_ways_out() {
        let needs = Needs { memory: 4 << 30, table_elements: 10 };
        assert_eq!(needs.check(4 << 30, 10), Ok(()));
        let text = needs.check(128 << 20, 10).unwrap_err().to_string();
        assert!(text.contains("begins with 4GiB of memory, and memory-max is 128MiB"), "{text}");
        let text = needs.check(4 << 30, 9).unwrap_err().to_string();
        assert!(text.contains("tables of 10 elements, and tables-max is 9"), "{text}");
    }
}
