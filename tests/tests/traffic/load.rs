//! Clients that call all the time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use switchyard_tests::Host;
use tokio::task::JoinSet;

const CLIENTS: usize = 8;

/// The pause of a client between two calls: enough calls for any share, and time left for the host.
const PAUSE: Duration = Duration::from_millis(4);

/// The clients, and what they were answered.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<Mutex<Answers>>,
    clients: JoinSet<()>,
}

/// Answers by status and text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(BTreeMap<(u16, String), u64>);

// === impl Load ===

impl Load {
    /// Calls this path from now on.
    pub(crate) async fn begin(host: &Host, path: &'static str) -> Self {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Answers::default())));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let mut client = host.client().await;
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            clients.spawn(async move {
                while !stop.load(SeqCst) {
                    let answer = client.get(path).await.unwrap();
                    let text = if answer.status == 200 { answer.text() } else { String::new() };
                    *answers.lock().unwrap().0.entry((answer.status.as_u16(), text)).or_default() += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Self { stop, answers, clients }
    }

    /// What was answered so far.
    pub(crate) fn answers(&self) -> Answers {
        self.answers.lock().unwrap().clone()
    }

    /// Waits for so many more answers.
    pub(crate) async fn more(&mut self, count: u64) {
        let enough = self.answers().total() + count;
        while self.answers().total() < enough {
            assert!(self.clients.try_join_next().is_none(), "a client has failed");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Stops, and answers what was answered.
    pub(crate) async fn end(self) -> Answers {
        self.stop.store(true, SeqCst);
        self.clients.join_all().await;
        self.answers.lock().unwrap().clone()
    }
}

// === impl Answers ===

impl Answers {
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those that are no 200.
    pub(crate) fn failed(&self) -> u64 {
        self.0.iter().filter(|((status, _), _)| *status != 200).map(|(_, count)| count).sum()
    }

    /// Those of this version.
    pub(crate) fn of(&self, version: &str) -> u64 {
        self.0.get(&(200, version.to_owned())).copied().unwrap_or_default()
    }
}
