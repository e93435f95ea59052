//! A guest's batch: state, events, messages and the acknowledgement of what it handles, in one commit.

use std::{collections::HashSet, sync::Arc};

use switchyard_core::{event::Draft, handled::Handled};
use switchyard_runtime::ports::{BatchCommitted, BatchError, BatchOp, Expect, Origin};
use switchyard_store::{Batch, KvOp, Op, Outcome, QueueOp, QueueOutcome, StoreError};

use crate::{
    delivery::Delivery,
    error::Error,
    publish::{Prepared, Publisher},
    queue,
    subscription::Acking,
};

/// The most operations of one batch.
const OPS_MAX: usize = 1_000;

/// A batch for the store, and where its operations come from.
struct Translated {
    batch: Batch,
    /// For each operation of the batch, the place of the guest's.
    places: Vec<usize>,
    prepared: Prepared,
    acking: Option<Acking>,
}

// === impl Delivery ===

impl Delivery {
    /// Commits a guest's batch. It runs to its end even when the guest does not: the bookkeeping of an acknowledgement
    /// must follow its commit.
    pub(crate) async fn commit_batch(&self, origin: Origin, ops: Vec<BatchOp>) -> Result<BatchCommitted, BatchError> {
        let Some(me) = self.me() else { return Err(BatchError::Unavailable("the host is stopping".to_owned())) };
        let committing = self.tasks.spawn(async move { me.commit_translated(origin, ops).await });
        committing.await.unwrap_or_else(|error| Err(BatchError::Unavailable(error.to_string())))
    }

    async fn commit_translated(
        self: Arc<Self>,
        origin: Origin,
        ops: Vec<BatchOp>,
    ) -> Result<BatchCommitted, BatchError> {
        let Translated { batch, places, prepared, acking } = self.translate(origin, ops).await?;
        let committed = self.store.commit(batch).await;
        if let Some(acking) = acking {
            acking.end(&self, committed.is_ok());
        }
        let outcomes = committed.map_err(|error| refused(error, &places))?.outcomes;
        let message_ids = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Queue(QueueOutcome::Enqueued { id, .. }) => Some(id.as_ref().to_owned()),
            _ => None,
        });
        let message_ids = message_ids.collect();
        Ok(BatchCommitted { receipts: prepared.receipts(&outcomes), message_ids })
    }

    async fn translate(&self, origin: Origin, ops: Vec<BatchOp>) -> Result<Translated, BatchError> {
        if ops.len() > OPS_MAX {
            return Err(BatchError::Invalid(format!("{} operations, over the limit of {OPS_MAX}", ops.len())));
        }
        let handled = origin.context.handled.clone();
        let publisher = Publisher::service(origin);
        let drafts: Vec<Draft> = ops
            .iter()
            .filter_map(|op| if let BatchOp::Publish(draft) = op { Some(draft.clone()) } else { None })
            .collect();
        let prepared = self.prepare(&publisher, drafts).await.map_err(batch_error)?;
        let config = self.config();
        let mut appends = prepared.appends(&config);
        let (mut batch, mut places, mut acking) = (Batch::new(), Vec::with_capacity(ops.len()), None);
        let conditions_first = repeats_a_key(&ops);
        if conditions_first {
            for (place, op) in ops.iter().enumerate() {
                if let Some(check) = condition(op) {
                    batch.push(Op::Kv(check));
                    places.push(place);
                }
            }
        }
        let mut acks = false;
        for (place, op) in ops.into_iter().enumerate() {
            let op = match op {
                BatchOp::Check { .. } if conditions_first => continue,
                BatchOp::Ack => {
                    acks = true;
                    continue;
                }
                BatchOp::Publish(_) => match appends.next() {
                    Some(append) => append,
                    None => continue,
                },
                BatchOp::Enqueue(draft) => {
                    Op::Queue(QueueOp::Enqueue(self.enqueue_op(&publisher, draft).map_err(batch_error)?))
                }
                write => match kv_op(write, conditions_first) {
                    Some(op) => Op::Kv(op),
                    None => continue,
                },
            };
            batch.push(op);
            places.push(place);
        }
        drop(appends);
        if acks {
            // It comes last, so that every index before it is the guest's.
            acking = self.push_ack(&mut batch, handled.as_deref())?;
        }
        Ok(Translated { batch, places, prepared, acking })
    }

    fn push_ack(&self, batch: &mut Batch, handled: Option<&Handled>) -> Result<Option<Acking>, BatchError> {
        match handled {
            None => Err(BatchError::Invalid("ack stands in a batch where nothing is being handled".to_owned())),
            Some(Handled::Message { queue, id, token }) => {
                batch.push(queue::ack_op(queue, id, token));
                Ok(None)
            }
            Some(Handled::Event { subscription, sequence }) => {
                let acking = self.begin_ack(subscription, *sequence).ok_or(BatchError::NotLeased)?;
                acking.push(batch);
                Ok(Some(acking))
            }
        }
    }
}

