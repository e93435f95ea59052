//! Messages of queues, and deduplication ids.

use super::Exam;
use crate::embedded::{
    apply::dedup_sum,
    fault::Fault,
    record::corrupt,
    rows::message::{COLUMNS, Message},
};

impl Exam<'_> {
    pub(super) fn messages(&mut self) -> Result<(), Fault> {
        for query in [
            "SELECT DISTINCT printf('messages of queue number %d', queue) FROM message
             WHERE queue NOT IN (SELECT id FROM queue)",
            "SELECT printf('payload number %d', seq) FROM body WHERE seq NOT IN (SELECT seq FROM message)",
            "SELECT DISTINCT printf('deduplication ids of queue number %d', queue) FROM dedup
             WHERE queue NOT IN (SELECT id FROM queue)",
        ] {
            self.orphans(query)?;
        }
        let query = format!(
            "SELECT {COLUMNS}, coalesce(data, (SELECT body.data FROM body WHERE body.seq = message.seq)), name
             FROM message JOIN (SELECT id AS number, name FROM queue) ON number = queue
             WHERE seq > ?1 ORDER BY seq LIMIT ?2"
        );
        self.each(&query, |row| {
            let queue: String = row.get(17)?;
            let message = Message::checked(row, &queue)?;
            match row.get::<_, Option<Vec<u8>>>(16)? {
                Some(data) if crc32c::crc32c(&data) == message.data_crc => Ok(()),
                _ => Err(corrupt(format_args!("message {:?} of queue {queue:?}", message.id)).into()),
            }
        })?;
        self.all("SELECT queue, key, until, message, crc FROM dedup", [], |row| {
            let (key, message): (String, String) = (row.get(1)?, row.get(3)?);
            if dedup_sum(row.get(0)?, &key, row.get(2)?, &message) == row.get::<_, u32>(4)? {
                Ok(())
            } else {
                Err(corrupt(format_args!("deduplication id {key:?}")).into())
            }
        })
    }
}
