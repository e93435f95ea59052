//! What guests reach through the host, as traits: this crate names no store and no dispatcher, the binary wires
//! them in.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use switchyard_core::{event, message, name::ServiceName};

use crate::{body::Body, context::CallContext};

/// The ports that a runtime needs.
#[derive(Clone)]
pub struct Ports {
    /// What is behind `wasi:keyvalue`.
    pub key_value: Arc<dyn KeyValue>,
    /// What is behind `wasi:http/outgoing-handler` and `wasi:http/client`.
    pub http: Arc<dyn OutgoingHttp>,
    /// What is behind `switchyard:plugin/events` and `wasi:messaging/producer`.
    pub events: Arc<dyn Events>,
    /// What is behind `switchyard:plugin/queues`.
    pub queues: Arc<dyn Queues>,
    /// What is behind `switchyard:plugin/batch`.
    pub batches: Arc<dyn Batches>,
}

/// A committed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvEntry {
    /// The value.
    pub value: Bytes,
    /// Changes with every write of the key; never used twice for a key.
    pub revision: u64,
}

/// What must hold for a write to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Any,
    /// The key has no value.
    Absent,
    /// The key's value has this revision.
    Revision(u64),
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvWrite {
    /// Sets the value.
    Set {
        /// Which key.
        key: String,
        /// The value.
        value: Bytes,
        /// The precondition.
        expect: Expect,
    },
    /// Removes the key; fine when there is none.
    Delete {
        /// Which key.
        key: String,
    },
}

/// Why a key-value operation was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// An [`Expect`] did not hold; nothing was written.
    #[error("the value has changed")]
    Conflict,
    /// A key, value or bucket is over its limit, or a value is no integer; the text says which.
    #[error("{0}")]
    Invalid(String),
    /// The store cannot do it now; the text says why.
    #[error("{0}")]
    Failed(String),
}

/// Durable key-value state: a write that is answered has been committed.
#[async_trait]
pub trait KeyValue: Send + Sync + 'static {
    /// The value of a key when memory alone can tell: the inner `None` is a key known to be absent.
    fn cached(&self, bucket: &str, key: &str) -> Option<Option<KvEntry>>;

    /// The value of a key.
    async fn get(&self, bucket: &str, key: &str) -> Result<Option<KvEntry>, KvError>;

    /// Up to a page of keys after `cursor` in byte order, and the cursor to go on with.
    async fn list(&self, bucket: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), KvError>;

    /// Does all of these writes, or none.
    async fn write(&self, bucket: &str, writes: Vec<KvWrite>) -> Result<(), KvError>;

    /// Adds to a decimal integer, absent being 0, and answers the sum.
    async fn increment(&self, bucket: &str, key: &str, delta: i64) -> Result<i64, KvError>;
}

/// Who sends a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The service whose guest it is.
    pub service: ServiceName,
    /// The circumstances, already [nested](CallContext::nested) below the caller.
    pub context: CallContext,
    /// Hosts that the service may reach; see [`Settings::outbound`](crate::settings::Settings::outbound).
    pub outbound: Arc<[String]>,
}

/// Why a request that a guest sends has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// The service may not reach this host.
    #[error("{0}")]
    Denied(String),
    /// The name has no address.
    #[error("{0}")]
    NotFound(String),
    /// Nobody accepts the connection, or the service has nothing that could answer.
    #[error("{0}")]
    Unavailable(String),
    /// The request or its answer broke off.
    #[error("{0}")]
    Broken(String),
    /// It took too long.
    #[error("{0}")]
    TimedOut(String),
}

/// The way out for guests' requests: `NAME.internal` goes to that service, other hosts to the network.
#[async_trait]
pub trait OutgoingHttp: Send + Sync + 'static {
    /// Sends one request.
    async fn send(&self, caller: Caller, request: Request<Body>) -> Result<Response<Body>, OutgoingError>;
}

/// Who publishes, enqueues or commits.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The service whose guest it is.
    pub service: ServiceName,
    /// The circumstances of the call that the guest is in, already [nested](CallContext::nested) below it, except
    /// that [`handled`](CallContext::handled) is still there.
    pub context: CallContext,
}

