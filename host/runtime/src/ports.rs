//! What guests reach through the host, as traits: this crate names no store and no dispatcher, the binary wires
//! them in.

mod batch;
mod keyvalue;
mod logs;
mod queues;
mod registry;
mod sagas;

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use switchyard_core::{event, name::ServiceName};

use crate::{body::Body, context::CallContext};

pub use self::{
    batch::{BatchCommitted, BatchError, BatchOp, Batches},
    keyvalue::{Expect, KeyValue, KvEntry, KvError, KvWrite},
    logs::{LogLevel, LogLine, Logs},
    queues::{Queues, QueuesError, Settlement},
    registry::{NoRegistry, Registered, Registry},
    sagas::{Sagas, SagasError},
};

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
    /// What is behind `switchyard:plugin/sagas`.
    pub sagas: Arc<dyn Sagas>,
    /// What is behind `switchyard:plugin/batch`.
    pub batches: Arc<dyn Batches>,
    /// What is behind `switchyard:plugin/registry`.
    pub registry: Arc<dyn Registry>,
    /// Where the lines go that guests write.
    pub logs: Arc<dyn Logs>,
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

/// Who publishes, enqueues, starts or commits.
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
