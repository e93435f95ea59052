//! Reads one file whole, for its digest.
//!
//! Files in a watched folder are hostile until shown otherwise: links are not followed, pipes do not block, and what
//! is longer than allowed is not read to its end.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use switchyard_core::{
    folder::Item,
    name::Digest,
    settle::{Content, Look},
    units::ByteSize,
};
use tokio::sync::Semaphore;

use super::scan::fingerprint;

const CHUNK: usize = 128 << 10;

/// What a read found, and why there is no content.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) look: Look,
    pub(super) trouble: Option<Item>,
}

/// Reads a file when its turn comes.
pub(super) async fn read(path: PathBuf, size_max: u64, turns: Arc<Semaphore>) -> Outcome {
    // The semaphore is never closed; without a permit reading is still right, only less polite.
    let _turn = turns.acquire().await.ok();
    tokio::task::spawn_blocking(move || outcome(&path, size_max))
        .await
        .unwrap_or_else(|error| Outcome::unreadable(Item::Unreadable(error.to_string())))
}

/// The size and digest of what is in a regular file.
///
/// # Errors
/// When it cannot be read, or is longer than `size_max`.
pub(crate) fn digest_of(path: &Path, size_max: u64) -> io::Result<(u64, Digest)> {
    digest(&mut open(path)?, size_max)
}

fn outcome(path: &Path, size_max: u64) -> Outcome {
    let look = || -> io::Result<Result<Content, Item>> {
        if let Some(item) = odd(&fs::symlink_metadata(path)?.file_type()) {
            return Ok(Err(item));
        }
        let mut file = open(path)?;
        let metadata = file.metadata()?;
        if let Some(item) = odd(&metadata.file_type()) {
            return Ok(Err(item));
        }
        // Judged before it is read: a scan looks at it again every time.
        if metadata.len() > size_max {
            return Err(too_long(size_max));
        }
        let (len, digest) = digest(&mut file, size_max)?;
        Ok(Ok(Content { len, digest, fingerprint: fingerprint(&metadata) }))
    };
    match look() {
        Ok(Ok(content)) => Outcome { look: Look::Content(content), trouble: None },
        Ok(Err(item)) => Outcome::unreadable(item),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome { look: Look::Missing, trouble: None },
        Err(error) => Outcome::unreadable(Item::Unreadable(error.to_string())),
    }
}

fn odd(kind: &fs::FileType) -> Option<Item> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some(Item::Directory),
        kind if kind.is_symlink() => Some(Item::Symlink),
        _ => Some(Item::Special),
    }
}

fn open(path: &Path) -> io::Result<fs::File> {
    // Between the look at its kind and this, the name may come to stand for a link or a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn digest(file: &mut fs::File, size_max: u64) -> io::Result<(u64, Digest)> {
    let (mut hasher, mut len, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok((len, Digest::from_bytes(hasher.finalize().into())));
        }
        len += read as u64;
        if len > size_max {
            return Err(too_long(size_max));
        }
        hasher.update(&chunk[..read]);
    }
}

/// The text says nothing of the file's own length, so that a file that goes on growing is told once.
fn too_long(size_max: u64) -> io::Error {
    let message = format!("it is longer than {}; build it with --release and strip it", ByteSize(size_max));
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

// === impl Outcome ===

impl Outcome {
    fn unreadable(item: Item) -> Self {
        Self { look: Look::Unreadable, trouble: Some(item) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_told_without_reading_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.wasm");
        // A sparse file of 1 TiB: reading it would take too long for anybody to wait.
        fs::File::create(&path).expect("made").set_len(1 << 40).expect("lengthened");
        match outcome(&path, (1 << 40) - 1).trouble {
            Some(Item::Unreadable(error)) => assert!(error.contains("--release"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
