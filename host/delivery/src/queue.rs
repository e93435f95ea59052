//! Queues: enqueue, lease, and what becomes of a leased message.

mod consumer;
mod dead;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use switchyard_core::{
    backoff::message_delay,
    event::DATA_MAX,
    manifest::VISIBILITY,
    message::{Draft, Leased, PRIORITY_MAX, QUEUE_NAME_MAX, is_queue_name},
    timestamp::Timestamp,
    units::HumanDuration,
};
use switchyard_dispatch::Active;
use switchyard_runtime::ports::Settlement;
use switchyard_store::{
    Batch, Enqueue, Lease, LeaseRef, Op, Outcome, QueueOp, QueueOutcome, QueueUsage, StoreError, StoredMessage,
};

use crate::{
    clock,
    config::{Config, DEDUPLICATION, LANE_WAIT_MAX, MAX_EXPIRIES, Queue},
    delivery::Delivery,
    envelope::{self, Story},
    error::Error,
    publish::{Publisher, shared},
    random,
    traces::Sending,
    view::QueueView,
};

pub(crate) use self::{consumer::Consumers, dead::original_message};

/// The most messages that one question leases.
const LEASE_MAX: u32 = 100;

/// The longest delay of a message, and the longest pause after a failure.
const DELAY_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// How often messages whose leases ran out too often are looked for in one question.
const ROUNDS_MAX: usize = 10;

/// What a payload is in JSON: itself where it is such, a text where it is one, else `{"base64": …}`.
#[must_use]
pub fn json_data(data: &Bytes) -> Value {
    let text = || std::str::from_utf8(data).ok().map(Value::from);
    let parsed = serde_json::from_slice(data).ok();
    parsed.or_else(text).unwrap_or_else(|| json!({ "base64": STANDARD.encode(data) }))
}

// === impl Config ===

impl Config {
    pub(crate) fn queue(&self, name: &str) -> Queue {
        self.queues.get(name).cloned().unwrap_or_default()
    }
}

// === impl Delivery ===

impl Delivery {
    /// Enqueues a message; answers its id, and whether a message of its deduplication id was there already.
    ///
    /// # Errors
    /// [`QueueFull`](Error::QueueFull); when it does not hold or is not granted, or the store cannot take it.
    pub async fn enqueue(&self, publisher: Publisher, draft: Draft) -> Result<(String, bool), Error> {
        let (enqueue, span) = self.enqueue_op(&publisher, draft)?;
        let mut sending = Sending::default();
        sending.extend(span);
        let committed = match self.store.commit(Batch::new().with(QueueOp::Enqueue(enqueue))).await {
            Ok(committed) => committed,
            Err(error) => {
                let error = Error::from(error);
                sending.fail(&error);
                return Err(error);
            }
        };
        sending.end();
        match committed.outcomes.into_iter().next() {
            Some(Outcome::Queue(QueueOutcome::Enqueued { id, duplicate })) => Ok((id.as_ref().to_owned(), duplicate)),
            other => Err(Error::Unavailable(format!("the store answered an enqueue with {other:?}"))),
        }
    }

    /// Checks a message; the operation that adds it, and its span, which ends when that is committed.
    pub(crate) fn enqueue_op(&self, publisher: &Publisher, draft: Draft) -> Result<(Enqueue, Option<Active>), Error> {
        let config = self.config();
        if let Some(origin) = publisher.origin() {
            config.may_use_queue(&origin.service, &draft.queue)?;
        }
        check(&draft)?;
        let context = publisher.origin().map(|origin| &origin.context);
        let id = random::id();
        let own = context.and_then(|context| context.traceparent.as_deref());
        let mut span = self.sending(own, publisher.may_begin_trace(), &draft.queue, &id);
        let below = span.as_mut().map(Active::traceparent);
        let story = Story {
            correlationid: context.and_then(|context| Some(context.cause.as_ref()?.correlationid.clone())),
            traceparent: below.as_deref().or(own).map(str::to_owned),
        };
        let now = clock::now();
        let enqueue = Enqueue {
            size_max: config.queue(&draft.queue).max_size,
            queue: draft.queue.into(),
            id: id.into(),
            data: envelope::encode(&story, &draft.data),
            priority: draft.priority,
            enqueued_at: now,
            ready_at: now.plus(draft.delay.unwrap_or_default()),
            dedup: draft.dedup_id.map(|id| (id.into(), now.plus(DEDUPLICATION))),
        };
        Ok((enqueue, span))
    }

