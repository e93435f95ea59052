//! Why an operation was not applied, or a record not read.

use super::{readers::read_error, record::corrupt};
use crate::StoreError;

#[derive(Debug)]
pub(super) enum Fault {
    /// What was asked is at fault, or one record; the transaction is whole.
    Refused(StoreError),
    /// SQLite is.
    Sqlite(rusqlite::Error),
}

// === impl Fault ===

impl Fault {
    /// Whether it is one record's, and no other's.
    pub(super) fn is_of_a_record(&self) -> bool {
        matches!(self, Fault::Refused(StoreError::CorruptRecord { .. }))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error;
        match error {
            // Nobody writes what cannot be read again, so the row has rotted; SQLite itself is whole.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => Fault::Refused(corrupt(format_args!("a row ({error})"))),
            error => Fault::Sqlite(error),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault::Refused(error)
    }
}

/// The answer to a reader.
impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(error) => error,
            Fault::Sqlite(error) => read_error(error),
        }
    }
}
