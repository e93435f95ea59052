//! `switchyard:plugin/batch`: state, events, messages, sagas and an acknowledgement in one commit.

use std::sync::Arc;

use switchyard_core::event::binding::BATCH_MAX;

use super::{
    events,
    platform::{
        batch::{Committed, Condition, Entry, Error, Host, Key, Operation},
        check_name, origin, within,
    },
    queues, sagas,
};
use crate::{
    ports::{BatchError, BatchOp, Expect, KvError},
    settings::{Access, BATCH_BYTES_MAX},
    state::{GuestState, Shared},
};

/// A guest's batch, ready for the port.
#[derive(Debug)]
struct Prepared {
    ops: Vec<BatchOp>,
    /// The key of each operation that has one, to be named when its condition does not hold.
    keys: Vec<Option<Key>>,
}

impl Host for GuestState {
    async fn read(&mut self, key: Key) -> Result<Option<Entry>, Error> {
        let bucket = bucket(&self.shared, &key, Access::Read)?;
        check_name("key", &key.name).map_err(Error::Invalid)?;
        let port = self.shared.ports.key_value.clone();
        let found = match port.cached(&bucket, &key.name) {
            Some(known) => known,
            None => port.get(&bucket, &key.name).await?,
        };
        Ok(found.map(|entry| Entry { value: entry.value.into(), revision: entry.revision }))
    }

    async fn commit(&mut self, operations: Vec<Operation>) -> Result<Committed, Error> {
        let origin = origin(self).map_err(Error::Unavailable)?;
        let Prepared { ops, keys } = prepare(&self.shared, operations, origin.context.handled.is_some())?;
        if ops.is_empty() {
            return Ok(Committed { receipts: Vec::new(), message_ids: Vec::new(), sagas: Vec::new() });
        }
        let committed = self.shared.ports.batches.clone().commit(origin, ops).await;
        let committed = committed.map_err(|error| explain(error, keys))?;
        let receipts = committed.receipts.into_iter().map(events::receipt).collect();
        let sagas = committed.sagas.into_iter().map(sagas::started).collect();
        Ok(Committed { receipts, message_ids: committed.message_ids, sagas })
    }
}

/// Checks the sizes of a batch, and fills in whose buckets they are.
fn prepare(shared: &Shared, operations: Vec<Operation>, handles: bool) -> Result<Prepared, Error> {
    if operations.len() > BATCH_MAX {
        let text = format!("{} operations are over the limit of {BATCH_MAX}; commit them in parts", operations.len());
        return Err(Error::Invalid(text));
    }
    let (mut ops, mut keys) = (Vec::with_capacity(operations.len()), Vec::with_capacity(operations.len()));
    let (mut bytes, mut acks) = (0, 0);
    for operation in operations {
        let key = match &operation {
            Operation::Put((key, ..)) | Operation::Delete((key, _)) | Operation::Check((key, _)) => Some(key.clone()),
            Operation::Publish(_) | Operation::Enqueue(_) | Operation::StartSaga(_) | Operation::Ack => None,
        };
        acks += usize::from(matches!(operation, Operation::Ack));
        let op = operation_of(shared, operation)?;
        bytes += size(&op);
        keys.push(key);
        ops.push(op);
    }
    within("batch", bytes, BATCH_BYTES_MAX).map_err(Error::Invalid)?;
    match acks {
        0 => Ok(Prepared { ops, keys }),
        1 if handles => Ok(Prepared { ops, keys }),
        1 => Err(Error::Invalid("there is nothing to ack: this call handles no event and no message".to_owned())),
        _ => Err(Error::Invalid("the batch has more than one ack; leave one".to_owned())),
    }
}

fn operation_of(shared: &Shared, operation: Operation) -> Result<BatchOp, Error> {
    let place = |key: Key, access| {
        check_name("key", &key.name).map_err(Error::Invalid)?;
        Ok::<_, Error>((bucket(shared, &key, access)?, key.name))
    };
    Ok(match operation {
        Operation::Put((key, value, condition)) => {
            let (bucket, key) = place(key, Access::Write)?;
            BatchOp::Put { bucket, key, value: value.into(), expect: condition.into() }
        }
        Operation::Delete((key, condition)) => {
            let (bucket, key) = place(key, Access::Write)?;
            BatchOp::Delete { bucket, key, expect: condition.into() }
        }
        Operation::Check((key, condition)) => {
            let (bucket, key) = place(key, Access::Read)?;
            BatchOp::Check { bucket, key, expect: condition.into() }
        }
        Operation::Publish(draft) => BatchOp::Publish(events::draft(draft).map_err(Error::Invalid)?),
        Operation::Enqueue(draft) => BatchOp::Enqueue(queues::draft(draft).map_err(Error::Invalid)?),
        Operation::StartSaga(draft) => BatchOp::StartSaga(sagas::draft(draft).map_err(Error::Invalid)?),
        Operation::Ack => BatchOp::Ack,
    })
}

