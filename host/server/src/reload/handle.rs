//! What others see of the reloader.

use std::{io, sync::Arc};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    PluginView,
    artifacts::{Artifacts, Incoming},
    change::{Change, Command, Refusal, Reply},
    good::Memory,
};

/// What others may see of the reloader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// Whether the first scan and its loads are done.
    pub(crate) is_ready: bool,
    /// The plugins by name.
    pub(crate) plugins: Arc<Vec<PluginView>>,
    /// What is kept of each stem, the latest first.
    pub(crate) artifacts: Memory,
    /// The versions of what operators have asked for that are live.
    pub(crate) live: Live,
}

/// Which of what operators have asked for is live.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Live {
    pub(crate) upstreams: u64,
    pub(crate) routes: u64,
    pub(crate) traffic: u64,
}

/// A view on the plugins, and a way to change them; clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    shown: watch::Receiver<Shown>,
    commands: mpsc::Sender<Command>,
    artifacts: Artifacts,
}

// === impl Handle ===

impl Handle {
    /// Shows what is sent, and has done what is asked for.
    pub(super) fn new(shown: watch::Receiver<Shown>, commands: mpsc::Sender<Command>, artifacts: Artifacts) -> Self {
        Self { shown, commands, artifacts }
    }

    /// What is shown now.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// Shows nothing, and does nothing, ever.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self::new(watch::channel(Shown::default()).1, mpsc::channel(1).0, Artifacts::nowhere())
    }

    /// A place for a component that is about to be sent.
    ///
    /// # Errors
    /// When no file can be made.
    pub(crate) fn incoming(&self) -> io::Result<Incoming> {
        self.artifacts.incoming()
    }

    /// Has a stem changed, and waits until that is live, or refused. It goes on when nobody waits any more.
    ///
    /// # Errors
    /// With why it was refused.
    pub(crate) async fn change(&self, stem: String, change: Change) -> Reply {
        let (reply, answered) = oneshot::channel();
        let sent = self.commands.send(Command { stem, change, reply }).await;
        sent.map_err(|_| Refusal::Stopping)?;
        answered.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Waits until this holds of what is live, or nothing more is shown.
    pub(crate) async fn until(&self, is: impl Fn(&Live) -> bool) {
        let mut shown = self.shown.clone();
        // When the reloader has ended, the host is stopping.
        let _ = shown.wait_for(|shown| is(&shown.live)).await;
    }

    /// Waits until something else is shown; false when nothing ever will.
    pub(crate) async fn changed(&mut self) -> bool {
        self.shown.changed().await.is_ok()
    }
}
