//! Tells which projects were saved.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind, event::AccessMode};
use tokio::{sync::mpsc, time::timeout_at};

use super::folders::{Folders, Source};

/// How long the sources must be quiet before a build: editors and version control write several files.
const QUIET: Duration = Duration::from_millis(150);

/// How many notifications may wait; what is lost while a build runs is made up by building everything.
const WAITING_MAX: usize = 4096;

/// The sources of some projects, being followed.
pub(super) struct Sources {
    folders: Folders,
    /// Dropping it ends the notifications.
    _watcher: RecommendedWatcher,
    events: mpsc::Receiver<notify::Result<Event>>,
}

/// What was saved.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// Files of the projects in these folders.
    Projects(BTreeSet<PathBuf>),
    /// It may be any.
    Anything,
}

/// What is due to be told, and since when nothing was added to it.
struct Due {
    changed: Changed,
    since: Instant,
}

// === impl Sources ===

impl Sources {
    /// Follows every project of these folders from now on.
    ///
    /// # Errors
    /// When a folder cannot be watched.
    pub(super) fn follow(folders: Folders) -> anyhow::Result<Self> {
        let (sender, events) = mpsc::channel(WAITING_MAX);
        let watcher = notify::recommended_watcher(move |event| {
            // Full: a build is due anyway.
            let _ = sender.try_send(event);
        });
        let mut watcher = watcher.context("cannot watch for saved files")?;
        for root in folders.roots() {
            watcher.watch(root, RecursiveMode::Recursive).context("cannot watch for saved files")?;
        }
        Ok(Self { folders, _watcher: watcher, events })
    }

    /// What was saved since the last time, once it is quiet. None when nothing will ever come.
    pub(super) async fn changed(&mut self) -> Option<Changed> {
        let mut due: Option<Due> = None;
        loop {
            let event = match &due {
                None => self.events.recv().await?,
                // What is no source, as what a busy host writes, does not put off the end of the quiet time.
                Some(Due { since, .. }) => match timeout_at((*since + QUIET).into(), self.events.recv()).await {
                    Ok(Some(event)) => event,
                    Ok(None) | Err(_) => return due.map(|due| due.changed),
                },
            };
            match event {
                Ok(event) if event.need_rescan() => Due::add(&mut due, None),
                Ok(event) if is_change(event.kind) => {
                    for path in &event.paths {
                        match self.folders.source(path) {
                            Source::Of(folder) => Due::add(&mut due, Some(folder)),
                            Source::OfAny => Due::add(&mut due, None),
                            Source::None => {}
                        }
                    }
                }
                Ok(_) => {}
                Err(_) => Due::add(&mut due, None),
            }
        }
    }
}

// === impl Due ===

impl Due {
    /// One more project, or any.
    fn add(due: &mut Option<Self>, folder: Option<PathBuf>) {
        let so_far = due.take().map_or_else(|| Changed::Projects(BTreeSet::new()), |due| due.changed);
        let changed = match (so_far, folder) {
            (Changed::Projects(mut folders), Some(folder)) => {
                folders.insert(folder);
                Changed::Projects(folders)
            }
            _ => Changed::Anything,
        };
        *due = Some(Self { changed, since: Instant::now() });
    }
}

fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
