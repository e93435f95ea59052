//! The key-value store, where a service keeps its state: it survives reload, crash and version changes.
//!
//! A write that returned is durable. Single operations are atomic; a change that depends on the value it
//! replaces goes through [`Bucket::update`], which is compare-and-swap with a bounded number of retries.

use std::sync::OnceLock;

use serde::{Serialize, de::DeserializeOwned};

use crate::host;

/// How often [`Bucket::update`] tries: each failure means that another writer got through.
const UPDATE_ATTEMPTS: u32 = 100;

/// Keys fetched by one call of [`Bucket::get_many`].
const BATCH: usize = 1_000;

/// A collection of keys and values.
#[derive(Debug)]
pub struct Bucket {
    inner: host::Bucket,
}

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no bucket of this name, or this service has no grant for it.
    #[error("no such store")]
    NoSuchStore,
    /// The host forbids it.
    #[error("access denied")]
    AccessDenied,
    /// A key or value is too large, the bucket is full, or the store cannot be reached.
    #[error("key-value store: {0}")]
    Store(String),
    /// The stored value is not what was expected.
    #[error("the value under `{0}` cannot be read as that type")]
    Format(String, #[source] serde_json::Error),
    /// Other writers changed this key all the time.
    #[error("`{0}` changed more often than an update is tried")]
    Contended(String),
}

/// The service's own bucket. It is opened once in the life of an instance.
///
/// # Errors
/// As [`Bucket::open`].
pub fn own() -> Result<&'static Bucket, Error> {
    static OWN: OnceLock<Bucket> = OnceLock::new();
    if let Some(bucket) = OWN.get() {
        return Ok(bucket);
    }
    let bucket = Bucket::open("")?;
    Ok(OWN.get_or_init(|| bucket))
}

// === impl Bucket ===

impl Bucket {
    /// Opens a bucket; the empty name is the service's own, any other needs a grant.
    ///
    /// # Errors
    /// [`Error::NoSuchStore`] without a grant.
    pub fn open(name: &str) -> Result<Self, Error> {
        Ok(Self { inner: host::Bucket::open(name)? })
    }

    /// The value under a key.
    ///
    /// # Errors
    /// When the store cannot be reached; so for all functions here.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(key)
    }

    /// The value under a key, read as JSON.
    ///
    /// # Errors
    /// [`Error::Format`] when it is of another shape.
    pub fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.get(key)?.map(|bytes| from_json(key, &bytes)).transpose()
    }

    /// The values under keys, in the order of the keys.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let mut values = Vec::with_capacity(keys.len());
        for batch in keys.chunks(BATCH) {
            values.extend(self.inner.get_many(batch)?);
        }
        Ok(values)
    }

    /// Writes a value, over an older one.
    ///
    /// # Errors
    /// [`Error::Store`] when it is over the limits.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.inner.set(key, value)
    }

    /// Writes a value as JSON, over an older one.
    ///
    /// # Errors
    /// [`Error::Format`] when it cannot be JSON.
    pub fn set_json(&self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.set(key, &to_json(key, value)?)
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        self.inner.delete(key)
    }

    /// Whether a key is there.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub fn exists(&self, key: &str) -> Result<bool, Error> {
        self.inner.exists(key)
    }

    /// All keys that begin so, sorted.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        let mut cursor = None;
        loop {
            let (page, next) = self.inner.list_keys(cursor)?;
            keys.extend(page.into_iter().filter(|key| key.starts_with(prefix)));
            if next.is_none() {
                break;
            }
            cursor = next;
        }
        keys.sort_unstable();
        // A listing that runs beside writes may show a key on two pages.
        keys.dedup();
        Ok(keys)
    }

    /// Adds to the number under a key, which is 0 before the first time, and answers the sum.
    ///
    /// # Errors
    /// [`Error::Store`] when the value is no number.
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.inner.increment(key, delta)
    }

    /// Changes the value under a key, and answers the new one. The closure gets the current value; it runs again
    /// when another writer was faster, and its error ends the update with nothing written.
    ///
    /// # Errors
    /// The closure's, or [`Error::Contended`] after 100 tries.
    pub fn update<E: From<Error>>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<Vec<u8>>) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        let mut cas = host::Cas::new(&self.inner, key)?;
        for _ in 0..UPDATE_ATTEMPTS {
            let value = change(cas.current()?)?;
            match cas.swap(&value) {
                Ok(()) => return Ok(value),
                Err(host::SwapError::Stale(newer)) => cas = newer,
                Err(host::SwapError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Error::Contended(key.to_owned()).into())
    }

    /// As [`update`](Self::update), with values that are JSON.
    ///
    /// # Errors
    /// As [`update`](Self::update), and [`Error::Format`].
    pub fn update_json<T: Serialize + DeserializeOwned, E: From<Error>>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<T>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut latest = None;
        self.update(key, |current| {
            let current = current.map(|bytes| from_json(key, &bytes)).transpose()?;
            let value = change(current)?;
            let bytes = to_json(key, &value)?;
            latest = Some(value);
            Ok::<_, E>(bytes)
        })?;
        Ok(latest.expect("an update that succeeded has called the closure"))
    }
}

fn from_json<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Format(key.to_owned(), error))
}

fn to_json(key: &str, value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Format(key.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_filtered_and_sorted_over_pages() {
        let bucket = Bucket::open("keys").expect("a bucket");
        for key in ["b/2", "a/1", "b/1", "c", "b/3", "b/0"] {
            bucket.set(key, b"x").expect("written");
        }
        assert_eq!(bucket.keys("b/").expect("listed"), ["b/0", "b/1", "b/2", "b/3"]);
    }

    #[test]
    fn update_runs_again_when_another_writer_was_faster() {
        let bucket = Bucket::open("update").expect("a bucket");
        bucket.set_json("n", &1).expect("written");
        let mut runs = 0;
        let sum: u32 = bucket
            .update_json("n", |current: Option<u32>| {
                runs += 1;
                if runs == 1 {
                    bucket.set_json("n", &40)?;
                }
                Ok::<_, Error>(current.unwrap_or(0) + 2)
            })
            .expect("updated");
        assert_eq!((runs, sum, bucket.get_json("n").expect("read")), (2, 42, Some(42)));
    }

    #[test]
    fn update_gives_up_when_the_key_never_rests() {
        let bucket = Bucket::open("contended").expect("a bucket");
        let result = bucket.update("n", |_| {
            bucket.increment("n", 1)?;
            Ok::<_, Error>(Vec::new())
        });
        assert!(matches!(result, Err(Error::Contended(_))));
        assert_eq!(bucket.increment("n", 0).expect("a number"), i64::from(UPDATE_ATTEMPTS));
    }

    #[test]
    fn an_error_of_the_closure_writes_nothing() {
        let bucket = Bucket::open("error").expect("a bucket");
        let result = bucket.update("k", |_| Err::<Vec<u8>, _>(Error::AccessDenied));
        assert!(matches!(result, Err(Error::AccessDenied)));
        assert!(!bucket.exists("k").expect("asked"));
    }
}
