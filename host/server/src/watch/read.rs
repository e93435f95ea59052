//! Reads one file whole, for its digest, and once more for a copy of what had that digest.
//!
//! Files in a watched folder are hostile until shown otherwise: links are not followed, pipes do not block, and what
//! is longer than allowed is not read to its end.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use switchyard_core::{
    folder::{self, Item},
    name::Digest,
    settle::{Content, Look},
};
use tokio::sync::Semaphore;

use super::scan::fingerprint;

const CHUNK: usize = 128 << 10;
const CHUNK_MIN: usize = 4 << 10;

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
    digest(&mut open(path)?, &text(path), size_max, &mut io::sink())
}

/// Copies a file of a watched folder, if there is still a regular file that has this digest. What it has become since it
/// settled is as hostile as what it was: a link to an endless device, a pipe that nobody writes into.
///
/// # Errors
/// When it is gone, cannot be read or is longer than `size_max`, or writing fails. `to` may then hold a part of it, as it
/// may when the answer is no.
pub(crate) fn copy_settled(from: &Path, size_max: u64, settled: Digest, to: &mut impl Write) -> io::Result<bool> {
    let mut file = match open(from) {
        // A link by now.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Ok(false),
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let (_, digest) = digest(&mut file, &text(from), size_max, to)?;
    Ok(digest == settled)
}

fn text(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
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
            return Err(too_long(&text(path), size_max));
        }
        let (len, digest) = digest(&mut file, &text(path), size_max, &mut io::sink())?;
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

fn digest(file: &mut fs::File, name: &str, size_max: u64, to: &mut impl Write) -> io::Result<(u64, Digest)> {
    // Most of thousands of files are small; one that is now may grow meanwhile.
    let chunk = usize::try_from(file.metadata()?.len()).map_or(CHUNK, |len| len.clamp(CHUNK_MIN, CHUNK));
    let (mut hasher, mut len, mut chunk) = (Sha256::new(), 0_u64, vec![0; chunk]);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok((len, Digest::from_bytes(hasher.finalize().into())));
        }
        len += read as u64;
        if len > size_max {
            return Err(too_long(name, size_max));
        }
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
    }
}

fn too_long(name: &str, size_max: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, folder::too_long(name, size_max))
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

    #[test]
    fn only_what_settled_is_copied() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.wasm");
        let copied = |settled: &str, size_max| {
            let mut copy = Vec::new();
            copy_settled(&path, size_max, Digest::of(settled.as_bytes()), &mut copy).map(|same| (same, copy))
        };
        assert_eq!(copied("one", 3).expect_err("it is not there").kind(), io::ErrorKind::NotFound);
        fs::write(&path, "one").expect("written");
        assert_eq!(copied("one", 3).expect("copied"), (true, b"one".to_vec()));
        assert!(!copied("two", 3).expect("read").0);
        assert_eq!(copied("one", 2).expect_err("it is too long").kind(), io::ErrorKind::FileTooLarge);
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        assert!(!copied("one", 3).expect("a link is not followed").0);
        fs::remove_file(&path).expect("removed");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
        assert!(made.success());
        assert!(!copied("", 3).expect("a pipe does not block").0);
    }
}
