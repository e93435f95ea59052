//! For unit tests: a guest's state without a guest, ports that write down what they are asked, and components made by
//! hand.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use switchyard_core::{
    describe::Track,
    event::{Draft, Receipt},
    health::Status,
    message,
    name::{Generation, ServiceName},
    saga::{self, Snapshot, StartDraft, Started},
};
use wasmtime::{Engine, Store};

use crate::{
    body::Body,
    context::CallContext,
    engine::{Tier, config},
    memory::Memory,
    ports::{
        BatchCommitted, BatchError, BatchOp, Batches, Caller, Events, EventsError, KeyValue, KvEntry, KvError, KvWrite,
        LogLine, Logs, Origin, OutgoingError, OutgoingHttp, Ports, Queues, QueuesError, Registered, Registry, Sagas,
        SagasError, Settlement,
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
    guest_under(recorder, Settings::default())
}

/// The same under these settings.
pub(crate) fn guest_under(recorder: &Arc<Recorder>, settings: Settings) -> Store<GuestState> {
    let ports = Ports {
        key_value: recorder.clone(),
        http: recorder.clone(),
        events: recorder.clone(),
        queues: recorder.clone(),
        sagas: recorder.clone(),
        batches: recorder.clone(),
        registry: recorder.clone(),
        logs: recorder.clone(),
    };
    let engine = Engine::new(&config(Track::P2, Tier::Cranelift)).unwrap();
    let memory = Arc::new(Memory::unlimited());
    let shared = Shared::new("shop".parse().unwrap(), Generation(1), settings, ports, memory, Arc::default()).unwrap();
    GuestState::store(&engine, &Arc::new(shared))
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

/// A component that exports an interface of this name, whose one function takes a number and answers it: not what any
/// interface of ours holds.
pub(crate) fn number_handler(interface: &str, function: &str) -> Vec<u8> {
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[b"\x01\x60\x01\x7f\x01\x7f"]),
        section(3, &[b"\x01\0"]),
        section(7, &[b"\x01\x01f\0\0"]),
        section(10, &[b"\x01\x04\0\x20\0\x0b"]),
    ];
    let component = [
        b"\0asm\x0d\0\x01\0".to_vec(),
        section(1, &[&module.concat()]),
        // An instance of the module, its function, and the function's type as a component has it: u32 to u32.
        section(2, &[b"\x01\0\0\0"]),
        section(6, &[b"\x01\0\0\x01\0\x01f"]),
        section(7, &[b"\x01\x40\x01\x01n\x79\0\x79"]),
        section(8, &[b"\x01\0\0\0\0\0"]),
        section(5, &[b"\x01\x01\x01\0", &string(function), b"\x01\0"]),
        section(11, &[b"\x01\0", &string(interface), b"\x05\0\0"]),
    ];
    component.concat()
}

fn section(id: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [vec![id], length(&content), content].concat()
}

fn string(text: &str) -> Vec<u8> {
    [length(text.as_bytes()), text.into()].concat()
}

/// In two bytes, which is enough for what is made here.
fn length(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    vec![(length & 0x7f) as u8 | 0x80, u8::try_from(length >> 7).unwrap()]
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
impl Sagas for Recorder {
    async fn start(&self, _: Origin, draft: StartDraft) -> Result<Started, SagasError> {
        self.ask(format!("start {} as {:?} with {:?}", draft.name, draft.id, draft.data));
        Ok(Started { id: "s1".parse().unwrap(), existing: false })
    }

    async fn get(&self, _: Origin, id: &str) -> Result<Snapshot, SagasError> {
        self.ask(format!("get {id}"));
        Ok(Snapshot {
            id: id.parse().map_err(|_| SagasError::NotFound(id.to_owned()))?,
            name: "order".to_owned(),
            status: saga::Status::Stuck,
            current_step: 2,
            data: Bytes::from_static(b"{}"),
            error: Some("no stock".to_owned()),
        })
    }

    async fn signal(&self, _: Origin, id: &str, name: &str, data: Bytes) -> Result<(), SagasError> {
        self.ask(format!("signal {name} to {id} with {data:?}"));
        Ok(())
    }

    async fn cancel(&self, _: Origin, id: &str) -> Result<(), SagasError> {
        self.ask(format!("cancel {id}"));
        Err(SagasError::Conflict(format!("the saga '{id}' is completed")))
    }
}

impl Logs for Recorder {
    fn line(&self, line: LogLine<'_>) {
        let request = line.request_id.unwrap_or("none");
        self.ask(format!("{:?} {}: {} ({request})", line.level, line.source, line.text));
    }

    fn dropped(&self, service: &ServiceName, _: Generation, lines: u64) {
        self.ask(format!("{service} dropped {lines}"));
    }
}

impl Registry for Recorder {
    fn discover(&self, name: Option<&str>, tags: &[String]) -> Vec<Registered> {
        self.ask(format!("discover {name:?} with {tags:?}"));
        vec![registered()]
    }

    fn lookup(&self, name: &str) -> Vec<Registered> {
        self.ask(format!("lookup {name}"));
        vec![registered(); 2_000]
    }
}

fn registered() -> Registered {
    Registered {
        id: "users-1".to_owned(),
        name: "users".to_owned(),
        address: "users.internal".to_owned(),
        port: 80,
        version: "1.2.0".to_owned(),
        tags: vec!["eu".to_owned()],
        metadata: [("zone".to_owned(), "a".to_owned())].into(),
        status: Status::Healthy,
    }
}

#[async_trait]
impl Batches for Recorder {
    async fn commit(&self, _: Origin, ops: Vec<BatchOp>) -> Result<BatchCommitted, BatchError> {
        let started = ops.iter().filter_map(|op| match op {
            BatchOp::StartSaga(draft) => Some(Started { id: draft.id.as_ref()?.parse().unwrap(), existing: true }),
            _ => None,
        });
        let committed = BatchCommitted { sagas: started.collect(), ..BatchCommitted::default() };
        self.committed.lock().unwrap().push(ops);
        Ok(committed)
    }
}
