//! Ports with nothing behind them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use switchyard_core::{
    event, message,
    name::{Generation, ServiceName},
    saga::{Snapshot, StartDraft, Started},
};
use switchyard_runtime::{
    Body,
    ports::{
        BatchCommitted, BatchError, BatchOp, Batches, Caller, Events, EventsError, KeyValue, KvEntry, KvError, KvWrite,
        LogLine, Logs, Origin, OutgoingError, OutgoingHttp, Ports, Queues, QueuesError, Sagas, SagasError, Settlement,
    },
};

/// What a guest is told that asks for something here.
const NOTHING: &str = "the component is looked at, not served";

/// Ports for looking at components without serving them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nothing;

// === impl Nothing ===

impl Nothing {
    /// These ports.
    pub(crate) fn ports() -> Ports {
        Ports {
            key_value: Arc::new(Self),
            http: Arc::new(Self),
            events: Arc::new(Self),
            queues: Arc::new(Self),
            sagas: Arc::new(Self),
            batches: Arc::new(Self),
            registry: Arc::new(switchyard_runtime::ports::NoRegistry),
            logs: Arc::new(Self),
        }
    }
}

fn no_state<T>() -> Result<T, KvError> {
    Err(KvError::Failed(NOTHING.to_owned()))
}

fn no_queue<T>() -> Result<T, QueuesError> {
    Err(QueuesError::Unavailable(NOTHING.to_owned()))
}

fn no_saga<T>() -> Result<T, SagasError> {
    Err(SagasError::Unavailable(NOTHING.to_owned()))
}

#[async_trait]
impl KeyValue for Nothing {
    fn cached(&self, _: &str, _: &str) -> Option<Option<KvEntry>> {
        None
    }

    async fn get(&self, _: &str, _: &str) -> Result<Option<KvEntry>, KvError> {
        no_state()
    }

    async fn list(&self, _: &str, _: Option<&str>) -> Result<(Vec<String>, Option<String>), KvError> {
        no_state()
    }

    async fn write(&self, _: &str, _: Vec<KvWrite>) -> Result<(), KvError> {
        no_state()
    }

    async fn increment(&self, _: &str, _: &str, _: i64) -> Result<i64, KvError> {
        no_state()
    }
}

impl Logs for Nothing {
    fn line(&self, _: LogLine<'_>) {}

    fn dropped(&self, _: &ServiceName, _: Generation, _: u64) {}
}

#[async_trait]
impl OutgoingHttp for Nothing {
    async fn send(&self, _: Caller, _: Request<Body>) -> Result<Response<Body>, OutgoingError> {
        Err(OutgoingError::Denied(NOTHING.to_owned()))
    }
}

#[async_trait]
impl Events for Nothing {
    async fn publish(&self, _: Origin, _: Vec<event::Draft>) -> Result<Vec<event::Receipt>, EventsError> {
        Err(EventsError::Unavailable(NOTHING.to_owned()))
    }
}

#[async_trait]
impl Queues for Nothing {
    async fn enqueue(&self, _: Origin, _: message::Draft) -> Result<String, QueuesError> {
        no_queue()
    }

    async fn lease(
        &self,
        _: Origin,
        _: &str,
        _: u32,
        _: Option<Duration>,
    ) -> Result<Vec<message::Leased>, QueuesError> {
        no_queue()
    }

    async fn settle(&self, _: Origin, _: &str, _: &str, _: &str, _: Settlement) -> Result<(), QueuesError> {
        no_queue()
    }
}

#[async_trait]
impl Sagas for Nothing {
    async fn start(&self, _: Origin, _: StartDraft) -> Result<Started, SagasError> {
        no_saga()
    }

    async fn get(&self, _: Origin, _: &str) -> Result<Snapshot, SagasError> {
        no_saga()
    }

    async fn signal(&self, _: Origin, _: &str, _: &str, _: Bytes) -> Result<(), SagasError> {
        no_saga()
    }

    async fn cancel(&self, _: Origin, _: &str) -> Result<(), SagasError> {
        no_saga()
    }
}

#[async_trait]
impl Batches for Nothing {
    async fn commit(&self, _: Origin, _: Vec<BatchOp>) -> Result<BatchCommitted, BatchError> {
        Err(BatchError::Unavailable(NOTHING.to_owned()))
    }
}
