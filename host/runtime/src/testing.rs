//! For unit tests: a guest's state without a guest, and ports that write down what they are asked.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use http::{Request, Response};
use switchyard_core::{
    describe::Track,
    event::{Draft, Receipt},
    message,
};
use wasmtime::{Engine, Store};

use crate::{
    body::Body,
    context::CallContext,
    engine::{Tier, config},
    ports::{
        BatchCommitted, BatchError, BatchOp, Batches, Caller, Events, EventsError, KeyValue, KvEntry, KvError, KvWrite,
        Origin, OutgoingError, OutgoingHttp, Ports, Queues, QueuesError, Settlement,
    },
    settings::Settings,
    state::{GuestState, Shared},
};

/// What the ports were asked, in order.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) published: Mutex<Vec<(Origin, Vec<Draft>)>>,
    pub(crate) committed: Mutex<Vec<Vec<BatchOp>>>,
    /// Everything else.
    pub(crate) asked: Mutex<Vec<String>>,
}

/// The state of a guest of the service `shop` that is in no call.
pub(crate) fn guest(recorder: &Arc<Recorder>) -> Store<GuestState> {
    let ports = Ports {
        key_value: recorder.clone(),
        http: recorder.clone(),
        events: recorder.clone(),
        queues: recorder.clone(),
        batches: recorder.clone(),
    };
    let engine = Engine::new(&config(Track::P2, Tier::Cranelift)).unwrap();
    GuestState::store(&engine, &Arc::new(Shared::new("shop".parse().unwrap(), Settings::default(), ports)))
}

/// A call that handles nothing.
pub(crate) fn context(ancestors: &[&str]) -> CallContext {
    CallContext {
        request_id: "r".into(),
        traceparent: None,
        ancestors: ancestors.iter().map(|name| name.parse().unwrap()).collect(),
        deadline: tokio::time::Instant::now() + Duration::from_secs(1),
        body_max: 0,
        show_backtrace: false,
        cause: None,
        handled: None,
    }
}

// === impl Recorder ===

impl Recorder {
    fn ask(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

#[async_trait]
impl KeyValue for Recorder {
    fn cached(&self, _: &str, _: &str) -> Option<Option<KvEntry>> {
        None
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<KvEntry>, KvError> {
        self.ask(format!("get {bucket}/{key}"));
        Ok(None)
    }

    async fn list(&self, _: &str, _: Option<&str>) -> Result<(Vec<String>, Option<String>), KvError> {
        Ok((Vec::new(), None))
    }

    async fn write(&self, _: &str, _: Vec<KvWrite>) -> Result<(), KvError> {
        Ok(())
    }

    async fn increment(&self, _: &str, _: &str, delta: i64) -> Result<i64, KvError> {
        Ok(delta)
    }
}

#[async_trait]
impl OutgoingHttp for Recorder {
    async fn send(&self, _: Caller, _: Request<Body>) -> Result<Response<Body>, OutgoingError> {
        Err(OutgoingError::Denied(String::new()))
    }
}

#[async_trait]
impl Events for Recorder {
    async fn publish(&self, origin: Origin, drafts: Vec<Draft>) -> Result<Vec<Receipt>, EventsError> {
        let receipts = (1..).zip(&drafts);
        let receipts =
            receipts.map(|(sequence, draft)| Receipt { id: draft.topic.clone(), sequence, duplicate: false });
        let receipts = receipts.collect();
        self.published.lock().unwrap().push((origin, drafts));
        Ok(receipts)
    }
}

#[async_trait]
impl Queues for Recorder {
    async fn enqueue(&self, _: Origin, draft: message::Draft) -> Result<String, QueuesError> {
        self.ask(format!("enqueue {}", draft.queue));
        Ok("m1".to_owned())
    }

    async fn lease(
        &self,
        _: Origin,
        queue: &str,
        max: u32,
        visibility_timeout: Option<Duration>,
    ) -> Result<Vec<message::Leased>, QueuesError> {
        self.ask(format!("lease {max} of {queue} for {visibility_timeout:?}"));
        Ok(Vec::new())
    }

    async fn settle(&self, _: Origin, queue: &str, id: &str, token: &str, how: Settlement) -> Result<(), QueuesError> {
        self.ask(format!("{how:?} {queue}/{id} by {token}"));
        Ok(())
    }
}

#[async_trait]
impl Batches for Recorder {
    async fn commit(&self, _: Origin, ops: Vec<BatchOp>) -> Result<BatchCommitted, BatchError> {
        self.committed.lock().unwrap().push(ops);
        Ok(BatchCommitted::default())
    }
}
