//! The store's threads: started together, ended together.
//!
//! A thread that panics takes the store with it: a commit nobody works on would wait for ever.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use super::{
    Options, Shared,
    checkpoint::{self, LogLimits, Signals, WriterSide},
    folder::{Folder, open_error},
    queue::Queue,
    readers::Readers,
    schema::{self, Rig, Role},
    start,
    state::State,
    writer::{Waiting, Writer},
};
use crate::StoreError;

/// The running threads and the folder that they work on. Dropping it ends them, which blocks.
#[derive(Debug)]
pub(super) struct Threads {
    handles: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    commits: Arc<Queue<Waiting>>,
    readers: Readers,
    signals: Arc<Signals>,
    rig: Rig,
    /// Let go after the threads have ended.
    folder: Folder,
}

/// Ends the store when the thread that holds it panics.
struct Alarm {
    shared: Arc<Shared>,
    commits: Arc<Queue<Waiting>>,
    readers: Readers,
}

// === impl Threads ===

impl Threads {
    pub(super) fn start(
        options: &Options,
        shared: Arc<Shared>,
        commits: Arc<Queue<Waiting>>,
        readers: Readers,
    ) -> Result<Self, StoreError> {
        let folder = Folder::open(&options.folder)?;
        let signals = Arc::new(Signals::default());
        let rig = options.rig.clone();
        let mut threads = Self { handles: Vec::new(), shared, commits, readers, signals, rig, folder };
        threads.start_writer(options)?;
        for _ in 0..options.readers.max(1) {
            threads.start_reader()?;
        }
        threads.start_checkpointer()?;
        threads.folder.sync()?;
        Ok(threads)
    }

    /// Takes no more work; what waits is still done.
    pub(super) fn stop(&self) {
        self.commits.close();
        self.readers.close();
        self.signals.stop();
    }

    fn start_writer(&mut self, options: &Options) -> Result<(), StoreError> {
        let failed = |error| open_error(self.folder.path(), error);
        let mut conn = schema::connect(&self.folder.database(), Role::Writer, &self.rig).map_err(failed)?;
        schema::migrate(&mut conn, &self.folder)?;
        schema::limit_file(&conn, options.file_bytes_max).map_err(failed)?;
        checkpoint::measure(&mut conn, self.shared.log_bytes.clone()).map_err(failed)?;
        start::clean(&mut conn).map_err(failed)?;
        let state = State::load(&conn).map_err(failed)?;
        let limits = LogLimits { checkpoint_bytes: options.checkpoint_bytes, log_bytes_max: options.log_bytes_max };
        let log = WriterSide::new(limits, self.signals.clone());
        let writer = Writer::new(conn, state, log, self.shared.clone(), self.rig.clone());
        let commits = self.commits.clone();
        self.spawn("store-writer", move || writer.run(&commits))
    }

    fn start_reader(&mut self) -> Result<(), StoreError> {
        let conn = self.connect(Role::Reader)?;
        let readers = self.readers.clone();
        self.spawn("store-reader", move || readers.run(&conn))
    }

    fn start_checkpointer(&mut self) -> Result<(), StoreError> {
        let conn = self.connect(Role::Checkpointer)?;
        let (signals, shared) = (self.signals.clone(), self.shared.clone());
        self.spawn("store-checkpt", move || checkpoint::run(&conn, &signals, &shared))
    }

    fn connect(&self, role: Role) -> Result<rusqlite::Connection, StoreError> {
        schema::connect(&self.folder.database(), role, &self.rig).map_err(|error| open_error(self.folder.path(), error))
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let alarm = Alarm { shared: self.shared.clone(), commits: self.commits.clone(), readers: self.readers.clone() };
        let work = move || {
            let _alarm = alarm;
            work();
        };
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
        self.handles.push(spawned.map_err(|error| open_error(self.folder.path(), error))?);
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop();
        for handle in self.handles.drain(..) {
            // The alarm has reported a panic already.
            let _ = handle.join();
        }
    }
}

// === impl Alarm ===

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            let name = thread::current().name().unwrap_or("store").to_owned();
            self.shared.failure.fail(&format!("thread {name} panicked"));
            // Dropping what waits answers it.
            self.commits.close();
            self.readers.abandon();
            while self.commits.take().is_some() {}
        }
    }
}
