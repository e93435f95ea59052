//! Tells which crates were saved.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind, event::AccessMode};
use tokio::sync::mpsc;

/// How long the sources must be quiet before a build: editors and version control write several files.
const QUIET: Duration = Duration::from_millis(150);

/// How many notifications may wait; what is lost while a build runs is made up by building everything.
const WAITING_MAX: usize = 4096;

/// The sources under the plugins folder, being followed.
pub(super) struct Sources {
    plugins: PathBuf,
    /// Dropping it ends the notifications.
    _watcher: RecommendedWatcher,
    events: mpsc::Receiver<notify::Result<Event>>,
}

// === impl Sources ===

impl Sources {
    /// Follows every crate under this folder, a canonical path, from now on.
    ///
    /// # Errors
    /// When the folder cannot be watched.
    pub(super) fn follow(plugins: &Path) -> anyhow::Result<Self> {
        let (sender, events) = mpsc::channel(WAITING_MAX);
        let watcher = notify::recommended_watcher(move |event| {
            // Full: a build is due anyway.
            let _ = sender.try_send(event);
        });
        let mut watcher = watcher.context("cannot watch for saved files")?;
        watcher.watch(plugins, RecursiveMode::Recursive).context("cannot watch for saved files")?;
        Ok(Self { plugins: plugins.to_owned(), _watcher: watcher, events })
    }

    /// The folders of the crates that were saved since the last time, once they are quiet; an inner none means that
    /// any may have been. None when nothing will ever come.
    pub(super) async fn changed(&mut self) -> Option<Option<BTreeSet<PathBuf>>> {
        let (mut folders, mut any) = (BTreeSet::new(), false);
        loop {
            let event = if folders.is_empty() && !any {
                Some(self.events.recv().await?)
            } else {
                tokio::time::timeout(QUIET, self.events.recv()).await.ok().flatten()
            };
            match event {
                Some(Ok(event)) if event.need_rescan() => any = true,
                Some(Ok(event)) if is_change(event.kind) => self.note(&event.paths, &mut folders, &mut any),
                Some(Ok(_)) => {}
                Some(Err(_)) => any = true,
                None => return Some((!any).then_some(folders)),
            }
        }
    }

    fn note(&self, paths: &[PathBuf], folders: &mut BTreeSet<PathBuf>, any: &mut bool) {
        for path in paths.iter().filter(|path| super::is_source(path, &self.plugins)) {
            let inside = path.strip_prefix(&self.plugins).ok().and_then(|inside| inside.iter().next());
            match inside.filter(|_| path.parent() != Some(&self.plugins)) {
                Some(folder) => _ = folders.insert(self.plugins.join(folder)),
                None => *any = true,
            }
        }
    }
}

fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
