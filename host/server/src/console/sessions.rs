//! Who has logged in to the console: a browser cannot send a token of its own accord, so it gets a session for it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderMap;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::notes::cookie_of;

/// The cookie with the key of a session.
const COOKIE_NAME: &str = "switchyard_session";

/// How long a session lasts.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// The most sessions at the same time; the oldest makes room.
const SESSIONS_MAX: usize = 64;

/// The sessions of this process.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<VecDeque<Session>>);

struct Session {
    /// The SHA-256 of its key: how long a comparison takes then says nothing about the key.
    digest: [u8; 32],
    until: Instant,
}

/// The `Set-Cookie` that takes a session away from the browser.
pub(super) fn cleared() -> String {
    format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

// === impl Sessions ===

impl Sessions {
    /// Opens a session; returns the `Set-Cookie` for it.
    pub(crate) fn open(&self) -> String {
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let session = Session { digest: digest(&key), until: Instant::now() + LIFE };
        let mut sessions = self.sessions();
        sessions.push_back(session);
        if sessions.len() > SESSIONS_MAX {
            sessions.pop_front();
        }
        format!("{COOKIE_NAME}={key}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict", LIFE.as_secs())
    }

    /// Whether a request belongs to a session.
    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        let now = Instant::now();
        let mut sessions = self.sessions();
        sessions.retain(|session| session.until > now);
        key(headers).is_some_and(|key| sessions.iter().any(|session| session.digest == digest(&key)))
    }

    /// Ends the session that a request belongs to.
    pub(super) fn close(&self, headers: &HeaderMap) {
        if let Some(key) = key(headers) {
            self.sessions().retain(|session| session.digest != digest(&key));
        }
    }

    /// Ends all: the token that they were opened with counts no more.
    pub(crate) fn close_all(&self) {
        self.sessions().clear();
    }

    fn sessions(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(headers: &HeaderMap) -> Option<String> {
    cookie_of(headers, COOKIE_NAME)
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().expect("a pair");
        HeaderMap::from_iter([(COOKIE, pair.parse().expect("a header value"))])
    }

    #[test]
    fn a_session_is_known_until_it_is_closed() {
        let sessions = Sessions::default();
        let (one, other) = (headers(&sessions.open()), headers(&sessions.open()));
        assert!(sessions.knows(&one) && sessions.knows(&other));
        assert!(!sessions.knows(&HeaderMap::new()) && !sessions.knows(&headers("switchyard_session=")));
        sessions.close(&one);
        assert!(!sessions.knows(&one) && sessions.knows(&other));
        sessions.close_all();
        assert!(!sessions.knows(&other));
    }

    #[test]
    fn sessions_are_bounded_and_end_by_themselves() {
        let sessions = Sessions::default();
        let first = headers(&sessions.open());
        (0..SESSIONS_MAX).for_each(|_| _ = sessions.open());
        assert!(!sessions.knows(&first));
        sessions.sessions().iter_mut().for_each(|session| session.until = Instant::now());
        let last = headers(&sessions.open());
        assert!(sessions.knows(&last));
        assert_eq!(sessions.sessions().len(), 1);
    }
}
