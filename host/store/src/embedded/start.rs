//! What an opened store does before it takes commits: forget what was not meant to last.

use rusqlite::{Connection, Result};

/// Removes volatile records, and parts of blobs that a crash left without a name.
pub(super) fn clean(conn: &mut Connection) -> Result<()> {
    let any = "SELECT EXISTS(SELECT 1 FROM log WHERE volatile = 1)
                 OR EXISTS(SELECT 1 FROM blob_part WHERE blob NOT IN (SELECT id FROM blob))";
    // Looking costs no fsync, and mostly there is nothing.
    if !conn.query_row(any, [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    let tx = conn.transaction()?;
    tx.execute_batch(
        "UPDATE topic SET records = topic.records - gone.records, bytes = topic.bytes - gone.bytes
             FROM (SELECT topic, count(*) AS records, sum(length(record)) AS bytes FROM log
                   WHERE volatile = 1 GROUP BY topic) AS gone
             WHERE gone.topic = topic.id;
         DELETE FROM log WHERE volatile = 1;
         UPDATE topic SET last_sequence = coalesce((SELECT max(sequence) FROM log WHERE topic = topic.id), 0);
         DELETE FROM blob_part WHERE blob NOT IN (SELECT id FROM blob);",
    )?;
    tx.commit()
}
