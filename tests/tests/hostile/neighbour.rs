//! The service next door: asked all the while, and every answer counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use switchyard_tests::{Client, Host};
use tokio::task::JoinSet;

/// How many ask at the same time.
const CLIENTS: usize = 4;

/// The pause of each between two requests.
const PAUSE: Duration = Duration::from_millis(5);

/// Asks `/hello/` until it is told to stop.
pub(crate) struct Neighbour {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Vec<Duration>>,
}

// === impl Neighbour ===

impl Neighbour {
    pub(crate) async fn watch(host: &Host) -> Self {
        let (stop, mut clients) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for _ in 0..CLIENTS {
            clients.spawn(ask(host.client().await, stop.clone()));
        }
        Self { stop, clients }
    }

    /// Fails when a single request did, and prints how long they took.
    pub(crate) async fn was_served(self, meanwhile: &str) {
        self.stop.store(true, SeqCst);
        let mut times = self.clients.join_all().await.concat();
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        let (count, median, p99, max) = (times.len(), at(50), at(99), at(100));
        println!("the neighbour, {meanwhile}: {count} requests, 0 failed; median {median:?}, p99 {p99:?}, max {max:?}");
    }
}

async fn ask(mut client: Client, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while times.is_empty() || !stop.load(SeqCst) {
        let began = Instant::now();
        let answer = client.get("/hello/").await.expect("the neighbour answers");
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
        times.push(began.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    times
}
