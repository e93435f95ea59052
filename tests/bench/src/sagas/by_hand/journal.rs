//! The journal of sagas by hand: a file whose fsync comes before the answer.
//!
//! Its blocks are written once before, so that an fsync has no metadata to write; it begins anew when it is full, as
//! one whose sagas have ended may.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::oneshot;

/// Bytes of the file.
const FILE_BYTES: usize = 64 << 20;

/// Who shares an fsync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    /// Nobody: each entry has its own.
    Each,
    /// All entries that came while the last one ran.
    Group,
}

/// A handle of the one thread that writes.
#[derive(Clone)]
pub(super) struct Journal(Sender<Entry>);

struct Entry {
    text: String,
    durable: oneshot::Sender<Result<(), String>>,
}

struct Writer {
    file: File,
    place: usize,
}

// === impl Sync ===

impl Sync {
    /// Its name in the arguments of this program.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Group => "group",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let found = [Self::Each, Self::Group].into_iter().find(|sync| sync.as_str() == text);
        found.with_context(|| format!("'{text}' is neither each nor group"))
    }
}

// === impl Journal ===

impl Journal {
    /// Makes the file.
    pub(super) fn open(path: &Path, sync: Sync) -> Result<Self> {
        let file = File::create_new(path)?;
        file.write_all_at(&vec![0; FILE_BYTES], 0)?;
        file.sync_all()?;
        let (entries, waiting) = mpsc::channel();
        thread::spawn(move || Writer { file, place: 0 }.run(&waiting, sync));
        Ok(Self(entries))
    }

    /// Writes a line, and waits until it is durable.
    pub(super) async fn write(&self, text: String) -> Result<()> {
        let (durable, wait) = oneshot::channel();
        self.0.send(Entry { text, durable }).map_err(|_| anyhow!("the journal has ended"))?;
        match wait.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => bail!("the journal cannot be written: {error}"),
            Err(_) => bail!("the journal has ended"),
        }
    }
}

// === impl Writer ===

impl Writer {
    fn run(mut self, waiting: &Receiver<Entry>, sync: Sync) {
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            if sync == Sync::Group {
                group.extend(waiting.try_iter());
            }
            let written = self.write(&group).map_err(|error| error.to_string());
            for entry in group {
                // Who does not wait any more need not know.
                let _ = entry.durable.send(written.clone());
            }
        }
    }

    fn write(&mut self, group: &[Entry]) -> Result<()> {
        let mut bytes = Vec::new();
        for entry in group {
            bytes.extend_from_slice(entry.text.as_bytes());
            bytes.push(b'\n');
        }
        if self.place + bytes.len() > FILE_BYTES {
            self.place = 0;
        }
        self.file.write_all_at(&bytes, self.place as u64)?;
        self.place += bytes.len();
        Ok(self.file.sync_data()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn entries_stand_in_the_file_once_they_are_answered() {
        for sync in [Sync::Each, Sync::Group] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("journal");
            let journal = Journal::open(&path, sync).expect("a journal");
            for text in ["one", "two"] {
                journal.write(text.to_owned()).await.expect("written");
            }
            assert!(std::fs::read(&path).expect("read").starts_with(b"one\ntwo\n\0"), "{sync:?}");
        }
    }
}
