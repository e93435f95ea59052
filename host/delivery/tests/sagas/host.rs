//! A host whose sagas have participants of the test's own, and which can crash: all that it does ends at once.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::Value;
use switchyard_core::{
    handled::Failure,
    saga::{Definition, Direction, Outcome, StartDraft, Status},
};
use switchyard_delivery::{Carrier, Config, Delivery, From, ListSagas, Publisher, Sent, To, Trial};
use switchyard_dispatch::Dispatcher;
use switchyard_store::{Backend, Embedded, Options};
use tokio::{runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long anything may take; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What participants do with a command, by its name; what is not named here succeeds with null.
type Behave = Box<dyn Fn(&Sent) -> Reply + Send + Sync>;

/// How a participant acts.
pub(crate) enum Reply {
    /// It does what is asked, and answers this.
    Done(Value),
    /// It does nothing, and answers this.
    Failed(Failure),
    /// It does what is asked, and its answer is lost.
    Lost,
    /// It does what is asked, and answers after this time.
    Late(Duration),
    /// It does nothing and never answers.
    Silent,
    /// It does what is asked, and takes the host down before it answers.
    Crash,
}

/// All participants. They outlive hosts, as real ones do.
#[derive(Default)]
pub(crate) struct Party {
    behave: Mutex<HashMap<&'static str, Behave>>,
    /// Every command that came, in order.
    pub(crate) got: Mutex<Vec<Sent>>,
    /// What was done by key, and how it was answered.
    done: Mutex<BTreeMap<String, Value>>,
}

/// A host.
pub(crate) struct Host {
    runtime: Option<Runtime>,
    pub(crate) delivery: Arc<Delivery>,
    running: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

// === impl Party ===

impl Party {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Says what becomes of a command from now on.
    pub(crate) fn on(&self, command: &'static str, behave: impl Fn(&Sent) -> Reply + Send + Sync + 'static) {
        self.behave.lock().unwrap().insert(command, Box::new(behave));
    }

    /// The names of the commands that came, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|sent| sent.name.clone()).collect()
    }

    /// The keys of the commands that came, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|sent| sent.key.clone()).collect()
    }

    /// How often a step of a saga was done and not undone. One that was undone before it was done stays undone, as
    /// participants have to see to.
    pub(crate) fn net(&self, saga: &str, step: u32) -> i32 {
        let done = self.done.lock().unwrap();
        let begins = |direction: Direction| format!("{saga}/{step}/{direction}/");
        let is_done = |prefix: String| done.keys().any(|key| key.starts_with(&prefix));
        i32::from(is_done(begins(Direction::Forward)) && !is_done(begins(Direction::Compensation)))
    }

    /// Does what a command asks, once for a key.
    fn act(&self, sent: &Sent, answer: Value) -> Value {
        self.done.lock().unwrap().entry(sent.key.clone()).or_insert(answer).clone()
    }
}

/// Hands commands to the party.
struct ToParty {
    party: Arc<Party>,
    crash: CancellationToken,
}

#[async_trait]
impl Carrier for ToParty {
    async fn carry(&self, delivery: &Arc<Delivery>, sent: Sent) -> Option<Outcome> {
        if matches!(sent.to, To::Event(_)) {
            return delivery.carry_out(sent).await;
        }
        let reply = {
            let behave = self.party.behave.lock().unwrap();
            behave.get(sent.name.as_str()).map_or(Reply::Done(Value::Null), |behave| behave(&sent))
        };
        self.party.got.lock().unwrap().push(sent.clone());
        match reply {
            Reply::Done(answer) => Some(Outcome::Done(self.party.act(&sent, answer))),
            Reply::Failed(failure) => Some(Outcome::Failed(failure)),
            Reply::Lost => {
                self.party.act(&sent, Value::Null);
                Some(Outcome::Lost("it broke off".to_owned()))
            }
            Reply::Late(after) => {
                let answer = self.party.act(&sent, Value::Null);
                tokio::time::sleep(after).await;
                Some(Outcome::Done(answer))
            }
            Reply::Silent => std::future::pending().await,
            Reply::Crash => {
                self.party.act(&sent, Value::Null);
                self.crash.cancel();
                std::future::pending().await
            }
        }
    }
}

// === impl Host ===

impl Host {
    pub(crate) fn start(folder: &Path, party: &Arc<Party>, definitions: &[&str]) -> Self {
        Self::start_with_crash(folder, party, definitions, &CancellationToken::new())
    }

    /// A host that tells by `crash` when a participant takes it down.
    pub(crate) fn start_with_crash(
        folder: &Path,
        party: &Arc<Party>,
        definitions: &[&str],
        crash: &CancellationToken,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let store = runtime.block_on(async { opened(folder).await });
        Self::on(runtime, store, party, definitions, crash)
    }

