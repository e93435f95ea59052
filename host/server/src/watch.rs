//! Watches one folder and tells what its files are once they have settled.
//!
//! Notifications are a hint that makes it quick; the scan every [`SCAN_PERIOD`] is what makes it right, also where
//! notifications are lost or never sent. Both feed one [`Settle`] machine for each file, and one task owns them all.
//!
//! **Invariants**: only the folder's own entries count, never those of sub-folders; a folder that cannot be listed
//! (an unmounted volume) says nothing about its files: none of them counts as removed; whoever fills the folder with
//! files takes no place from those that were there before.

mod hints;
mod read;
mod scan;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_core::{
    folder::Item,
    settle::{Decision, Fact, Settle},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use hints::Hints;

pub(crate) use read::{copy_settled, digest_of};

/// The time between two scans.
pub(crate) const SCAN_PERIOD: Duration = Duration::from_secs(2);

/// After this time the first scan counts as done although some file still changes.
const FIRST_SCAN_MAX: Duration = Duration::from_secs(5);

/// How many files are read at the same time.
const READS_MAX: usize = 8;

/// How many entries of a folder are followed. Further ones are not looked at before others are gone.
pub(crate) const FILES_MAX: usize = 10_000;

/// How many events may wait for the reader.
const EVENTS_MAX: usize = 4_096;

/// What to watch.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The folder.
    pub(crate) dir: PathBuf,
    /// Which of its entries matter.
    pub(crate) is_relevant: fn(&str) -> bool,
    /// The longest file of this name that is read, in bytes.
    pub(crate) size_max: fn(&str) -> u64,
    /// How many entries are followed at most.
    pub(crate) files_max: usize,
}

/// Something that has settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// An entry is new, has changed, or (none) is gone.
    Changed(String, Option<Item>),
    /// Everything that was there at the start has been told, but for this. Sent once more when a folder that could
    /// not be listed at the start has been.
    Ready(Unsettled),
}

/// What the watcher knows nothing about yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unsettled {
    /// These files are there and still change; each is told when it has settled, or is gone.
    Files(BTreeSet<String>),
    /// The folder cannot be listed.
    Folder,
}

/// Watches a folder until it is told to stop.
#[derive(Debug)]
pub(crate) struct Watch {
    options: Options,
    events: mpsc::Sender<Event>,
    files: BTreeMap<String, File>,
    jobs: JoinSet<Job>,
    reads: Arc<Semaphore>,
    /// Until when the first scan's files may take to settle; none once [`Event::Ready`] is out.
    first_scan_until: Option<Instant>,
    first_scan_done: bool,
    /// Whether the folder was ever listed.
    is_listed: bool,
    scanning: bool,
    dir_is_missing: bool,
    /// Whether there are more entries than are followed.
    is_full: bool,
}

#[derive(Debug, Default)]
struct File {
    settle: Settle,
    /// The name to open it by, when that is not the one it is known by.
    odd_name: Option<OsString>,
    /// Why the last read had no content.
    trouble: Option<Item>,
    told: Option<Item>,
    /// Whether somebody waits to be told, be it that it is gone.
    is_awaited: bool,
}

#[derive(Debug)]
enum Job {
    Scanned(io::Result<Vec<scan::Entry>>),
    Read(String, switchyard_core::settle::Ticket, read::Outcome),
}

// === impl Watch ===