/// The bucket that a key is in: the service's own, or one that it has a grant for.
fn bucket(shared: &Shared, key: &Key, needed: Access) -> Result<Arc<str>, Error> {
    let name = &key.bucket;
    check_name("bucket's name", name).map_err(Error::Invalid)?;
    match shared.bucket(name) {
        Some((bucket, access)) if access >= needed => Ok(bucket),
        Some(_) => {
            let service = &shared.service;
            Err(Error::Denied(format!(
                "the service '{service}' may read the bucket '{name}', not change it; add \"bucket:{name}\" to grants under \
                 [services.{service}]"
            )))
        }
        None => Err(Error::NoSuchStore(format!(
            "there is no bucket '{name}' for this service; leave it empty for the service's own"
        ))),
    }
}

fn size(op: &BatchOp) -> usize {
    match op {
        BatchOp::Put { key, value, .. } => key.len() + value.len(),
        BatchOp::Delete { key, .. } | BatchOp::Check { key, .. } => key.len(),
        BatchOp::Publish(draft) => draft.data.as_ref().map_or(0, bytes::Bytes::len),
        BatchOp::Enqueue(draft) => draft.data.len(),
        BatchOp::StartSaga(draft) => draft.data.len(),
        BatchOp::Ack => 0,
    }
}

fn explain(error: BatchError, mut keys: Vec<Option<Key>>) -> Error {
    match error {
        BatchError::Conflict(place) => match keys.get_mut(place).and_then(Option::take) {
            Some(key) => Error::Conflict(key),
            None => Error::Unavailable(error.to_string()),
        },
        BatchError::Invalid(text) => Error::Invalid(text),
        BatchError::Full(text) => Error::Full(text),
        BatchError::Rejected(text) => Error::Rejected(text),
        BatchError::NotLeased => Error::NotLeased,
        BatchError::Denied(text) => Error::Denied(text),
        BatchError::Unavailable(text) => Error::Unavailable(text),
    }
}

impl From<Condition> for Expect {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Any => Self::Any,
            Condition::Absent => Self::Absent,
            Condition::Revision(revision) => Self::Revision(revision),
        }
    }
}

