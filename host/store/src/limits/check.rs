//! Which operations are too large, decided before they wait for the writer.

use switchyard_core::message::PRIORITY_MAX;

use super::{Limits, NamedLimits, host_bucket, within};
use crate::{
    Batch, CursorOp, DeadLetter, DeadOp, DeadOrigin, Enqueue, KvOp, LeaseRef, LogOp, Measure, Op, OwnerOp, QueueOp,
    StoreError, TimerOp,
};

type Checked = Result<(), StoreError>;

// === impl Limits ===

impl Limits {
    /// Checks the sizes of a batch and answers its bytes.
    pub(crate) fn check_batch(&self, batch: &Batch, named: &NamedLimits) -> Result<usize, StoreError> {
        within(Measure::BatchOps, batch.ops().len(), self.batch_ops)?;
        let bytes = batch.bytes();
        within(Measure::BatchBytes, bytes, self.batch_bytes)?;
        for op in batch.ops() {
            self.check_op(op, named)?;
        }
        Ok(bytes)
    }

    pub(crate) fn check_names(&self, bucket: &str, key: &str) -> Checked {
        within(Measure::BucketName, bucket.len(), self.bucket_name_bytes)?;
        within(Measure::Key, key.len(), self.key_bytes)
    }

    pub(crate) fn check_name(&self, name: &str) -> Checked {
        within(Measure::Name, name.len(), self.name_bytes)
    }

    fn check_op(&self, op: &Op, named: &NamedLimits) -> Checked {
        match op {
            Op::Kv(op) => self.check_kv(op, named),
            Op::Log(op) => self.check_log(op),
            Op::Cursor(op) => self.check_cursor(op),
            Op::Queue(op) => self.check_queue(op),
            Op::Dead(DeadOp::Put(letter)) => self.check_dead(letter),
            Op::Dead(DeadOp::Remove { id }) => self.check_name(id),
            Op::Timer(TimerOp::Set(timer)) => {
                self.check_name(&timer.key)?;
                within(Measure::Record, timer.payload.len(), self.record_bytes)
            }
            Op::Timer(TimerOp::Clear { key, .. }) => self.check_name(key),
            Op::Owner(op) => {
                if let OwnerOp::Claim { owner, .. } = op {
                    self.check_name(owner)?;
                }
                self.check_name(op.resource())
            }
        }
    }

    fn check_kv(&self, op: &KvOp, named: &NamedLimits) -> Checked {
        let (bucket, key) = op.target();
        self.check_names(bucket, key)?;
        if let KvOp::Put { value, .. } = op {
            let max = match named.of(bucket) {
                Some(limits) => limits.value_bytes,
                None if host_bucket(bucket) => self.host_value_bytes,
                None => self.value_bytes,
            };
            within(Measure::Value, value.len(), max)?;
        }
        Ok(())
    }

    fn check_log(&self, op: &LogOp) -> Checked {
        match op {
            LogOp::Append(append) => {
                self.check_name(&append.topic)?;
                within(Measure::Identity, append.source.len(), self.identity_bytes)?;
                within(Measure::Identity, append.id.len(), self.identity_bytes)?;
                within(Measure::Record, append.record.len(), self.record_bytes)
            }
            LogOp::Expire { topic, .. } => self.check_name(topic),
        }
    }

    fn check_cursor(&self, op: &CursorOp) -> Checked {
        self.check_name(op.name())?;
        if let CursorOp::Redeliver { retry, .. } = op {
            within(Measure::Record, retry.record.as_ref().map_or(0, bytes::Bytes::len), self.record_bytes)?;
        }
        Ok(())
    }

    fn check_queue(&self, op: &QueueOp) -> Checked {
        match op {
            QueueOp::Enqueue(enqueue) => self.check_message(enqueue),
            QueueOp::Lease(lease) => {
                self.check_name(&lease.queue)?;
                self.check_name(&lease.token)
            }
            QueueOp::Ack { lease }
            | QueueOp::Fail { lease }
            | QueueOp::Return { lease, .. }
            | QueueOp::Extend { lease, .. } => {
                let LeaseRef { queue, id, .. } = lease;
                self.check_name(queue)?;
                self.check_name(id)
            }
            QueueOp::ExpireDedup { .. } => Ok(()),
        }
    }

    fn check_message(&self, enqueue: &Enqueue) -> Checked {
        self.check_name(&enqueue.queue)?;
        self.check_name(&enqueue.id)?;
        if let Some((id, _)) = &enqueue.dedup {
            self.check_name(id)?;
        }
        within(Measure::Priority, enqueue.priority.into(), PRIORITY_MAX.into())?;
        within(Measure::Message, enqueue.data.len(), self.message_bytes)
    }

    fn check_dead(&self, letter: &DeadLetter) -> Checked {
        self.check_name(&letter.id)?;
        // A dead letter is an event or a message, so the larger limit is its.
        within(Measure::Record, letter.record.len(), self.record_bytes.max(self.message_bytes))?;
        match &letter.origin {
            DeadOrigin::Event { subscription, topic, .. } => {
                self.check_name(subscription)?;
                self.check_name(topic)
            }
            DeadOrigin::Message { queue, id, priority, .. } => {
                self.check_name(queue)?;
                self.check_name(id)?;
                within(Measure::Priority, (*priority).into(), PRIORITY_MAX.into())
            }
        }
    }
}
