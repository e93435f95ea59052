//! What operators ask for over the admin API and what has to be there after a restart as well: a bucket of the store, with
//! all of its items in memory.
//!
//! **Invariant**: what is shown is durable. One change at a time is decided, committed and then shown, so that a decision
//! rests on what is there.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use switchyard_delivery::Error;
use switchyard_store::{Backend, Expect, ListKeys};
use tokio::sync::{Mutex, MutexGuard, watch};

/// A bucket and its items.
pub(crate) struct Durable<T> {
    store: Arc<dyn Backend>,
    bucket: &'static str,
    /// Held while something is decided and committed.
    changing: Mutex<()>,
    shown: watch::Sender<Items<T>>,
}

/// What there is at a moment.
#[derive(Debug)]
pub(crate) struct Items<T> {
    /// Rises with each change.
    pub(crate) version: u64,
    /// The items by key.
    pub(crate) by_key: Arc<BTreeMap<String, T>>,
}

/// The right to change what is there, one change after the other.
pub(crate) struct Changing<'a, T> {
    durable: &'a Durable<T>,
    _turn: MutexGuard<'a, ()>,
}

// === impl Durable ===

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Durable<T> {
    /// Reads everything that is in the bucket. What cannot be read is told and left where it is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn open(store: Arc<dyn Backend>, bucket: &'static str) -> anyhow::Result<Self> {
        let (mut by_key, mut after) = (BTreeMap::new(), None);
        loop {
            let page = store.kv_list(bucket, ListKeys { after, ..ListKeys::default() }).await?;
            for key in &page.keys {
                match read(&*store, bucket, key).await {
                    Ok(Some(item)) => _ = by_key.insert(key.to_string(), item),
                    Ok(None) => {}
                    Err(error) => tracing::error!(bucket, %key, error = format!("{error:#}"), "cannot be read"),
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let items = Items { version: 0, by_key: Arc::new(by_key) };
        Ok(Self { store, bucket, changing: Mutex::new(()), shown: watch::channel(items).0 })
    }

    /// A bucket that is known to be empty.
    #[cfg(test)]
    pub(crate) fn empty(store: Arc<dyn Backend>, bucket: &'static str) -> Self {
        Self { store, bucket, changing: Mutex::new(()), shown: watch::channel(Items::default()).0 }
    }

    /// What is there, and each change from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Items<T>> {
        self.shown.subscribe()
    }

    /// What is there.
    pub(crate) fn items(&self) -> Arc<BTreeMap<String, T>> {
        Arc::clone(&self.shown.borrow().by_key)
    }

    /// Waits for the turn to change something.
    pub(crate) async fn change(&self) -> Changing<'_, T> {
        Changing { durable: self, _turn: self.changing.lock().await }
    }
}

async fn read<T: DeserializeOwned>(store: &dyn Backend, bucket: &str, key: &str) -> anyhow::Result<Option<T>> {
    let Some(entry) = store.kv_get(bucket, key).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&entry.value)?))
}

// === impl Changing ===

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Changing<'_, T> {
    /// What is there, and stays until this turn is over.
    pub(crate) fn items(&self) -> Arc<BTreeMap<String, T>> {
        self.durable.items()
    }

    /// Keeps an item; answers the version that has it.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub(crate) async fn put(&self, key: &str, item: T) -> Result<u64, Error> {
        let value = serde_json::to_vec(&item).map_err(|error| Error::Invalid(error.to_string()))?;
        self.durable.store.kv_put(self.durable.bucket, key, value.into(), Expect::Any).await?;
        Ok(self.show(|items| _ = items.insert(key.to_owned(), item)))
    }

    /// Removes items; answers the version that is without them.
    ///
    /// # Errors
    /// When the store cannot do it now; those before the failed one are gone.
    pub(crate) async fn remove(&self, keys: &[String]) -> Result<u64, Error> {
        let mut version = self.durable.shown.borrow().version;
        for key in keys {
            self.durable.store.kv_delete(self.durable.bucket, key, Expect::Any).await?;
            version = self.show(|items| _ = items.remove(key));
        }
        Ok(version)
    }

    fn show(&self, change: impl FnOnce(&mut BTreeMap<String, T>)) -> u64 {
        let mut version = 0;
        self.durable.shown.send_modify(|shown| {
            change(Arc::make_mut(&mut shown.by_key));
            shown.version += 1;
            version = shown.version;
        });
        version
    }
}

// === impl Items ===

impl<T> Clone for Items<T> {
    fn clone(&self) -> Self {
        Self { version: self.version, by_key: Arc::clone(&self.by_key) }
    }
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { version: 0, by_key: Arc::default() }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_store::{Embedded, Options};

    use super::*;

    #[tokio::test]
    async fn what_was_put_is_there_after_a_restart_and_what_is_damaged_stops_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Arc::new(Embedded::open(Options::new(folder.path())).expect("a store"));
        let store = open();
        store.kv_put("$x", "bad", "{".into(), Expect::Any).await.expect("it is put");
        let durable = Durable::<u32>::open(store.clone(), "$x").await.expect("it opens");
        let mut watched = durable.watch();
        let changing = durable.change().await;
        assert_eq!(changing.put("a", 1).await.expect("it is put"), 1);
        assert_eq!(changing.put("b", 2).await.expect("it is put"), 2);
        assert_eq!(changing.remove(&["a".to_owned()]).await.expect("it is removed"), 3);
        drop(changing);
        assert_eq!(watched.borrow_and_update().version, 3);
        store.close().await.expect("it closes");
        drop((durable, watched));

        let durable = Durable::<u32>::open(open(), "$x").await.expect("it opens");
        assert_eq!(*durable.items(), BTreeMap::from([("b".to_owned(), 2)]));
    }
}
