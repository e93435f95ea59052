//! Ports for one guest: a bucket in memory, and sagas that write down what they are asked.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use switchyard_core::{
    event::{Draft, Receipt},
    health::Status as Health,
    message::{self, Leased},
    name::{Generation, ServiceName},
    saga::{Snapshot, StartDraft, Started, Status},
};
use switchyard_runtime::{
    Body,
    ports::{
        BatchCommitted, BatchError, BatchOp, Batches, Caller, Events, EventsError, KeyValue, KvEntry, KvError, KvWrite,
        LogLine, Logs, Origin, OutgoingError, OutgoingHttp, Ports, Queues, QueuesError, Registered, Registry, Sagas,
        SagasError, Settlement,
    },
};
use tokio::sync::Notify;

/// What is behind the imports of one guest.
#[derive(Default)]
pub(crate) struct Fake {
    values: Mutex<BTreeMap<String, Bytes>>,
    asked: Mutex<Vec<String>>,
    /// The hosts that requests were sent to.
    sent: Mutex<Vec<String>>,
    /// Told of each request, and of their release.
    changed: Notify,
    is_released: AtomicBool,
}

// === impl Fake ===

impl Fake {
    pub(crate) fn ports(self: &Arc<Self>) -> Ports {
        Ports {
            key_value: self.clone(),
            http: self.clone(),
            events: self.clone(),
            queues: self.clone(),
            sagas: self.clone(),
            batches: self.clone(),
            registry: self.clone(),
            logs: self.clone(),
        }
    }

    /// What was asked of sagas, in order, since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The commands that the guest remembers, in the order in which they began.
    pub(crate) fn remembered(&self) -> Vec<Value> {
        let values = self.values.lock().unwrap();
        let commands = values.iter().filter(|(key, _)| key.starts_with("s/"));
        commands.map(|(_, value)| serde_json::from_slice(value).unwrap()).collect()
    }

    /// How many requests have been sent to a host.
    pub(crate) fn sent(&self, host: &str) -> usize {
        self.sent.lock().unwrap().iter().filter(|sent| *sent == host).count()
    }

    /// Waits until so many have.
    pub(crate) async fn until_sent(&self, host: &str, count: usize) {
        self.until(|| self.sent(host) >= count).await;
    }

    /// Lets those be answered that go to `held.example`.
    pub(crate) fn release(&self) {
        self.is_released.store(true, SeqCst);
        self.changed.notify_waiters();
    }

    async fn until(&self, is: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            if is() {
                return;
            }
            changed.await;
        }
    }

    fn ask(&self, origin: &Origin, what: String) {
        self.asked.lock().unwrap().push(format!("{}: {what}", origin.service));
    }
}

fn text(data: &Bytes) -> String {
    String::from_utf8_lossy(data).into_owned()
}

#[async_trait]
impl Sagas for Fake {
    async fn start(&self, origin: Origin, draft: StartDraft) -> Result<Started, SagasError> {
        self.ask(&origin, format!("start {} as {:?} with {}", draft.name, draft.id, text(&draft.data)));
        match draft.name.as_str() {
            "order" => Ok(Started { id: "o1".parse().unwrap(), existing: draft.id.is_some() }),
            "secret" => Err(SagasError::Denied("no grant".to_owned())),
            _ => Err(SagasError::NotFound("no such definition".to_owned())),
        }
    }

    async fn get(&self, origin: Origin, id: &str) -> Result<Snapshot, SagasError> {
        self.ask(&origin, format!("get {id}"));
        let (status, error) = match id {
            "waits" => (Status::Waiting, None),
            "fails" => (Status::Compensating, Some("no stock".to_owned())),
            _ => return Err(SagasError::NotFound(format!("there is no saga '{id}'"))),
        };
        Ok(Snapshot {
            id: id.parse().unwrap(),
            name: "order".to_owned(),
            status,
            current_step: 7,
            data: Bytes::from_static(br#"{"n":1}"#),
            error,
        })
    }

    async fn signal(&self, origin: Origin, id: &str, name: &str, data: Bytes) -> Result<(), SagasError> {
        self.ask(&origin, format!("signal {name} to {id} with {}", text(&data)));
        if name == "approved" { Ok(()) } else { Err(SagasError::Conflict("nothing waits for it".to_owned())) }
    }

    async fn cancel(&self, origin: Origin, id: &str) -> Result<(), SagasError> {
        self.ask(&origin, format!("cancel {id}"));
        if id == "o1" { Ok(()) } else { Err(SagasError::Unavailable("the store is away".to_owned())) }
    }
}

impl Logs for Fake {
    fn line(&self, _: LogLine<'_>) {}

    fn dropped(&self, _: &ServiceName, _: Generation, _: u64) {}
}

impl Registry for Fake {
    fn discover(&self, name: Option<&str>, tags: &[String]) -> Vec<Registered> {
        self.asked.lock().unwrap().push(format!("discover {name:?} with {tags:?}"));
        vec![upstream()]
    }

