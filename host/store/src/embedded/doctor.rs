//! Looking through a whole store for what is wrong with it.
//!
//! Every record of every family is read and compared with its checksum, what is counted is counted again, and
//! SQLite checks its pages and indexes. It works while a host runs: records are read a page at a time, so that the
//! log is not kept from starting over, and each count is one statement, which sees one state.

mod counts;
mod events;
mod keys;
mod messages;
mod others;

use std::{fmt, path::Path, sync::Arc};

use rusqlite::{Connection, Params, Row};

use super::{fault::Fault, visit};
use crate::StoreError;

/// Findings that a report lists; more are only counted.
const FINDINGS_MAX: usize = 1_000;

/// Records of one page.
const PAGE: usize = 500;

/// What a store looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The version of its tables.
    pub schema: u32,
    /// Records that were read and compared with their checksums.
    pub records: u64,
    /// What is wrong, at most 1,000 of it.
    pub findings: Vec<Finding>,
    /// How much is wrong.
    pub findings_total: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: `event 17`, `queue "emails"`.
    pub what: Arc<str>,
    /// What is wrong with it.
    pub trouble: Trouble,
}

/// What is wrong with something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// It does not match its checksum, or cannot be read.
    Rotten,
    /// A count differs from what is there.
    Count {
        /// Of what: `records`.
        of: &'static str,
        /// What the store believes.
        stored: i64,
        /// What there is.
        counted: i64,
    },
    /// It belongs to something that is not there.
    Orphan,
    /// What SQLite says of its pages, or of an attempt to read them.
    Database(Arc<str>),
}

/// Looks through the store of a folder, also while a host runs.
///
/// It reads everything, so it takes a while; call it where blocking is fine. What the host has set aside because it
/// was rotten is found again.
///
/// # Errors
/// [`Open`](StoreError::Open) when there is no store or it cannot be opened,
/// [`NewerSchema`](StoreError::NewerSchema).
pub fn doctor(folder: &Path) -> Result<Report, StoreError> {
    let (conn, schema) = visit::folder(folder)?;
    Ok(examine(&conn, schema))
}

/// Looks through the store behind a connection.
pub(super) fn examine(conn: &Connection, schema: u32) -> Report {
    let mut exam = Exam { conn, report: Report { schema, ..Report::default() } };
    exam.run("the pages", Exam::pages);
    exam.run("keys", Exam::keys);
    if schema >= 2 {
        exam.run("events", Exam::events);
        exam.run("cursors", Exam::cursors);
        exam.run("messages", Exam::messages);
        exam.run("dead letters", Exam::dead_letters);
        exam.run("timers", Exam::timers);
        exam.run("owners", Exam::owners);
        exam.run("blobs", Exam::blobs);
        exam.run("counts", Exam::counts);
    }
    exam.report
}

/// An examination under way.
struct Exam<'a> {
    conn: &'a Connection,
    report: Report,
}

// === impl Report ===

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings_total == 0
    }
}

// === impl Exam ===

impl Exam<'_> {
    /// Runs a part; where SQLite cannot go on, the other parts still run.
    fn run(&mut self, what: &str, part: fn(&mut Self) -> Result<(), Fault>) {
        if let Err(fault) = part(self) {
            let what = format!("reading {what}");
            match fault {
                Fault::Refused(_) => self.find(what, Trouble::Rotten),
                Fault::Sqlite(error) => self.find(what, Trouble::Database(error.to_string().into())),
            }
        }
    }

    fn find(&mut self, what: impl Into<Arc<str>>, trouble: Trouble) {
        self.report.findings_total += 1;
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(Finding { what: what.into(), trouble });
        }
    }

    /// Counts a record and notes what is wrong with it.
    ///
    /// # Errors
    /// When it is SQLite that cannot go on.
    fn record(&mut self, checked: Result<(), Fault>) -> Result<(), Fault> {
        self.report.records += 1;
        match checked {
            Ok(()) => {}
            Err(Fault::Refused(StoreError::CorruptRecord { what })) => self.find(what, Trouble::Rotten),
            Err(Fault::Refused(StoreError::Corrupt { bucket, key })) => {
                self.find(format!("key {key:?} of bucket {bucket:?}"), Trouble::Rotten);
            }
            Err(Fault::Refused(other)) => self.find(other.to_string(), Trouble::Rotten),
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    /// Checks all rows of a query, whose first column is a number that rises and which takes the last one and the
    /// size of a page.
    fn each(&mut self, query: &str, check: impl Fn(&Row<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut after = i64::MIN;
        loop {
            let mut statement = self.conn.prepare_cached(query)?;
            let mut rows = statement.query([after, PAGE.cast_signed() as i64])?;
            let mut count = 0;
            while let Some(row) = rows.next()? {
                after = row.get(0)?;
                count += 1;
                self.record(check(row))?;
            }
            if count < PAGE {
                return Ok(());
            }
        }
    }

    /// Checks all rows of a query at once, for what is never much.
    fn all(
        &mut self,
        query: &str,
        params: impl Params,
        check: impl Fn(&Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut statement = self.conn.prepare_cached(query)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            self.record(check(row))?;
        }
        Ok(())
    }

    /// Notes each row of a query, which names what should not be there.
    fn orphans(&mut self, query: &str) -> Result<(), Fault> {
        let mut statement = self.conn.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.find(row.get::<_, Arc<str>>(0)?, Trouble::Orphan);
        }
        Ok(())
    }

    fn pages(&mut self) -> Result<(), Fault> {
        let mut statement = self.conn.prepare_cached("PRAGMA integrity_check(100)")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let said: Arc<str> = row.get(0)?;
            if &*said != "ok" {
                self.find("the database", Trouble::Database(said));
            }
        }
        Ok(())
    }
}

// === display ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.trouble)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Rotten => f.write_str("it does not match its checksum"),
            Trouble::Count { of, stored, counted } => write!(f, "{stored} {of} are noted, and there are {counted}"),
            Trouble::Orphan => f.write_str("what it belongs to is not there"),
            Trouble::Database(said) => f.write_str(said),
        }
    }
}
