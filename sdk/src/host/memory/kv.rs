//! The key-value store of the host in memory.

use super::with;
use crate::host::SwapError;
use crate::kv::Error;

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

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    /// Of the whole host; grows with every write.
    pub(super) revision: u64,
}

/// The service's own bucket has two names.
pub(super) fn bucket_name(name: &str) -> &str {
    if name == "default" { "" } else { name }
}

// === impl Bucket ===

impl Bucket {
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self { name: bucket_name(name).to_owned() })
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.entry(key).map(|entry| entry.value))
    }

    pub(crate) fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        with(|host| {
            let entry = Entry { value: value.to_vec(), revision: host.next_revision() };
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