    /// Leases up to `max` messages, 100 at most; none when none is ready.
    ///
    /// # Errors
    /// [`NotFound`](Error::NotFound) when there is no such queue; when a number does not hold.
    pub async fn lease(&self, queue: &str, max: u32, visibility: Option<Duration>) -> Result<Vec<Leased>, Error> {
        if !(1..=LEASE_MAX).contains(&max) {
            return Err(Error::Invalid(format!("max must be from 1 to {LEASE_MAX}")));
        }
        let visibility = visibility.unwrap_or_else(|| self.visibility(queue));
        check_visibility(visibility)?;
        let name = shared(queue);
        let leased = self.lease_stored(&name, max as usize, visibility).await?;
        Ok(leased.into_iter().map(|message| leased_of(&name, message).1).collect())
    }

    /// How long a lease of this queue lasts when nobody says.
    #[must_use]
    pub fn visibility(&self, queue: &str) -> Duration {
        self.config().queue(queue).visibility_timeout
    }

    /// Leases messages; those whose leases ran out too often become dead letters instead.
    async fn lease_stored(
        &self,
        queue: &Arc<str>,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<StoredMessage>, Error> {
        let mut leased = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let now = clock::now();
            let lease = Lease {
                queue: Arc::clone(queue),
                max: max - leased.len(),
                token: random::token().into(),
                now,
                until: now.plus(visibility),
                lane_wait_max: LANE_WAIT_MAX,
            };
            let committed = self.store.commit(Batch::new().with(QueueOp::Lease(lease))).await?;
            let Some(Outcome::Queue(QueueOutcome::Leased(found))) = committed.outcomes.into_iter().next() else {
                break;
            };
            let (lost, good): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|message| message.expiries >= MAX_EXPIRIES);
            leased.extend(good);
            if lost.is_empty() {
                break;
            }
            for message in lost {
                let error = format!("its lease ran out {} times", message.expiries);
                let token = message.token.clone().unwrap_or_default();
                self.bury_message(queue, &message, &token, message.failures, &error).await?;
            }
        }
        Ok(leased)
    }

    /// Ends a lease, or makes it last longer.
    ///
    /// # Errors
    /// [`NotLeased`](Error::NotLeased) when the token does not hold the message; [`NotFound`](Error::NotFound) when there
    /// is no such queue.
    pub async fn settle(&self, queue: &str, id: &str, token: &str, how: Settlement) -> Result<(), Error> {
        let attempts = self.config().queue(queue).max_attempts;
        self.settle_within(&shared(queue), id, token, how, attempts).await
    }

    /// As [`settle`](Self::settle), with the attempts that its consumer allows.
    async fn settle_within(
        &self,
        queue: &Arc<str>,
        id: &str,
        token: &str,
        how: Settlement,
        attempts_max: u32,
    ) -> Result<(), Error> {
        let now = clock::now();
        let lease = || lease_ref(queue, id, token, now);
        let op = match how {
            Settlement::Ack => QueueOp::Ack { lease: lease() },
            Settlement::Extend(timeout) => {
                check_visibility(timeout)?;
                QueueOp::Extend { lease: lease(), until: now.plus(timeout) }
            }
            Settlement::Reject { reason } => {
                let message = self.held(queue, id, token).await?;
                return self.bury_message(queue, &message, token, message.failures + 1, &reason).await;
            }
            Settlement::Nack { reason, delay } => {
                let message = self.held(queue, id, token).await?;
                let failures = message.failures + 1;
                if failures >= attempts_max {
                    return self.bury_message(queue, &message, token, failures, &reason).await;
                }
                let delay = delay.map_or_else(|| message_delay(failures), |delay| delay.min(DELAY_MAX));
                QueueOp::Return { lease: lease(), ready_at: now.plus(delay), failures, reason: reason.into() }
            }
        };
        self.store.commit(Batch::new().with(op)).await?;
        Ok(())
    }

    /// Gives a message back that was not handled; no attempt is counted.
    async fn give_back(&self, queue: &Arc<str>, message: &StoredMessage, pause: Duration) -> Result<(), Error> {
        let now = clock::now();
        let lease = lease_ref(queue, &message.id, message.token.as_deref().unwrap_or_default(), now);
        let (failures, reason) = (message.failures, Arc::clone(&message.reason));
        let op = QueueOp::Return { lease, ready_at: now.plus(pause), failures, reason };
        self.store.commit(Batch::new().with(op)).await?;
        Ok(())
    }

    /// The message, if this token holds it now; the commit that follows insists on it again.
    async fn held(&self, queue: &Arc<str>, id: &str, token: &str) -> Result<StoredMessage, Error> {
        let message = self.store.queue_message(queue, id).await?;
        let held = message.filter(|message| message.token.as_deref() == Some(token));
        held.ok_or_else(|| StoreError::NotLeased { queue: Arc::clone(queue), id: id.into() }.into())
    }

    /// All queues, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn queues(&self) -> Result<Vec<QueueView>, Error> {
        let now = clock::now();
        let dead = self.store.dead_counts().await?.queues;
        let queues = self.store.queues(now).await?.into_iter();
        Ok(queues
            .map(|usage| self.queue_view(now, dead.get(&usage.queue).copied().unwrap_or_default(), usage))
            .collect())
    }

    /// One queue.
    ///
    /// # Errors
    /// [`NotFound`](Error::NotFound); when the store cannot be read.
    pub async fn queue(&self, name: &str) -> Result<QueueView, Error> {
        let now = clock::now();
        let missing = || Error::from(StoreError::UnknownQueue { queue: name.into() });
        let usage = self.store.queue(name, now).await?.ok_or_else(missing)?;
        let dead = self.store.dead_counts().await?.queues.get(name).copied().unwrap_or_default();
        Ok(self.queue_view(now, dead, usage))
    }

    fn queue_view(&self, now: Timestamp, dead_letters: u64, usage: QueueUsage) -> QueueView {
        let config = self.config().queue(&usage.queue);
        QueueView {
            enqueued: usage.enqueued,
            dequeued: usage.dequeued,
            failed: usage.failed,
            current_size: usage.waiting + usage.delayed,
            in_flight: usage.in_flight,
            delayed: usage.delayed,
            oldest_age: usage.oldest_ready_at.map(|since| HumanDuration(now.since(since))),
            average_wait_time: HumanDuration(Duration::from_millis(usage.waited_ms / usage.first_leases.max(1))),
            max_size: config.max_size,
            max_attempts: config.max_attempts,
            visibility_timeout: HumanDuration(config.visibility_timeout),
            dead_letter_queue: config.dead_letter_queue,
            dead_letters,
            consumers: self.consumers.of(&usage.queue),
            name: usage.queue.as_ref().to_owned(),
        }
    }
}

