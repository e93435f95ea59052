//! What is counted, counted again.

use rusqlite::Row;

use super::{Exam, Trouble};
use crate::{RECORD_OVERHEAD_BYTES, embedded::fault::Fault};

/// Counts that a row notes, each with what there is.
struct Counted {
    /// Gives a name and then, for each count, what is noted and what there is; takes a number.
    query: String,
    counts: &'static [&'static str],
}

impl Exam<'_> {
    pub(super) fn counts(&mut self) -> Result<(), Fault> {
        let buckets = Counted {
            query: format!(
                "SELECT printf('bucket \"%s\"', name), entries, (SELECT count(*) FROM kv WHERE kv.bucket = bucket.id), bytes,
                     (SELECT coalesce(sum(octet_length(key) + octet_length(value) + {RECORD_OVERHEAD_BYTES}), 0)
                      FROM kv WHERE kv.bucket = bucket.id)
                 FROM bucket WHERE id = ?1"
            ),
            counts: &["keys", "bytes"],
        };
        self.count("SELECT id FROM bucket", &buckets)?;
        let topics = Counted {
            query: "SELECT printf('topic \"%s\"', name),
                     records, (SELECT count(*) FROM log WHERE log.topic = topic.id),
                     bytes, (SELECT coalesce(sum(octet_length(record)), 0) FROM log WHERE log.topic = topic.id),
                     last_sequence, (SELECT coalesce(max(sequence), 0) FROM log WHERE log.topic = topic.id)
                 FROM topic WHERE id = ?1"
                .to_owned(),
            counts: &["events", "bytes", "(the newest event)"],
        };
        self.count("SELECT id FROM topic", &topics)?;
        let queues = Counted {
            query: "SELECT printf('queue \"%s\"', name),
                     ready, (SELECT count(*) FROM message WHERE message.queue = queue.id AND state = 0),
                     delayed, (SELECT count(*) FROM message WHERE message.queue = queue.id AND state = 1),
                     leased, (SELECT count(*) FROM message WHERE message.queue = queue.id AND state = 2)
                 FROM queue WHERE id = ?1"
                .to_owned(),
            counts: &["waiting messages", "delayed messages", "leased messages"],
        };
        self.count("SELECT id FROM queue", &queues)?;
        self.numbers()
    }

    fn count(&mut self, ids: &str, counted: &Counted) -> Result<(), Fault> {
        let ids: Vec<i64> =
            self.conn.prepare_cached(ids)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for id in ids {
            let mut statement = self.conn.prepare_cached(&counted.query)?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                self.compare(row, counted.counts)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, row: &Row<'_>, counts: &'static [&'static str]) -> Result<(), Fault> {
        let what: String = row.get(0)?;
        for (index, of) in counts.iter().enumerate() {
            let (stored, counted) = (row.get(1 + 2 * index)?, row.get(2 + 2 * index)?);
            if stored != counted {
                self.find(what.clone(), Trouble::Count { of, stored, counted });
            }
        }
        Ok(())
    }

    /// The numbers given out last are not behind those that are there.
    fn numbers(&mut self) -> Result<(), Fault> {
        let query = "SELECT (SELECT value FROM meta WHERE name = 'revision'),
                            max(coalesce((SELECT max(revision) FROM kv), 0),
                                coalesce((SELECT max(epoch) FROM cursor), 0),
                                coalesce((SELECT max(seq) FROM message), 0),
                                coalesce((SELECT max(token) FROM owner), 0)),
                            (SELECT value FROM meta WHERE name = 'sequence'),
                            coalesce((SELECT max(sequence) FROM log), 0)";
        let (revision, revision_seen, sequence, sequence_seen): (i64, i64, i64, i64) = self
            .conn
            .prepare_cached(query)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        for (of, stored, counted) in [("revisions", revision, revision_seen), ("sequences", sequence, sequence_seen)] {
            if counted > stored {
                self.find("the numbers given out", Trouble::Count { of, stored, counted });
            }
        }
        Ok(())
    }
}
