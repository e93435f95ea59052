//! The requests of one connection of HTTP/2, each with its own notes and its own end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::task::AbortHandle;

use super::watch::{Limits, Verdict, Watch};
use crate::connection::{Activity, Upload};

/// The streams of a connection that has any. Its lock is held for moments, at a stream's beginning and end and by the
/// watch.
pub(crate) struct Streams {
    /// The connection's: handling while there is a stream, else idle.
    activity: Arc<Activity>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of the request that was just begun, and whose task is not there yet.
    coming: Option<Arc<Activity>>,
    open: HashMap<u64, Open>,
    latest: u64,
}

struct Open {
    activity: Arc<Activity>,
    abort: AbortHandle,
    watch: Watch,
}

/// Runs streams for hyper, which hands over each right after its service was called for it.
#[derive(Clone)]
pub(crate) struct Executor(Arc<Streams>);

/// Forgets a stream when its task ends, however it does.
struct Ended {
    streams: Arc<Streams>,
    key: u64,
}

/// Ends all streams when dropped.
pub(crate) struct CutOnDrop(Arc<Streams>);

// === impl Streams ===

impl Streams {
    pub(crate) fn new(activity: Arc<Activity>) -> Arc<Self> {
        Arc::new(Self { activity, state: Mutex::default() })
    }

    /// The notes of a new stream. Its task is the next one that is handed to the [`Executor`].
    pub(crate) fn begin(&self) -> Arc<Activity> {
        let activity = Arc::new(Activity::default());
        self.state().coming = Some(Arc::clone(&activity));
        activity
    }

    pub(crate) fn cut_on_drop(self: &Arc<Self>) -> CutOnDrop {
        CutOnDrop(Arc::clone(self))
    }

    /// Ends the streams on which nothing has moved for too long; h2 tells the client so. The connection lives on.
    pub(super) fn look(&self, now: Instant, limits: Limits) {
        for open in self.state().open.values_mut() {
            if open.watch.observe(now, open.activity.look(), limits) != Verdict::Keep {
                open.abort.abort();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Executor ===

impl Executor {
    pub(crate) fn new(streams: Arc<Streams>) -> Self {
        Self(streams)
    }
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut state = self.0.state();
        state.latest += 1;
        let ended = Ended { streams: Arc::clone(&self.0), key: state.latest };
        // The task waits for the lock before it ends, so it is always there to be forgotten.
        let task = tokio::spawn(async move {
            let _ended = ended;
            stream.await;
        });
        let open = Open {
            activity: state.coming.take().unwrap_or_default(),
            abort: task.abort_handle(),
            watch: Watch::default(),
        };
        let key = state.latest;
        state.open.insert(key, open);
        self.0.activity.begin(Upload::Done);
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a stream ended by a fault of the host; its request is lost");
        }
        let mut state = self.streams.state();
        state.open.remove(&self.key);
        if state.open.is_empty() {
            self.streams.activity.finish();
        }
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.state().open.values().for_each(|open| open.abort.abort());
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use hyper::rt::Executor as _;

    use super::*;
    use crate::connection::Phase;

    const LIMITS: Limits = Limits { header: Duration::from_secs(10), idle: Duration::from_secs(60) };

    fn phase(streams: &Streams) -> Phase {
        streams.activity.look().phase
    }

    async fn all_ended(streams: &Streams) {
        while !streams.state().open.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_connection_is_idle_when_no_stream_is_under_way() {
        let streams = Streams::new(Arc::default());
        streams.begin();
        Executor::new(Arc::clone(&streams)).execute(async {});
        assert_eq!(phase(&streams), Phase::Handling);
        all_ended(&streams).await;
        assert_eq!((phase(&streams), streams.activity.look().requests), (Phase::Idle, 1));
    }

    #[tokio::test]
    async fn a_stream_that_stalls_ends_and_others_do_not() {
        let streams = Streams::new(Arc::default());
        let executor = Executor::new(Arc::clone(&streams));
        let stalls = streams.begin();
        let _stalled = stalls.respond();
        executor.execute(pending());
        let moves = streams.begin();
        let _moving = moves.respond();
        executor.execute(pending());
        // A service that works is left to its deadline.
        streams.begin().begin(Upload::Done);
        executor.execute(pending());
        let start = Instant::now();
        for second in 0..70 {
            moves.moved();
            streams.look(start + Duration::from_secs(second), LIMITS);
        }
        while streams.state().open.len() > 2 {
            tokio::task::yield_now().await;
        }
        let left: Vec<_> = streams.state().open.values().map(|open| open.activity.look().phase).collect();
        assert!(left.contains(&Phase::Handling) && left.contains(&Phase::Responding), "{left:?}");
        drop(streams.cut_on_drop());
        all_ended(&streams).await;
    }
}