fn check(draft: &Draft) -> Result<(), Error> {
    let Draft { queue, data, priority, delay, dedup_id } = draft;
    if !is_queue_name(queue) {
        let text =
            format!("'{queue}' is not a queue name: use 1 to {QUEUE_NAME_MAX} of letters, digits, '.', '_', '-', ':'");
        return Err(Error::Invalid(text));
    }
    if *priority > PRIORITY_MAX {
        return Err(Error::Invalid(format!("the priority is {priority}, not 0 to {PRIORITY_MAX}")));
    }
    if data.len() > DATA_MAX {
        let size = data.len();
        return Err(Error::TooLarge(format!(
            "the data has {size} bytes, over the limit of {DATA_MAX}; store it elsewhere, and send where"
        )));
    }
    if delay.is_some_and(|delay| delay > DELAY_MAX) {
        return Err(Error::Invalid("the delay is longer than 365d".to_owned()));
    }
    if dedup_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > QUEUE_NAME_MAX) {
        return Err(Error::Invalid(format!("the deduplication id must have 1 to {QUEUE_NAME_MAX} bytes")));
    }
    Ok(())
}

fn check_visibility(timeout: Duration) -> Result<(), Error> {
    if VISIBILITY.contains(&timeout) { Ok(()) } else { Err(Error::Invalid("a lease lasts from 1s to 12h".to_owned())) }
}

fn lease_ref(queue: &Arc<str>, id: &str, token: &str, now: Timestamp) -> LeaseRef {
    LeaseRef { queue: Arc::clone(queue), id: id.into(), token: token.into(), now }
}

/// What led to a leased message, and the message as consumers see it.
fn leased_of(queue: &Arc<str>, message: StoredMessage) -> (Story, Leased) {
    let (story, data) = envelope::decode(&message.data);
    let leased = Leased {
        id: message.id,
        queue: Arc::clone(queue),
        token: message.token.unwrap_or_default(),
        data,
        priority: message.priority,
        attempt: message.failures + 1,
        enqueued_at: message.enqueued_at,
    };
    (story, leased)
}

/// An operation of a batch that acknowledges the message being handled.
pub(crate) fn ack_op(queue: &Arc<str>, id: &Arc<str>, token: &Arc<str>) -> Op {
    QueueOp::Ack { lease: lease_ref(queue, id, token, clock::now()) }.into()
}
