//! Batches of the host in memory: everything is checked before anything is done.

use std::collections::BTreeMap;
use std::time::Duration;

use super::kv::{self, bucket_name};
use super::{Cause, Host, events, now, queues, sagas, with};
use crate::batch::{Committed, Entry, Error};
use crate::bindings::switchyard::plugin::batch::{Condition, Key, Operation};
use crate::bindings::switchyard::plugin::{event_types, queue_types, sagas as saga_types};
use crate::uuid;

/// Operations that one batch may have.
const OPERATIONS_MAX: usize = 1_000;

/// An operation that was checked as far as it can be for itself.
enum Prepared {
    Put(Key, Vec<u8>),
    Delete(Key),
    Check,
    Publish(event_types::Event),
    Enqueue(queue_types::Draft, String),
    StartSaga(saga_types::Snapshot),
    Ack,
}

pub(crate) fn read(key: Key) -> Result<Option<Entry>, Error> {
    let entry = with(|host| host.entries.get(&place(&key)).cloned());
    Ok(entry.map(|kv::Entry { value, revision }| Entry { value, revision }))
}

pub(crate) fn commit(operations: Vec<Operation>) -> Result<Committed, Error> {
    if operations.len() > OPERATIONS_MAX {
        return Err(Error::Invalid(format!("{} operations, over the limit of {OPERATIONS_MAX}", operations.len())));
    }
    let now = now();
    with(|host| host.check_conditions(&operations))?;
    let prepared = operations.into_iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    with(|host| {
        host.check_prepared(&prepared, now)?;
        let mut committed = Committed::default();
        for operation in prepared {
            host.apply(operation, now, &mut committed);
        }
        Ok(committed)
    })
}

fn prepare(operation: Operation) -> Result<Prepared, Error> {
    Ok(match operation {
        Operation::Put((key, value, _)) => Prepared::Put(key, value),
        Operation::Delete((key, _)) => Prepared::Delete(key),
        Operation::Check(_) => Prepared::Check,
        Operation::Publish(draft) => Prepared::Publish(events::complete(draft).map_err(Error::Invalid)?),
        Operation::Enqueue(draft) => {
            queues::check(&draft).map_err(Error::Invalid)?;
            Prepared::Enqueue(draft, uuid::v7())
        }
        Operation::StartSaga(draft) => Prepared::StartSaga(sagas::complete(draft).map_err(Error::Invalid)?),
        Operation::Ack => Prepared::Ack,
    })
}

fn place(key: &Key) -> (String, String) {
    (bucket_name(&key.bucket).to_owned(), key.name.clone())
}

// === impl Host ===

impl Host {
    fn check_conditions(&self, operations: &[Operation]) -> Result<(), Error> {
        for operation in operations {
            let (Operation::Put((key, _, condition))
            | Operation::Delete((key, condition))
            | Operation::Check((key, condition))) = operation
            else {
                continue;
            };
            let revision = self.entries.get(&place(key)).map(|entry| entry.revision);
            let holds = match condition {
                Condition::Any => true,
                Condition::Absent => revision.is_none(),
                Condition::Revision(expected) => revision == Some(*expected),
            };
            if !holds {
                return Err(Error::Conflict(key.clone().into()));
            }
        }
        Ok(())
    }

    fn check_prepared(&self, prepared: &[Prepared], now: Duration) -> Result<(), Error> {
        let mut more = BTreeMap::<&str, usize>::new();
        for operation in prepared {
            match operation {
                Prepared::Enqueue(draft, _) => *more.entry(&draft.queue).or_default() += 1,
                Prepared::Ack => match &self.handling {
                    None => return Err(Error::Invalid("`ack`, but nothing is being handled".to_owned())),
                    Some(Cause::Message(message)) if !self.holds(message, now) => return Err(Error::NotLeased),
                    Some(_) => {}
                },
                _ => {}
            }
        }
        more.into_iter().try_for_each(|(queue, more)| self.room_for(queue, more).map_err(Error::Full))
    }

    fn apply(&mut self, operation: Prepared, now: Duration, committed: &mut Committed) {
        match operation {
            Prepared::Put(key, value) => {
                let revision = self.next_revision();
                self.entries.insert(place(&key), kv::Entry { value, revision });
            }
            Prepared::Delete(key) => {
                self.entries.remove(&place(&key));
            }
            Prepared::Check => {}
            Prepared::Publish(event) => committed.receipts.push(self.append(event)),
            Prepared::Enqueue(draft, id) => committed.message_ids.push(self.enqueue(draft, id, now)),
            Prepared::StartSaga(saga) => committed.sagas.push(self.start_saga(saga)),
            Prepared::Ack => {
                if let Some(Cause::Message(message)) = self.handling.clone() {
                    self.end(&message);
                }
            }
        }
    }
}
