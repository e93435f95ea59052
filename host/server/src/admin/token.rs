//! The token that callers of the admin API have to send: the first line of a file, which is followed.
//!
//! Only its SHA-256 is kept. A file that turns bad later changes nothing: the last good token goes on, so that a slip of the
//! editor shuts nobody out.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

/// The shortest token, in characters.
const LENGTH_MIN: usize = 16;

/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 64 << 10;

/// The time between two looks at the file.
pub(super) const PERIOD: Duration = Duration::from_secs(1);

/// A token that is in a file.
pub(super) struct Token {
    file: PathBuf,
    digest: Mutex<[u8; 32]>,
}

/// Why a file holds no token; the text names the file and what helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// It cannot be read.
    #[error(
        "the token of the admin API cannot be read from {}; make the file readable for the host, or name another one in \
         token-file under [admin]",
        .0.display()
    )]
    Unreadable(PathBuf, #[source] io::Error),
    /// Its first line is no token.
    #[error(
        "the first line of {} is no token for the admin API: it has {found} characters, and a token at least {LENGTH_MIN}, \
         without spaces; `openssl rand -hex 32 > {}` makes a good one",
        .file.display(), .file.display()
    )]
    Short { file: PathBuf, found: usize },
}

// === impl Token ===

impl Token {
    /// Reads the token of a file.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn open(file: &Path) -> Result<Self, TokenError> {
        Ok(Self { file: file.to_owned(), digest: Mutex::new(read(file)?) })
    }

    /// Whether this is the token. It takes as long whether it is or not.
    pub(super) fn is(&self, said: &[u8]) -> bool {
        let said: [u8; 32] = Sha256::digest(said).into();
        let differences = self.digest().iter().zip(said).fold(0, |differences, (own, said)| differences | (own ^ said));
        std::hint::black_box(differences) == 0
    }

    /// Reads the file again; returns whether there is another token in it.
    ///
    /// # Errors
    /// When it holds none; the last one goes on.
    pub(super) fn renew(&self) -> Result<bool, TokenError> {
        let newer = read(&self.file)?;
        let before = std::mem::replace(&mut *self.lock(), newer);
        Ok(newer != before)
    }

    fn digest(&self) -> [u8; 32] {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, [u8; 32]> {
        self.digest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digest of the token in a file.
fn read(file: &Path) -> Result<[u8; 32], TokenError> {
    let text = text(file).map_err(|error| TokenError::Unreadable(file.to_owned(), error))?;
    let token = text.lines().next().unwrap_or_default().trim();
    let length = token.chars().count();
    if length < LENGTH_MIN || token.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(TokenError::Short { file: file.to_owned(), found: length });
    }
    Ok(Sha256::digest(token.as_bytes()).into())
}

fn text(file: &Path) -> io::Result<String> {
    // A pipe that somebody put there must not block.
    let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(file)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("it is written");
        file
    }

    #[test]
    fn the_first_line_is_the_token() {
        let file = file("  0123456789abcdef \r\nanother line of it\n");
        let token = Token::open(file.path()).expect("a token");
        assert!(token.is(b"0123456789abcdef"));
        for wrong in [&b""[..], b"0123456789abcde", b"0123456789abcdef ", b"0123456789ABCDEF"] {
            assert!(!token.is(wrong));
        }
    }

    #[test]
    fn what_is_no_token_is_refused_with_a_remedy_and_never_shown() {
        for text in ["", "\n0123456789abcdef\n", "short-secret\n", "two words of a text"] {
            let error = Token::open(file(text).path()).err().expect("it is none").to_string();
            assert!(error.contains("is no token") && error.contains("openssl rand"), "{error}");
            assert!(!error.contains("secret") && !error.contains("words"), "{error}");
        }
        let missing = Token::open(Path::new("/nowhere/token")).err().expect("it is none").to_string();
        assert!(missing.contains("cannot be read from /nowhere/token"), "{missing}");
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(Token::open(folder.path()), Err(TokenError::Unreadable(..))));
    }

    #[test]
    fn another_token_is_taken_and_a_bad_file_changes_nothing() {
        let file = file("0123456789abcdef");
        let token = Token::open(file.path()).expect("a token");
        assert!(!token.renew().expect("it is the same"));
        std::fs::write(file.path(), "short").expect("it is written");
        assert!(token.renew().is_err() && token.is(b"0123456789abcdef"));
        std::fs::write(file.path(), "fedcba9876543210").expect("it is written");
        assert!(token.renew().expect("it is another") && token.is(b"fedcba9876543210"));
        assert!(!token.is(b"0123456789abcdef"));
    }
}
