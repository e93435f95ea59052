//! Rows that the writer keeps in memory as well: buckets, topics, cursors, queues.
//!
//! Counting in memory saves a row update for each operation: a transaction writes each row that it touched once.
//! What a batch changed is undone when the batch is refused, and everything is forgotten when the transaction is.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, Result};

use super::fault::Fault;

/// Rows remembered between transactions; forgetting one costs a read.
const ROWS_MAX: usize = 10_000;

/// A row that has a name, and perhaps more in memory than in the database.
pub(super) trait Row: Copy + PartialEq {
    /// Reads it.
    fn load(conn: &Connection, name: &str) -> Result<Option<Self>, Fault>;

    /// Writes it over what was loaded.
    fn save(&self, conn: &Connection, name: &str) -> Result<()>;

    /// Whether saving this one would change nothing after the other.
    fn is_saved_as(&self, other: &Self) -> bool {
        self == other
    }
}

#[derive(Debug)]
pub(super) struct Mirror<R> {
    rows: HashMap<Arc<str>, Kept<R>>,
    /// What the present batch changed: the state before, `None` when the row was not known.
    before: Vec<(Arc<str>, Option<Kept<R>>)>,
    /// Names of rows that may differ from the database.
    dirty: Vec<Arc<str>>,
}

#[derive(Debug, Clone, Copy)]
struct Kept<R> {
    row: R,
    dirty: bool,
}

// === impl Mirror ===

impl<R: Row> Mirror<R> {
    /// The row, if there is one.
    pub(super) fn find(&mut self, conn: &Connection, name: &Arc<str>) -> Result<Option<R>, Fault> {
        if let Some(kept) = self.rows.get(name) {
            return Ok(Some(kept.row));
        }
        let found = R::load(conn, name)?;
        if let Some(row) = found {
            self.rows.insert(name.clone(), Kept { row, dirty: false });
        }
        Ok(found)
    }

    /// Takes in a row that was just inserted.
    pub(super) fn add(&mut self, name: &Arc<str>, row: R) {
        self.before.push((name.clone(), None));
        self.rows.insert(name.clone(), Kept { row, dirty: false });
    }

    /// Changes a row that was found before.
    pub(super) fn set(&mut self, name: &Arc<str>, row: R) {
        let kept = self.rows.get_mut(name).expect("a row is found before it is changed");
        self.before.push((name.clone(), Some(*kept)));
        if !kept.dirty && !row.is_saved_as(&kept.row) {
            self.dirty.push(name.clone());
            kept.dirty = true;
        }
        kept.row = row;
    }

    /// Lets go of a row that was just deleted.
    pub(super) fn remove(&mut self, name: &Arc<str>) {
        if let Some(kept) = self.rows.remove(name) {
            self.before.push((name.clone(), Some(kept)));
        }
    }

    /// The present batch stays.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The present batch was refused.
    pub(super) fn undo(&mut self) {
        while let Some((name, before)) = self.before.pop() {
            match before {
                Some(kept) => {
                    // It may have been removed and written meanwhile, and then its name is not waiting any more.
                    if kept.dirty {
                        self.dirty.push(name.clone());
                    }
                    self.rows.insert(name, kept)
                }
                None => self.rows.remove(&name),
            };
        }
    }

    /// Writes what changed, before COMMIT.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        for name in self.dirty.drain(..) {
            if let Some(kept) = self.rows.get_mut(&name).filter(|kept| kept.dirty) {
                kept.row.save(conn, &name)?;
                kept.dirty = false;
            }
        }
        if self.rows.len() > ROWS_MAX {
            self.rows.clear();
        }
        Ok(())
    }

    /// The transaction was rolled back: the rows in the database are the truth.
    pub(super) fn forget(&mut self) {
        self.before.clear();
        self.rows.clear();
        self.dirty.clear();
    }
}

impl<R> Default for Mirror<R> {
    fn default() -> Self {
        Self { rows: HashMap::new(), before: Vec::new(), dirty: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Number(i64);

    impl Row for Number {
        fn load(conn: &Connection, name: &str) -> Result<Option<Self>, Fault> {
            let mut statement = conn.prepare("SELECT n FROM number WHERE name = ?1")?;
            let mut rows = statement.query([name])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?.map(Number))
        }

        fn save(&self, conn: &Connection, name: &str) -> Result<()> {
            conn.execute("UPDATE number SET n = ?2 WHERE name = ?1", (name, self.0)).map(drop)
        }
    }

    fn start() -> (Connection, Mirror<Number>, Arc<str>) {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE number(name TEXT, n INTEGER); INSERT INTO number VALUES('a', 1)").unwrap();
        (conn, Mirror::default(), "a".into())
    }

    #[test]
    fn undo_restores_what_earlier_batches_left() {
        let (conn, mut mirror, name) = start();
        mirror.find(&conn, &name).unwrap();
        mirror.set(&name, Number(2));
        mirror.keep();
        mirror.set(&name, Number(3));
        mirror.set(&name, Number(4));
        mirror.undo();
        assert_eq!(mirror.find(&conn, &name).unwrap(), Some(Number(2)));
        mirror.flush(&conn).unwrap();
        assert_eq!(Number::load(&conn, "a").unwrap(), Some(Number(2)));
    }

    #[test]
    fn undo_brings_back_a_removed_row_that_was_not_written_yet() {
        let (conn, mut mirror, name) = start();
        mirror.find(&conn, &name).unwrap();
        mirror.set(&name, Number(2));
        mirror.keep();
        mirror.remove(&name);
        mirror.add(&name, Number(9));
        mirror.undo();
        mirror.flush(&conn).unwrap();
        assert_eq!(Number::load(&conn, "a").unwrap(), Some(Number(2)));
    }

    #[test]
    fn forget_reads_again() {
        let (conn, mut mirror, name) = start();
        mirror.find(&conn, &name).unwrap();
        mirror.set(&name, Number(2));
        mirror.forget();
        assert_eq!(mirror.find(&conn, &name).unwrap(), Some(Number(1)));
        mirror.flush(&conn).unwrap();
        assert_eq!(Number::load(&conn, "a").unwrap(), Some(Number(1)));
    }
}
