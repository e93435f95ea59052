//! What others see of the reloader.

use std::sync::Arc;

use tokio::sync::watch;

use super::PluginView;

/// What others may see of the reloader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// Whether the first scan and its loads are done.
    pub(crate) is_ready: bool,
    /// The plugins by name.
    pub(crate) plugins: Arc<Vec<PluginView>>,
    /// The versions of what operators have asked for that are live.
    pub(crate) live: Live,
}

/// Which of what operators have asked for is live.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Live {
    pub(crate) upstreams: u64,
    pub(crate) routes: u64,
}

/// A view on the plugins; clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    shown: watch::Receiver<Shown>,
}

// === impl Handle ===

impl Handle {
    /// Shows what is sent.
    pub(super) fn new(shown: watch::Receiver<Shown>) -> Self {
        Self { shown }
    }

    /// What is shown now.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// Shows nothing, ever.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self { shown: watch::channel(Shown::default()).1 }
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
