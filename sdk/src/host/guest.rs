//! The host as a component sees it: the imports of the world `service`.

use std::time::Duration;

use super::SwapError;
use crate::bindings::wasi::clocks::wall_clock;
use crate::bindings::wasi::config::store as config;
use crate::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::bindings::wasi::logging::logging;
use crate::bindings::wasi::random::random as wasi_random;
use crate::kv::Error;
use crate::log::Level;

/// See [`crate::kv::Bucket`].
#[derive(Debug)]
pub(crate) struct Bucket(store::Bucket);

/// A value that was read, to be replaced only if it is still the same.
pub(crate) struct Cas(atomics::Cas);

pub(crate) fn now() -> Duration {
    let now = wall_clock::now();
    Duration::new(now.seconds, now.nanoseconds)
}

pub(crate) fn random() -> u64 {
    wasi_random::get_random_u64()
}

pub(crate) fn config_get(key: &str) -> Result<Option<String>, String> {
    config::get(key).map_err(|error| match error {
        config::Error::Upstream(cause) | config::Error::Io(cause) => cause,
    })
}

pub(crate) fn log(level: Level, context: &str, message: &str) {
    let level = match level {
        Level::Trace => logging::Level::Trace,
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warn,
        Level::Error => logging::Level::Error,
    };
    logging::log(level, context, message);
}

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