impl From<KvError> for Error {
    fn from(error: KvError) -> Self {
        match error {
            KvError::Invalid(text) => Self::Invalid(text),
            error @ (KvError::Conflict | KvError::Failed(_)) => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::saga::{DATA_MAX, StartDraft};

    use super::{super::platform::saga_types::Draft, *};
    use crate::{
        settings::Settings,
        testing::{Recorder, context, guest, guest_under},
    };

    fn key(bucket: &str, name: &str) -> Key {
        Key { bucket: bucket.to_owned(), name: name.to_owned() }
    }

    fn saga(data: Vec<u8>) -> Draft {
        Draft { name: "order".to_owned(), id: Some("o1".to_owned()), data }
    }

    fn check(operations: Vec<Operation>, handles: bool) -> Result<Prepared, Error> {
        let buckets = [("users", Access::Read), ("carts", Access::Write)];
        let buckets = buckets.into_iter().map(|(name, access)| (name.to_owned(), access)).collect();
        let store = guest_under(&Arc::default(), Settings { buckets, ..Settings::default() });
        prepare(&store.data().shared, operations, handles)
    }

    #[test]
    fn operations_keep_their_order_and_get_the_own_bucket() {
        let operations = vec![
            Operation::Check((key("", "a"), Condition::Revision(7))),
            Operation::Put((key("default", "b"), b"1".to_vec(), Condition::Absent)),
            Operation::Delete((key("", "c"), Condition::Any)),
            Operation::StartSaga(saga(b"{}".to_vec())),
            Operation::Ack,
        ];
        let prepared = check(operations, true).unwrap();
        let (bucket, key) = (|| Arc::from("shop"), |key: &str| key.to_owned());
        let expected = [
            BatchOp::Check { bucket: bucket(), key: key("a"), expect: Expect::Revision(7) },
            BatchOp::Put {
                bucket: bucket(),
                key: key("b"),
                value: bytes::Bytes::from_static(b"1"),
                expect: Expect::Absent,
            },
            BatchOp::Delete { bucket: bucket(), key: key("c"), expect: Expect::Any },
            BatchOp::StartSaga(StartDraft {
                name: key("order"),
                id: Some(key("o1")),
                data: bytes::Bytes::from_static(b"{}"),
            }),
            BatchOp::Ack,
        ];
        assert_eq!(prepared.ops, expected);
    }

    #[test]
    fn a_conflict_names_the_key_as_the_guest_wrote_it() {
        let operations = vec![Operation::Ack, Operation::Check((key("default", "a"), Condition::Absent))];
        let Prepared { keys, .. } = check(operations, true).unwrap();
        let Error::Conflict(named) = explain(BatchError::Conflict(1), keys) else { panic!("it stays a conflict") };
        assert_eq!((named.bucket.as_str(), named.name.as_str()), ("default", "a"));
        assert!(matches!(explain(BatchError::Conflict(9), Vec::new()), Error::Unavailable(_)));
    }

    #[test]
    fn what_is_not_the_services_own_or_too_much_is_refused() {
        let read = Operation::Check((key("other", "a"), Condition::Any));
        assert!(matches!(check(vec![read], false), Err(Error::NoSuchStore(text)) if text.contains("'other'")));
        let large = || Operation::Put((key("", "a"), vec![0; 1 << 20], Condition::Any));
        assert!(check((0..15).map(|_| large()).collect(), false).is_ok());
        assert!(matches!(check((0..17).map(|_| large()).collect(), false), Err(Error::Invalid(_))));
        let long = Operation::Delete((key("", &"a".repeat(2_000)), Condition::Any));
        assert!(matches!(check(vec![long], false), Err(Error::Invalid(_))));
        let large = |bytes| Operation::StartSaga(saga(vec![0; bytes]));
        assert!(matches!(check(vec![large(DATA_MAX + 1)], false), Err(Error::Invalid(_))));
        assert!(matches!(check((0..17).map(|_| large(DATA_MAX)).collect(), false), Err(Error::Invalid(_))));
        assert!(matches!(check((0..=BATCH_MAX).map(|_| Operation::Ack).collect(), true), Err(Error::Invalid(_))));
    }

    #[test]
    fn other_buckets_need_a_grant_to_be_read_and_another_to_be_changed() {
        let look = |bucket| Operation::Check((key(bucket, "a"), Condition::Absent));
        let change = |bucket| Operation::Put((key(bucket, "a"), b"1".to_vec(), Condition::Any));
        let remove = |bucket| Operation::Delete((key(bucket, "a"), Condition::Any));
        let buckets = |prepared: Prepared| match &prepared.ops[..] {
            [BatchOp::Check { bucket, .. }, BatchOp::Put { bucket: other, .. }] => {
                (bucket.to_string(), other.to_string())
            }
            other => panic!("{other:?}"),
        };
        let granted = check(vec![look("users"), change("carts")], false).unwrap();
        assert_eq!(buckets(granted), ("users".to_owned(), "carts".to_owned()));
        for refused in [change("users"), remove("users")] {
            let error = check(vec![refused], false).unwrap_err();
            assert!(
                matches!(error, Error::Denied(text) if text.contains("\"bucket:users\" to grants under [services.shop]"))
            );
        }
        assert!(matches!(check(vec![change("orders")], false), Err(Error::NoSuchStore(_))));
    }

    #[tokio::test]
    async fn a_batch_reaches_the_port_from_within_a_call() {
        let recorder: Arc<Recorder> = Arc::default();
        let mut store = guest(&recorder);
        let state = store.data_mut();
        let put = || vec![Operation::Put((key("", "a"), b"1".to_vec(), Condition::Any))];
        assert!(matches!(state.commit(put()).await, Err(Error::Unavailable(_))), "it is in no call");
        state.begin(context(&[]));
        assert!(state.commit(put()).await.is_ok() && state.commit(Vec::new()).await.is_ok());
        let started = state.commit(vec![Operation::StartSaga(saga(b"{}".to_vec()))]).await.unwrap().sagas;
        assert_eq!((started[0].id.as_str(), started[0].existing), ("o1", true));
        assert_eq!(recorder.committed.lock().unwrap().len(), 2);
        assert!(matches!(state.read(key("default", "a")).await, Ok(None)));
        assert!(matches!(state.read(key("other", "a")).await, Err(Error::NoSuchStore(_))));
        assert_eq!(*recorder.asked.lock().unwrap(), ["get shop/a"]);
    }

    #[test]
    fn an_ack_stands_once_where_something_is_handled() {
        assert!(check(vec![Operation::Ack], true).is_ok());
        assert!(matches!(check(vec![Operation::Ack], false), Err(Error::Invalid(_))));
        assert!(matches!(check(vec![Operation::Ack, Operation::Ack], true), Err(Error::Invalid(_))));
    }
}