    /// A host on this store, which may have another one.
    pub(crate) fn on(
        runtime: Runtime,
        store: Arc<dyn Backend>,
        party: &Arc<Party>,
        definitions: &[&str],
        crash: &CancellationToken,
    ) -> Self {
        let definitions = definitions.iter().map(|json| definition(json)).collect();
        let carrier = Arc::new(ToParty { party: Arc::clone(party), crash: crash.clone() });
        let trial = Trial { carrier, definitions };
        let delivery = Delivery::on_trial(store, Dispatcher::new(), Config::default(), Some(trial));
        let stop = CancellationToken::new();
        let running = runtime.spawn(Arc::clone(&delivery).run(stop.clone(), Duration::from_secs(1)));
        Self { runtime: Some(runtime), delivery, running: Some(running), stop }
    }

    pub(crate) fn block<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    /// Stops in good order.
    pub(crate) fn stop(mut self) {
        self.stop.cancel();
        let running = self.running.take().unwrap();
        self.block(async { tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap() });
    }

    /// All that it does ends here, in whatever state it is.
    pub(crate) fn crash(mut self) {
        self.runtime.take().unwrap().shutdown_timeout(PATIENCE);
    }

    pub(crate) fn try_start_saga(
        &self,
        name: &str,
        id: &str,
        data: &Value,
    ) -> Result<bool, switchyard_delivery::Error> {
        let id = (!id.is_empty()).then(|| id.to_owned());
        let draft = StartDraft { name: name.to_owned(), id, data: data.to_string().into() };
        self.block(self.delivery.start_saga(Publisher::operator("/test"), draft)).map(|started| started.existing)
    }

    pub(crate) fn start_saga(&self, name: &str, id: &str, data: &Value) {
        assert!(!self.try_start_saga(name, id, data).unwrap(), "{id} was there already");
    }

    pub(crate) fn saga(&self, id: &str) -> Value {
        self.block(self.delivery.saga(id)).unwrap()
    }

    /// Waits until a saga stands there.
    #[track_caller]
    pub(crate) fn until(&self, id: &str, status: &str) -> Value {
        self.block(async {
            let stands = async {
                loop {
                    let saga = self.delivery.saga(id).await.unwrap();
                    if saga["status"] == status {
                        return saga;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            match tokio::time::timeout(PATIENCE, stands).await {
                Ok(saga) => saga,
                Err(_) => panic!("{id} never was {status}: {:#}", self.delivery.saga(id).await.unwrap()),
            }
        })
    }

    /// Waits until something holds.
    #[track_caller]
    pub(crate) fn eventually(&self, holds: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < until, "it never came to hold");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The words of a saga's history.
    pub(crate) fn history(&self, id: &str) -> Vec<String> {
        let (mut words, mut after) = (Vec::new(), None);
        loop {
            let page = self.block(self.delivery.saga_history(id, after, 3)).unwrap();
            words.extend(page.items.iter().map(|line| line["event"].as_str().unwrap().to_owned()));
            match page.next {
                Some(next) => after = Some(next.parse().unwrap()),
                None => return words,
            }
        }
    }

    /// The topics of the events that tell of a saga, in order.
    pub(crate) fn told(&self, id: &str) -> Vec<String> {
        let page = self.block(self.delivery.events(Some("saga.>".parse().unwrap()), From::First, 1_000)).unwrap();
        let events = page.items.into_iter().map(|(_, event)| event);
        events.filter(|event| event.subject.as_deref() == Some(id)).map(|event| event.topic).collect()
    }

    /// The ids of sagas in a list.
    pub(crate) fn list(&self, status: Option<Status>) -> Vec<String> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let list = ListSagas { status, after, limit: 2, ..ListSagas::default() };
            let page = self.block(self.delivery.sagas(list)).unwrap();
            ids.extend(page.items.iter().map(|saga| saga["sagaId"].as_str().unwrap().to_owned()));
            after = page.next;
            if after.is_none() {
                return ids;
            }
        }
    }
}

pub(crate) fn definition(json: &str) -> Definition {
    let definition: Definition = serde_json::from_str(json).unwrap();
    definition.check().unwrap();
    definition
}

/// The store of a folder, once whoever had it before has let go.
pub(crate) async fn opened(folder: &Path) -> Arc<dyn Backend> {
    let open = async {
        loop {
            match Embedded::open(Options::new(folder)) {
                Ok(store) => return Arc::new(store) as Arc<dyn Backend>,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, open).await.expect("the folder is still in use")
}
