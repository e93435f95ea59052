//! A host in memory, for tests: each thread has its own, so that tests do not meet.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::SwapError;
use crate::kv::Error;
use crate::log::Level;

/// Keys in one page of a listing: few, so that tests meet more than one page.
const PAGE: usize = 2;

/// See [`crate::kv::Bucket`].
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    name: String,
}

/// A value that was read, to be replaced only if it is still the same.
pub(crate) struct Cas {
    bucket: Bucket,
    key: String,
    seen: Option<Entry>,
}

#[derive(Clone)]
struct Entry {
    value: Vec<u8>,
    /// Of the whole host; grows with every write.
    revision: u64,
}

#[derive(Default)]
struct Host {
    /// By bucket and key.
    entries: BTreeMap<(String, String), Entry>,
    revision: u64,
    config: BTreeMap<String, String>,
    log: Vec<String>,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

fn with<T>(f: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(f)
}

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

pub(crate) fn config_get(key: &str) -> Result<Option<String>, String> {
    Ok(with(|host| host.config.get(key).cloned()))
}

pub(crate) fn log(level: Level, context: &str, message: &str) {
    with(|host| host.log.push(format!("{level:?} {context} {message}")));
}

#[cfg(test)]
pub(crate) fn set_config(key: &str, value: &str) {
    with(|host| host.config.insert(key.to_owned(), value.to_owned()));
}

#[cfg(test)]
pub(crate) fn logged() -> Vec<String> {
    with(|host| host.log.clone())
}

// === impl Bucket ===

impl Bucket {
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self { name: name.to_owned() })
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.entry(key).map(|entry| entry.value))
    }

    pub(crate) fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        with(|host| {
            host.revision += 1;
            let entry = Entry { value: value.to_vec(), revision: host.revision };
            host.entries.insert(self.at(key), entry);
        });
        Ok(())
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), Error> {
        with(|host| host.entries.remove(&self.at(key)));
        Ok(())
    }

    pub(crate) fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(self.entry(key).is_some())
    }

    pub(crate) fn list_keys(&self, cursor: Option<String>) -> Result<(Vec<String>, Option<String>), Error> {
        let after = cursor.unwrap_or_default();
        let mut keys: Vec<String> = with(|host| {
            let ours = host.entries.keys().filter(|(bucket, key)| *bucket == self.name && *key > after);
            ours.map(|(_, key)| key.clone()).take(PAGE + 1).collect()
        });
        let more = keys.len() > PAGE;
        keys.truncate(PAGE);
        let next = keys.last().filter(|_| more).cloned();
        Ok((keys, next))
    }

    pub(crate) fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        let number = |bytes: Vec<u8>| std::str::from_utf8(&bytes).ok().and_then(|text| text.parse::<i64>().ok());
        let current = match self.get(key)? {
            Some(bytes) => number(bytes).ok_or_else(|| Error::Store(format!("`{key}` is no number")))?,
            None => 0,
        };
        let sum = current.checked_add(delta).ok_or_else(|| Error::Store(format!("`{key}` overflows")))?;
        self.set(key, sum.to_string().as_bytes())?;
        Ok(sum)
    }

    fn entry(&self, key: &str) -> Option<Entry> {
        with(|host| host.entries.get(&self.at(key)).cloned())
    }

    fn at(&self, key: &str) -> (String, String) {
        (self.name.clone(), key.to_owned())
    }
}

// === impl Cas ===

impl Cas {
    pub(crate) fn new(bucket: &Bucket, key: &str) -> Result<Self, Error> {
        Ok(Self { bucket: bucket.clone(), key: key.to_owned(), seen: bucket.entry(key) })
    }

    pub(crate) fn current(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.seen.as_ref().map(|entry| entry.value.clone()))
    }

    pub(crate) fn swap(self, value: &[u8]) -> Result<(), SwapError> {
        let revision = |entry: &Entry| entry.revision;
        let newest = self.bucket.entry(&self.key);
        if newest.as_ref().map(revision) != self.seen.as_ref().map(revision) {
            return Err(SwapError::Stale(Self { seen: newest, ..self }));
        }
        self.bucket.set(&self.key, value).map_err(SwapError::Store)
    }
}