impl Watch {
    /// Ready to [`run`](Self::run); the receiver gets what settles.
    pub(crate) fn new(options: Options) -> (Self, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let watch = Self {
            options,
            events,
            files: BTreeMap::new(),
            jobs: JoinSet::new(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            first_scan_until: Some(Instant::now() + FIRST_SCAN_MAX),
            first_scan_done: false,
            is_listed: false,
            scanning: false,
            dir_is_missing: false,
            is_full: false,
        };
        (watch, receiver)
    }

    /// Watches until `stop` is cancelled or nobody receives any more.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut hints = Hints::start(&self.options.dir);
        let mut scan = interval(SCAN_PERIOD);
        scan.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = self.deadline();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.events.closed() => return,
                _ = scan.tick() => self.scan(),
                facts = hints.recv() => for (file, fact) in facts {
                    match file {
                        Some(file) => self.record(&file, fact),
                        None => self.scan(),
                    }
                },
                Some(job) = self.jobs.join_next() => {
                    self.finish(job, &mut hints);
                    // All that have ended, since what follows looks at every file.
                    while let Some(job) = self.jobs.try_join_next() {
                        self.finish(job, &mut hints);
                    }
                }
                () = sleep_until(deadline.unwrap_or_else(far).into()), if deadline.is_some() => {}
            }
            self.pump().await;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.files.values().filter_map(|file| file.settle.deadline()).chain(self.first_scan_until).min()
    }

    fn record(&mut self, file: &str, fact: Fact) {
        let is_followed = self.files.contains_key(file) || self.files.len() < self.options.files_max;
        if is_followed && (self.options.is_relevant)(file) {
            self.files.entry(file.to_owned()).or_default().settle.record(Instant::now(), fact);
        }
    }

    fn scan(&mut self) {
        if !std::mem::replace(&mut self.scanning, true) {
            let options = self.options.clone();
            self.jobs.spawn_blocking(move || Job::Scanned(scan::scan(&options.dir, options.is_relevant)));
        }
    }

    fn finish(&mut self, job: Result<Job, tokio::task::JoinError>, hints: &mut Hints) {
        match job {
            Ok(Job::Scanned(found)) => {
                self.scanning = false;
                match found {
                    Ok(found) => self.on_scan(found, hints),
                    Err(error) => self.on_missing(&error),
                }
            }
            Ok(Job::Read(file, ticket, outcome)) => {
                if let Some(entry) = self.files.get_mut(&file) {
                    entry.trouble = outcome.trouble;
                    entry.settle.record(Instant::now(), Fact::Looked(ticket, outcome.look));
                }
            }
            // Nothing that runs there panics on a file's account; a scan that did is repeated.
            Err(error) => {
                self.scanning = false;
                tracing::error!(%error, "reading the folder failed");
            }
        }
    }

    fn on_scan(&mut self, mut found: Vec<scan::Entry>, hints: &mut Hints) {
        if std::mem::take(&mut self.dir_is_missing) || !hints.is_watching() {
            *hints = Hints::start(&self.options.dir);
        }
        let present: BTreeSet<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
        let absent: Vec<String> = self.files.keys().filter(|name| !present.contains(name.as_str())).cloned().collect();
        for name in absent {
            self.record(&name, Fact::Absent);
        }
        self.leave_out(&mut found);
        for entry in found {
            self.record(&entry.name, Fact::Seen(entry.fingerprint));
            if let Some(file) = self.files.get_mut(&entry.name) {
                file.odd_name = entry.odd_name;
            }
        }
        self.first_scan_done = true;
        if !std::mem::replace(&mut self.is_listed, true) && self.first_scan_until.is_none() {
            self.first_scan_until = Some(Instant::now() + FIRST_SCAN_MAX);
        }
    }

    /// Leaves out entries that are too many: the newest, and none that is followed already.
    fn leave_out(&mut self, found: &mut Vec<scan::Entry>) {
        let (count, max, was_full) = (found.len(), self.options.files_max, self.is_full);
        self.is_full = count > max;
        if self.is_full {
            found.sort_by_key(|entry| (!self.files.contains_key(&entry.name), entry.fingerprint.changed_ns));
            found.truncate(max);
            if !was_full {
                let dir = self.options.dir.display();
                tracing::error!(%dir, count, max, "too many files; the newest are left out until others are removed");
            }
        }
    }

    fn on_missing(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.dir_is_missing, true) {
            let dir = self.options.dir.display();
            tracing::error!(%dir, %error, "the folder cannot be listed; what it held before stays in place");
        }
        self.first_scan_done = true;
    }

    /// What is under way when the first scan counts as done; from now on it is waited for.
    fn unsettled(&mut self) -> Unsettled {
        if !self.is_listed {
            return Unsettled::Folder;
        }
        let under_way = self.files.iter_mut().filter(|(_, file)| !file.settle.is_idle() && file.told.is_none());
        Unsettled::Files(
            under_way
                .map(|(name, file)| {
                    file.is_awaited = true;
                    name.clone()
                })
                .collect(),
        )
    }

    /// Lets every machine say what it wants, and tells what has settled.
    async fn pump(&mut self) {
        let now = Instant::now();
        let mut news = Vec::new();
        for (name, file) in &mut self.files {
            loop {
                match file.settle.poll(now) {
                    Decision::Wait => break,
                    Decision::Read(ticket) => {
                        let path = self.options.dir.join(file.odd_name.as_deref().unwrap_or(name.as_ref()));
                        let size_max = (self.options.size_max)(name);
                        let (name, reads) = (name.clone(), Arc::clone(&self.reads));
                        self.jobs
                            .spawn(async move { Job::Read(name, ticket, read::read(path, size_max, reads).await) });
                    }
                    Decision::Settled(content) => file.tell(name, Some(Item::File(content.digest)), &mut news),
                    Decision::Unreadable => file.tell(name, file.trouble.clone(), &mut news),
                    Decision::Gone => file.tell(name, None, &mut news),
                }
            }
        }
        self.files.retain(|_, file| !file.settle.is_done());
        if let Some(until) = self.first_scan_until
            && (now >= until || (self.first_scan_done && self.files.values().all(|file| file.settle.is_idle())))
        {
            self.first_scan_until = None;
            news.push(Event::Ready(self.unsettled()));
        }
        for event in news {
            // Nobody receives: the loop ends by itself.
            let _ = self.events.send(event).await;
        }
    }
}

impl Unsettled {
    /// Whether this file may be there.
    pub(crate) fn covers(&self, file: &str) -> bool {
        match self {
            Self::Files(files) => files.contains(file),
            Self::Folder => true,
        }
    }

    /// The file has been told.
    pub(crate) fn settled(&mut self, file: &str) {
        if let Self::Files(files) = self {
            files.remove(file);
        }
    }
}

impl File {
    fn tell(&mut self, name: &str, item: Option<Item>, news: &mut Vec<Event>) {
        if std::mem::take(&mut self.is_awaited) || self.told != item {
            self.told.clone_from(&item);
            news.push(Event::Changed(name.to_owned(), item));
        }
    }
}

/// An instant that never comes while it matters: `sleep_until` is built even when its branch is off.
fn far() -> Instant {
    Instant::now() + SCAN_PERIOD
}

#[cfg(test)]
mod tests;
