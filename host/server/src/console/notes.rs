//! What is told once, on the page that follows an action.
//!
//! Only the host's own words are told: the browser gets a number for them, in a cookie, and gives it back once.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use http::{HeaderMap, header::COOKIE};
use uuid::Uuid;

/// The cookie with the number of a note.
const COOKIE_NAME: &str = "switchyard_note";

/// The most that wait to be told; the oldest makes room.
const NOTES_MAX: usize = 64;

/// Notes that wait to be told.
#[derive(Default)]
pub(super) struct Notes(Mutex<VecDeque<(String, String)>>);

/// The `Set-Cookie` of a note.
pub(super) fn cookie(number: &str) -> String {
    format!("{COOKIE_NAME}={number}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")
}

/// The `Set-Cookie` that takes the number away again.
pub(super) fn cleared() -> String {
    format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

/// The value of a cookie.
pub(super) fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

// === impl Notes ===

impl Notes {
    /// Keeps a note; returns its number.
    pub(super) fn keep(&self, text: String) -> String {
        let number = Uuid::new_v4().simple().to_string();
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push_back((number.clone(), text));
        if notes.len() > NOTES_MAX {
            notes.pop_front();
        }
        number
    }

    /// The note whose number a request brings; it is told once.
    pub(super) fn take(&self, headers: &HeaderMap) -> Option<String> {
        let number = cookie_of(headers, COOKIE_NAME)?;
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = notes.iter().position(|(of, _)| *of == number)?;
        notes.remove(at).map(|(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_told_once_and_only_so_many_wait() {
        let notes = Notes::default();
        let mut headers = HeaderMap::new();
        let number = notes.keep("done".to_owned());
        headers.insert(COOKIE, format!("a=b; {COOKIE_NAME}={number}").parse().unwrap());
        assert_eq!(notes.take(&headers).as_deref(), Some("done"));
        assert_eq!(notes.take(&headers), None);
        (0..NOTES_MAX * 2).for_each(|_| _ = notes.keep(String::new()));
        assert_eq!(notes.0.lock().unwrap().len(), NOTES_MAX);
    }
}