/// Whether a key stands in several operations: then a condition could see what the batch itself has written.
fn repeats_a_key(ops: &[BatchOp]) -> bool {
    let mut seen = HashSet::new();
    ops.iter().any(|op| match op {
        BatchOp::Put { bucket, key, .. } | BatchOp::Delete { bucket, key, .. } | BatchOp::Check { bucket, key, .. } => {
            !seen.insert((bucket, key))
        }
        BatchOp::Publish(_) | BatchOp::Enqueue(_) | BatchOp::Ack => false,
    })
}

fn condition(op: &BatchOp) -> Option<KvOp> {
    let (BatchOp::Put { bucket, key, expect, .. }
    | BatchOp::Delete { bucket, key, expect }
    | BatchOp::Check { bucket, key, expect }) = op
    else {
        return None;
    };
    let check = || KvOp::Check { bucket: Arc::clone(bucket), key: key.as_str().into(), expect: expected(*expect) };
    (*expect != Expect::Any).then(check)
}

fn kv_op(op: BatchOp, unconditional: bool) -> Option<KvOp> {
    let expected = |expect| if unconditional { switchyard_store::Expect::Any } else { expected(expect) };
    match op {
        BatchOp::Put { bucket, key, value, expect } => {
            Some(KvOp::Put { bucket, key: key.into(), value, expect: expected(expect) })
        }
        BatchOp::Delete { bucket, key, expect } => {
            Some(KvOp::Delete { bucket, key: key.into(), expect: expected(expect) })
        }
        BatchOp::Check { bucket, key, expect } => {
            Some(KvOp::Check { bucket, key: key.into(), expect: expected(expect) })
        }
        BatchOp::Publish(_) | BatchOp::Enqueue(_) | BatchOp::Ack => None,
    }
}

fn expected(expect: Expect) -> switchyard_store::Expect {
    match expect {
        Expect::Any => switchyard_store::Expect::Any,
        Expect::Absent => switchyard_store::Expect::Absent,
        Expect::Revision(revision) => switchyard_store::Expect::Revision(revision),
    }
}

/// What a refusal of the store means to the guest; `places` tells its operations.
fn refused(error: StoreError, places: &[usize]) -> BatchError {
    match error {
        StoreError::Conflict { op, .. } => places.get(op).copied().map_or(BatchError::NotLeased, BatchError::Conflict),
        // Only an acknowledgement names a lease.
        StoreError::NotLeased { .. } | StoreError::UnknownQueue { .. } => BatchError::NotLeased,
        error => batch_error(error.into()),
    }
}

fn batch_error(error: Error) -> BatchError {
    let text = error.to_string();
    match error {
        Error::InvalidEvent(_) | Error::Invalid(_) | Error::TooLarge(_) | Error::NotFound(_) | Error::Conflict(_) => {
            BatchError::Invalid(text)
        }
        Error::Rejected(_) => BatchError::Rejected(text),
        Error::Denied(_) => BatchError::Denied(text),
        Error::QueueFull(_) => BatchError::Full(text),
        Error::NotLeased(_) => BatchError::NotLeased,
        Error::Unavailable(_) => BatchError::Unavailable(text),
    }
}