    fn lookup(&self, name: &str) -> Vec<Registered> {
        self.asked.lock().unwrap().push(format!("lookup {name}"));
        Vec::new()
    }
}

fn upstream() -> Registered {
    Registered {
        id: "users-10.0.0.7-8080".to_owned(),
        name: "users".to_owned(),
        address: "10.0.0.7".to_owned(),
        port: 8_080,
        version: "1.2.0".to_owned(),
        tags: vec!["eu".to_owned()],
        metadata: [("zone".to_owned(), "a".to_owned())].into(),
        status: Health::Healthy,
    }
}

#[async_trait]
impl Batches for Fake {
    async fn commit(&self, origin: Origin, ops: Vec<BatchOp>) -> Result<BatchCommitted, BatchError> {
        let mut sagas = Vec::new();
        for op in ops {
            let BatchOp::StartSaga(draft) = op else { return Err(BatchError::Invalid("only sagas".to_owned())) };
            let started = self.start(origin.clone(), draft).await;
            sagas.push(started.map_err(|error| BatchError::Invalid(error.to_string()))?);
        }
        Ok(BatchCommitted { sagas, ..BatchCommitted::default() })
    }
}

#[async_trait]
impl KeyValue for Fake {
    fn cached(&self, _: &str, key: &str) -> Option<Option<KvEntry>> {
        let value = self.values.lock().unwrap().get(key).cloned();
        Some(value.map(|value| KvEntry { value, revision: 1 }))
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<KvEntry>, KvError> {
        Ok(self.cached(bucket, key).flatten())
    }

    async fn list(&self, _: &str, _: Option<&str>) -> Result<(Vec<String>, Option<String>), KvError> {
        Ok((self.values.lock().unwrap().keys().cloned().collect(), None))
    }

    async fn write(&self, _: &str, writes: Vec<KvWrite>) -> Result<(), KvError> {
        let mut values = self.values.lock().unwrap();
        for write in writes {
            match write {
                KvWrite::Set { key, value, .. } => values.insert(key, value),
                KvWrite::Delete { key } => values.remove(&key),
            };
        }
        Ok(())
    }

    async fn increment(&self, bucket: &str, key: &str, delta: i64) -> Result<i64, KvError> {
        let value = self.cached(bucket, key).flatten().map_or(0, |entry| text(&entry.value).parse().unwrap());
        self.values.lock().unwrap().insert(key.to_owned(), (value + delta).to_string().into());
        Ok(value + delta)
    }
}

#[async_trait]
impl OutgoingHttp for Fake {
    async fn send(&self, _: Caller, request: Request<Body>) -> Result<Response<Body>, OutgoingError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.sent.lock().unwrap().push(host.clone());
        self.changed.notify_waiters();
        if host == "held.example" {
            self.until(|| self.is_released.load(SeqCst)).await;
        }
        Ok(Response::new(Body::empty()))
    }
}

#[async_trait]
impl Events for Fake {
    async fn publish(&self, _: Origin, _: Vec<Draft>) -> Result<Vec<Receipt>, EventsError> {
        Err(EventsError::Unavailable("not for this test".to_owned()))
    }
}

#[async_trait]
impl Queues for Fake {
    async fn enqueue(&self, _: Origin, _: message::Draft) -> Result<String, QueuesError> {
        Err(QueuesError::Unavailable("not for this test".to_owned()))
    }

    async fn lease(&self, _: Origin, _: &str, _: u32, _: Option<Duration>) -> Result<Vec<Leased>, QueuesError> {
        Err(QueuesError::Unavailable("not for this test".to_owned()))
    }

    async fn settle(&self, _: Origin, _: &str, _: &str, _: &str, _: Settlement) -> Result<(), QueuesError> {
        Err(QueuesError::Unavailable("not for this test".to_owned()))
    }
}
