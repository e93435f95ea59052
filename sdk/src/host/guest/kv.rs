//! The key-value store of the host.

use crate::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::host::SwapError;
use crate::kv::Error;

/// See [`crate::kv::Bucket`].
#[derive(Debug)]
pub(crate) struct Bucket(store::Bucket);

/// A value that was read, to be replaced only if it is still the same.
pub(crate) struct Cas(atomics::Cas);

// === impl Bucket ===

impl Bucket {
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self(store::open(name)?))
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(key)?)
    }

    pub(crate) fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let pairs = batch::get_many(&self.0, keys)?;
        Ok(pairs.into_iter().map(|(_, value)| value).collect())
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        Ok(self.0.set(key, value)?)
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), Error> {
        Ok(self.0.delete(key)?)
    }

    pub(crate) fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(self.0.exists(key)?)
    }

    pub(crate) fn list_keys(&self, cursor: Option<String>) -> Result<(Vec<String>, Option<String>), Error> {
        let page = self.0.list_keys(cursor.as_deref())?;
        Ok((page.keys, page.cursor))
    }

    pub(crate) fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        Ok(atomics::increment(&self.0, key, delta)?)
    }
}

// === impl Cas ===

impl Cas {
    pub(crate) fn new(bucket: &Bucket, key: &str) -> Result<Self, Error> {
        Ok(Self(atomics::Cas::new(&bucket.0, key)?))
    }

    pub(crate) fn current(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.current()?)
    }

    pub(crate) fn swap(self, value: &[u8]) -> Result<(), SwapError> {
        atomics::swap(self.0, value).map_err(|error| match error {
            atomics::CasError::CasFailed(newer) => SwapError::Stale(Self(newer)),
            atomics::CasError::StoreError(error) => SwapError::Store(error.into()),
        })
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoSuchStore => Self::NoSuchStore,
            store::Error::AccessDenied => Self::AccessDenied,
            store::Error::Other(cause) => Self::Store(cause),
        }
    }
}
