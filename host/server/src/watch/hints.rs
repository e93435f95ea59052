//! Notifications of the file system, as facts. They may be late, doubled or missing: the scan makes up for it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode},
};
use switchyard_core::settle::Fact;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// How many notifications may wait; those beyond are dropped, and a scan is asked for instead.
const WAITING_MAX: usize = 4096;

/// The shortest time between two looks at them: who writes in a loop makes millions, and each look costs the same
/// whether it is at one or at thousands.
const PAUSE: Duration = Duration::from_millis(10);

/// What a notification says: about a file, or (none) that a scan is due.
pub(super) type Hint = (Option<String>, Fact);

/// The stream of notifications about one folder, empty where there are none.
#[derive(Debug)]
pub(super) struct Hints {
    dir: PathBuf,
    /// Dropping it ends the notifications.
    watcher: Option<RecommendedWatcher>,
    events: mpsc::Receiver<notify::Result<Event>>,
    /// When to look again.
    not_before: Instant,
}

// === impl Hints ===

impl Hints {
    /// Listens from now on; when that is not possible, the scan alone has to do.
    pub(super) fn start(dir: &Path) -> Self {
        let (sender, events) = mpsc::channel(WAITING_MAX);
        let watcher = notify::recommended_watcher(move |event| {
            // Full: the files it is about are found by the next scan.
            let _ = sender.try_send(event);
        });
        let started = watcher.and_then(|mut watcher| {
            watcher.watch(dir, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = started
            .inspect_err(|error| tracing::debug!(dir = %dir.display(), %error, "no notifications here; scanning only"))
            .ok();
        Self { dir: dir.to_owned(), watcher, events, not_before: Instant::now() }
    }

    /// Whether the folder is being listened to.
    pub(super) fn is_watching(&self) -> bool {
        self.watcher.is_some()
    }

    /// What all notifications say that have come, in order. Never returns where there are none.
    pub(super) async fn recv(&mut self) -> Vec<Hint> {
        sleep_until(self.not_before).await;
        let mut events = Vec::new();
        if self.events.recv_many(&mut events, WAITING_MAX).await == 0 {
            std::future::pending::<()>().await;
        }
        self.not_before = Instant::now() + PAUSE;
        let mut hints: Vec<Hint> = events.into_iter().flat_map(|event| self.read(event)).collect();
        // The same said again and again is one hint.
        hints.dedup();
        hints
    }

    fn read(&mut self, event: notify::Result<Event>) -> Vec<Hint> {
        match event {
            Ok(event) => {
                if event.paths.contains(&self.dir)
                    && matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
                {
                    self.watcher = None;
                }
                facts(&event)
            }
            Err(error) => {
                tracing::debug!(%error, "a notification failed; scanning");
                vec![(None, Fact::Absent)]
            }
        }
    }
}

fn facts(event: &Event) -> Vec<Hint> {
    let scan = vec![(None, Fact::Absent)];
    if event.need_rescan() {
        return scan;
    }
    let each =
        |fact: Fact| event.paths.iter().map(|path| (name(path), fact)).filter(|(name, _)| name.is_some()).collect();
    match event.kind {
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => scan,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => each(Fact::Written),
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => each(Fact::Closed),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => each(Fact::Removed),
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => each(Fact::RenamedIn),
        // Told as From and To as well.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => Vec::new(),
        EventKind::Modify(ModifyKind::Name(_)) => scan,
        _ => Vec::new(),
    }
}

fn name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: EventKind, expected: &[(Option<&str>, Fact)]) {
        let event = Event::new(kind).add_path("plugins/a.wasm".into());
        let expected: Vec<Hint> = expected.iter().map(|(name, fact)| (name.map(str::to_owned), *fact)).collect();
        assert_eq!(facts(&event), expected);
    }

    #[test]
    fn notifications_say_how_whole_a_file_is() {
        check(EventKind::Create(CreateKind::File), &[(Some("a.wasm"), Fact::Written)]);
        check(EventKind::Access(AccessKind::Close(AccessMode::Write)), &[(Some("a.wasm"), Fact::Closed)]);
        check(EventKind::Access(AccessKind::Open(AccessMode::Any)), &[]);
        check(EventKind::Modify(ModifyKind::Name(RenameMode::To)), &[(Some("a.wasm"), Fact::RenamedIn)]);
        check(EventKind::Modify(ModifyKind::Name(RenameMode::From)), &[(Some("a.wasm"), Fact::Removed)]);
        check(EventKind::Modify(ModifyKind::Name(RenameMode::Any)), &[(None, Fact::Absent)]);
    }
}
