//! A disk that forgets what was not synced.
//!
//! It notes what SQLite writes, truncates and syncs, and at random moments builds what a loss of power could leave:
//! everything that was synced, and of the rest some sectors and others not.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::ffi;

use super::ledger::Ledger;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

#[derive(Debug)]
pub(super) struct Disk {
    state: Mutex<State>,
    ledger: Arc<Ledger>,
}

/// What is left after the power was lost, and what had been acknowledged by then.
#[derive(Debug)]
pub(super) struct Image {
    /// By file name.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// For each producer, its last durable batch that was acknowledged.
    pub(super) acknowledged: Vec<u64>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<File>,
    random: Random,
    operations: u64,
    /// The operation before which the power is lost next; none when it never is.
    next_image_at: Option<u64>,
    images: Vec<Image>,
    fails: Option<Fails>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fails {
    /// Each sync reports an error.
    Sync,
    /// Each write finds no room.
    Full,
}

#[derive(Debug)]
struct File {
    name: String,
    /// What is sure to be there.
    synced: Vec<u8>,
    /// What came after, in order.
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

/// Xorshift: the same seed, the same crashes.
#[derive(Debug, Clone, Copy)]
struct Random(u64);

// === impl Disk ===

impl Disk {
    /// A disk whose power is lost at random moments, if `images` is set.
    pub(super) fn new(seed: u64, images: bool, ledger: Arc<Ledger>) -> Self {
        let mut state = State { random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), ..State::default() };
        if images {
            state.arm();
        }
        Self { state: Mutex::new(state), ledger }
    }

    pub(super) fn set_fails(&self, fails: Option<Fails>) {
        self.lock().fails = fails;
    }

    /// How many times anything was written, truncated or synced.
    pub(super) fn operations(&self) -> u64 {
        self.lock().operations
    }

    pub(super) fn take_images(&self) -> Vec<Image> {
        std::mem::take(&mut self.lock().images)
    }

    /// What a loss of power would leave now.
    pub(super) fn image(&self) -> Image {
        self.lock().image(&self.ledger)
    }

    /// The number of a file, known from now on.
    pub(super) fn open(&self, name: &str) -> usize {
        let mut state = self.lock();
        state.files.iter().position(|file| file.name == name).unwrap_or_else(|| {
            state.files.push(File { name: name.to_owned(), synced: Vec::new(), pending: Vec::new() });
            state.files.len() - 1
        })
    }

    /// A file is removed, with its name.
    pub(super) fn delete(&self, name: &str) {
        if let Some(file) = self.lock().files.iter_mut().find(|file| file.name == name) {
            file.synced.clear();
            file.pending.clear();
        }
    }

    /// Answers a code of SQLite.
    pub(super) fn write(&self, file: usize, offset: usize, bytes: &[u8]) -> i32 {
        let mut state = self.lock();
        if state.fails == Some(Fails::Full) {
            return ffi::SQLITE_FULL;
        }
        state.before_operation(&self.ledger);
        state.files[file].pending.push(Change::Write { offset, bytes: bytes.to_vec() });
        ffi::SQLITE_OK
    }

    pub(super) fn truncate(&self, file: usize, length: usize) -> i32 {
        let mut state = self.lock();
        state.before_operation(&self.ledger);
        state.files[file].pending.push(Change::Truncate { length });
        ffi::SQLITE_OK
    }

    pub(super) fn sync(&self, file: usize) -> i32 {
        let mut state = self.lock();
        state.before_operation(&self.ledger);
        if state.fails == Some(Fails::Sync) {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        let file = &mut state.files[file];
        for change in std::mem::take(&mut file.pending) {
            change.apply(&mut file.synced);
        }
        ffi::SQLITE_OK
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn before_operation(&mut self, ledger: &Ledger) {
        self.operations += 1;
        if self.next_image_at == Some(self.operations) {
            let image = self.image(ledger);
            self.images.push(image);
            self.arm();
        }
    }

    fn arm(&mut self) {
        self.next_image_at = Some(self.operations + 1 + self.random.below(60));
    }

    fn image(&mut self, ledger: &Ledger) -> Image {
        // Read first: what is acknowledged after this does not count.
        let acknowledged = ledger.acknowledged();
        // From nothing of what was not synced to all of it.
        let kept_of_8 = [0, 4, 7, 8][usize::try_from(self.random.below(4)).unwrap()];
        let Self { files, random, .. } = self;
        let files = files.iter().map(|file| (file.name.clone(), file.after_crash(random, kept_of_8))).collect();
        Image { files, acknowledged }
    }
}

// === impl File ===

impl File {
    /// What is left when of eight unsynced sectors so many were written.
    fn after_crash(&self, random: &mut Random, kept_of_8: u64) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in &self.pending {
            match change {
                Change::Truncate { .. } if random.below(8) < kept_of_8 => change.apply(&mut bytes),
                Change::Truncate { .. } => {}
                Change::Write { offset, bytes: written } => {
                    let mut at = 0;
                    while at < written.len() {
                        let end = (at + SECTOR - (offset + at) % SECTOR).min(written.len());
                        if random.below(8) < kept_of_8 {
                            write(&mut bytes, offset + at, &written[at..end]);
                        }
                        at = end;
                    }
                }
            }
        }
        bytes
    }
}

// === impl Change ===

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes: written } => write(bytes, *offset, written),
            Change::Truncate { length } => bytes.truncate(*length),
        }
    }
}

fn write(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}

// === impl Random ===

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

impl Default for Random {
    fn default() -> Self {
        Self(1)
    }
}
