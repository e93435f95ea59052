//! What guests reach through the host, as traits: this crate names no store and no dispatcher, the binary wires
//! them in.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use switchyard_core::name::ServiceName;

use crate::{body::Body, context::CallContext};

/// The ports that a runtime needs.
#[derive(Clone)]
pub struct Ports {
    /// What is behind `wasi:keyvalue`.
    pub key_value: Arc<dyn KeyValue>,
    /// What is behind `wasi:http/outgoing-handler` and `wasi:http/client`.
    pub http: Arc<dyn OutgoingHttp>,
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
