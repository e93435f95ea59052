//! A guest's batch: state, events, messages, starts of sagas and the acknowledgement of what it handles, in one commit.

use std::{collections::HashSet, sync::Arc};

use switchyard_core::{event::Draft, handled::Handled, saga::StartDraft};
use switchyard_runtime::ports::{BatchCommitted, BatchError, BatchOp, Expect, Origin};
use switchyard_store::{Batch, KvOp, Op, Outcome, QueueOp, QueueOutcome, StoreError};

use crate::{
    delivery::Delivery,
    error::Error,
    publish::{Prepared, Publisher},
    queue,
    saga::Starting,
    subscription::Acking,
};

/// The most operations of one batch.
const OPS_MAX: usize = 1_000;

/// How often a batch is worked out anew because a saga of it was started by somebody else meanwhile.
const STARTS_MAX: usize = 3;

/// A batch for the store, and where its operations come from.
struct Translated {
    batch: Batch,
    /// For each operation of the batch, the place of the guest's.
    places: Vec<usize>,
    prepared: Prepared,
    /// Sagas that it starts, each with the place of its operations in the batch.
    starts: Vec<(Starting, usize)>,
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
        let mut tried = 0;
        let (committed, places, prepared, starts) = loop {
            let Translated { batch, places, prepared, starts, acking } =
                self.translate(origin.clone(), ops.clone()).await?;
            let committed = self.store.commit(batch).await;
            if let Some(acking) = acking {
                acking.end(&self, committed.is_ok());
            }
            let is_started_meanwhile = matches!(
                &committed,
                Err(StoreError::Conflict { op, .. }) if starts.iter().any(|(_, place)| place == op)
            );
            tried += 1;
            if !is_started_meanwhile || tried >= STARTS_MAX {
                break (committed, places, prepared, starts);
            }
            starts.into_iter().for_each(|(start, _)| self.not_started(start));
        };
        let committed = match committed {
            Ok(committed) => committed,
            Err(error) => {
                starts.into_iter().for_each(|(start, _)| self.not_started(start));
                return Err(refused(error, &places));
            }
        };
        let sagas = starts.into_iter().map(|(start, place)| self.started(start, &committed, place)).collect();
        let outcomes = committed.outcomes;
        let message_ids = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Queue(QueueOutcome::Enqueued { id, .. }) => Some(id.as_ref().to_owned()),
            _ => None,
        });
        let message_ids = message_ids.collect();
        Ok(BatchCommitted { receipts: prepared.receipts(&outcomes), message_ids, sagas })
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
        let mut prepared = self.prepare(&publisher, drafts).await.map_err(batch_error)?;
        let config = self.config();
        let mut appends = prepared.appends(&config);
        let (mut batch, mut places) = (Batch::new(), Vec::with_capacity(ops.len()));
        let (mut wishes, mut spans) = (Vec::new(), Vec::new());
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
                BatchOp::StartSaga(draft) => {
                    wishes.push((place, draft));
                    continue;
                }
                BatchOp::Publish(_) => match appends.next() {
                    Some(append) => append,
                    None => continue,
                },
                BatchOp::Enqueue(draft) => {
                    let (enqueue, span) = self.enqueue_op(&publisher, draft).map_err(batch_error)?;
                    spans.extend(span);
                    Op::Queue(QueueOp::Enqueue(enqueue))
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
        prepared.sending.extend(spans);
        let mut ack = Batch::new();
        let acking = if acks { self.push_ack(&mut ack, handled.as_deref())? } else { None };
        let starts = match self.push_starts(&publisher, &mut batch, &mut places, wishes).await {
            Ok(starts) => starts,
            Err(error) => {
                if let Some(acking) = acking {
                    acking.end(&self.me().ok_or(BatchError::NotLeased)?, false);
                }
                return Err(batch_error(error));
            }
        };
        // It comes last, so that every index before it is the guest's.
        batch = ack.ops().iter().cloned().fold(batch, Batch::with);
        Ok(Translated { batch, places, prepared, starts, acking })
    }

    /// Adds what starts these sagas, each with the place of the guest's operation.
    async fn push_starts(
        &self,
        publisher: &Publisher,
        batch: &mut Batch,
        places: &mut Vec<usize>,
        wishes: Vec<(usize, StartDraft)>,
    ) -> Result<Vec<(Starting, usize)>, Error> {
        let (wished, drafts): (Vec<_>, Vec<_>) = wishes.into_iter().unzip();
        let mut starts = Vec::with_capacity(drafts.len());
        for (start, wished) in self.prepare_starts(publisher, &drafts).await?.into_iter().zip(wished) {
            let place = batch.ops().len();
            for op in start.ops() {
                batch.push(op.clone());
                places.push(wished);
            }
            starts.push((start, place));
        }
        Ok(starts)
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
        BatchOp::Publish(_) | BatchOp::Enqueue(_) | BatchOp::StartSaga(_) | BatchOp::Ack => false,
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
        BatchOp::Publish(_) | BatchOp::Enqueue(_) | BatchOp::StartSaga(_) | BatchOp::Ack => None,
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
        Error::Busy(_) | Error::Unavailable(_) => BatchError::Unavailable(text),
    }
}
