//! All open connections, and the watch over their time limits.
//!
//! A timer for each request would cost more than the rest of the gateway. So connections only note what they do
//! ([`Activity`]), and the task that accepts them compares those notes with the ones before, ten times within the
//! shortest limit but at most once a second. A limit is therefore met up to one such tick late.

mod streams;
mod watch;

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpStream,
    sync::oneshot,
    task::{AbortHandle, Id, JoinError, JoinSet},
};

pub(crate) use self::streams::{Executor, Streams};
use self::watch::{Limits, Verdict, Watch};
use crate::{
    connection::{self, Activity, Close, Connection},
    handle::Shared,
};

/// The connections of one gateway.
pub(crate) struct Connections {
    shared: Arc<Shared>,
    limits: Limits,
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
    /// Whether the limit was reached and said so, until there is room again.
    full: bool,
}

/// One connection, as it is seen from outside its task.
struct Open {
    activity: Arc<Activity>,
    /// None of them on a connection of HTTP/1.
    streams: Arc<Streams>,
    /// Used up by the first word.
    close: Option<oneshot::Sender<Close>>,
    abort: AbortHandle,
    watch: Watch,
}

impl Connections {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let limits = Limits { header: shared.options.header_timeout, idle: shared.options.idle_timeout };
        Self { shared, limits, tasks: JoinSet::new(), open: HashMap::new(), full: false }
    }

    /// How often [`Connections::look`] wants to be called.
    pub(crate) fn tick(&self) -> Duration {
        let shortest = self.limits.header.min(self.limits.idle);
        (shortest / 10).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Serves a connection on a task of its own.
    pub(crate) fn open(&mut self, stream: TcpStream, peer: SocketAddr) {
        let activity = Arc::new(Activity::default());
        let (sender, receiver) = oneshot::channel();
        let connection = Connection::new(Arc::clone(&self.shared), Arc::clone(&activity), peer);
        let streams = Streams::new(Arc::clone(&activity));
        let abort = self.tasks.spawn(connection::run(stream, connection, Arc::clone(&streams), receiver));
        let watch = Watch::default();
        self.open.insert(abort.id(), Open { activity, streams, close: Some(sender), abort, watch });
        self.shared.counts.connections(self.len(), true);
        let max = self.shared.options.connections_max;
        if self.len() >= max && !self.full {
            self.full = true;
            tracing::warn!(connections = max, "no more connections are taken until one ends");
        }
    }

    /// Waits for one connection to end. Pending for ever when there is none.
    pub(crate) async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(result) => self.forget(result),
            None => std::future::pending().await,
        }
    }

    /// Waits for all connections to end.
    pub(crate) async fn all_ended(&mut self) {
        while let Some(result) = self.tasks.join_next_with_id().await {
            self.forget(result);
        }
    }

    /// Closes what is over its time.
    pub(crate) fn look(&mut self, now: std::time::Instant) {
        for open in self.open.values_mut() {
            match open.watch.observe(now, open.activity.look(), self.limits) {
                Verdict::Keep => {}
                Verdict::Tell(word) => open.tell(word),
                Verdict::Cut => open.abort.abort(),
            }
            open.streams.look(now, self.limits);
        }
    }

    /// Tells all connections to finish.
    pub(crate) fn close(&mut self) {
        self.open.values_mut().for_each(|open| open.tell(Close::WhenIdle));
    }

    /// Ends all connections where they are.
    pub(crate) async fn cut(&mut self) {
        self.tasks.shutdown().await;
        self.open.clear();
    }

    fn forget(&mut self, result: Result<(Id, ()), JoinError>) {
        self.shared.counts.connections(self.len(), false);
        let id = match result {
            Ok((id, ())) => id,
            Err(error) => {
                if error.is_panic() {
                    tracing::error!(%error, "a connection ended by a fault of the host; its requests are lost");
                }
                error.id()
            }
        };
        self.open.remove(&id);
        self.full = false;
    }
}

impl Open {
    fn tell(&mut self, word: Close) {
        if let Some(close) = self.close.take() {
            // An error means that the connection has just ended by itself.
            let _ = close.send(word);
        }
    }
}