/// Publishing events: behind `switchyard:plugin/events` and `wasi:messaging/producer`.
#[async_trait]
pub trait Events: Send + Sync + 'static {
    /// Publishes all of these in one commit, or none. A draft without source comes from `/services/NAME`.
    async fn publish(&self, origin: Origin, drafts: Vec<event::Draft>) -> Result<Vec<event::Receipt>, EventsError>;
}

/// Why nothing was published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// An envelope is wrong or a payload too large; says which and how to mend it.
    #[error("{0}")]
    Invalid(String),
    /// An event middleware said no: its text.
    #[error("{0}")]
    Rejected(String),
    /// The service has no grant.
    #[error("{0}")]
    Denied(String),
    /// Later it may work.
    #[error("{0}")]
    Unavailable(String),
}

/// The queues of the host: behind `switchyard:plugin/queues`.
#[async_trait]
pub trait Queues: Send + Sync + 'static {
    /// Enqueues a message and answers its id.
    async fn enqueue(&self, origin: Origin, draft: message::Draft) -> Result<String, QueuesError>;

    /// Leases up to `max` messages.
    async fn lease(
        &self,
        origin: Origin,
        queue: &str,
        max: u32,
        visibility_timeout: Option<Duration>,
    ) -> Result<Vec<message::Leased>, QueuesError>;

    /// Ends a lease in one of the ways that there are.
    async fn settle(
        &self,
        origin: Origin,
        queue: &str,
        id: &str,
        token: &str,
        how: Settlement,
    ) -> Result<(), QueuesError>;
}

/// What becomes of a leased message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done.
    Ack,
    /// It failed; counts as an attempt.
    Nack {
        /// Why.
        reason: String,
        /// When it is ready again; none means the queue's back-off.
        delay: Option<Duration>,
    },
    /// It is a dead letter.
    Reject {
        /// Why.
        reason: String,
    },
    /// It stays leased for this long from now.
    Extend(Duration),
}

/// Why a queue refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueuesError {
    /// `Queue NAME is full`.
    #[error("{0}")]
    Full(String),
    /// There is no such queue.
    #[error("{0}")]
    NotFound(String),
    /// The token does not hold the message.
    #[error("{0}")]
    NotLeased(String),
    /// A name, priority or payload that does not hold.
    #[error("{0}")]
    Invalid(String),
    /// The service has no grant.
    #[error("{0}")]
    Denied(String),
    /// Later it may work.
    #[error("{0}")]
    Unavailable(String),
}

/// One commit for state, events, messages and an acknowledgement: behind `switchyard:plugin/batch`.
#[async_trait]
pub trait Batches: Send + Sync + 'static {
    /// Commits all operations, or none. [`BatchOp::Ack`] acknowledges the origin's
    /// [`handled`](CallContext::handled).
    async fn commit(&self, origin: Origin, ops: Vec<BatchOp>) -> Result<BatchCommitted, BatchError>;
}

/// One operation of a guest's batch. Buckets are names in the store; the guest's own is already filled in.
#[allow(clippy::large_enum_variant, reason = "a batch has few of them, and most publish")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchOp {
    /// Writes a value.
    Put {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: String,
        /// The value.
        value: Bytes,
        /// The precondition.
        expect: Expect,
    },
    /// Removes a key.
    Delete {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: String,
        /// The precondition.
        expect: Expect,
    },
    /// Writes nothing, but insists.
    Check {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: String,
        /// The precondition.
        expect: Expect,
    },
    /// Publishes an event.
    Publish(event::Draft),
    /// Enqueues a message.
    Enqueue(message::Draft),
    /// Acknowledges what is being handled.
    Ack,
}

/// What a commit answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchCommitted {
    /// For each event, in order.
    pub receipts: Vec<event::Receipt>,
    /// The id of each message, in order.
    pub message_ids: Vec<String>,
}

/// Why nothing was committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The operation at this place did not find what it expected.
    #[error("operation {0} of the batch did not find what it expected")]
    Conflict(usize),
    /// An operation is wrong or too large.
    #[error("{0}")]
    Invalid(String),
    /// `Queue NAME is full`.
    #[error("{0}")]
    Full(String),
    /// An event middleware said no: its text.
    #[error("{0}")]
    Rejected(String),
    /// The lease of what is being handled is lost.
    #[error("the lease of what is being handled is lost; another one has it")]
    NotLeased,
    /// The service has no grant.
    #[error("{0}")]
    Denied(String),
    /// Later it may work.
    #[error("{0}")]
    Unavailable(String),
}
