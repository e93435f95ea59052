//! Adapters from the store to the ports that the runtime names, since neither knows of the other.

mod nothing;
mod registry;

use std::sync::Arc;

use async_trait::async_trait;
use switchyard_runtime::ports::{Expect, KeyValue, KvEntry, KvError, KvWrite};
use switchyard_store::{Backend, Batch, Entry, ListKeys, StoreError};

pub(crate) use nothing::Nothing;
pub(crate) use registry::LiveRegistry;

/// `wasi:keyvalue` on the store.
pub(crate) struct StoredKeyValue(Arc<dyn Backend>);

// === impl StoredKeyValue ===

impl StoredKeyValue {
    /// The port of this store.
    pub(crate) fn new(store: Arc<dyn Backend>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl KeyValue for StoredKeyValue {
    fn cached(&self, bucket: &str, key: &str) -> Option<Option<KvEntry>> {
        self.0.kv_cached(bucket, key).map(|known| known.map(entry))
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<KvEntry>, KvError> {
        Ok(self.0.kv_get(bucket, key).await.map_err(error)?.map(entry))
    }

    async fn list(&self, bucket: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), KvError> {
        let list = ListKeys { after: cursor.map(Arc::from), ..ListKeys::default() };
        let page = self.0.kv_list(bucket, list).await.map_err(error)?;
        Ok((
            page.keys.iter().map(|key| key.as_ref().to_owned()).collect(),
            page.next.map(|key| key.as_ref().to_owned()),
        ))
    }

    async fn write(&self, bucket: &str, writes: Vec<KvWrite>) -> Result<(), KvError> {
        let bucket: Arc<str> = bucket.into();
        let batch = writes.into_iter().fold(Batch::new(), |batch, write| match write {
            KvWrite::Set { key, value, expect: expected } => {
                batch.put(Arc::clone(&bucket), key, value, expect(expected))
            }
            KvWrite::Delete { key } => batch.delete(Arc::clone(&bucket), key, switchyard_store::Expect::Any),
        });
        self.0.commit(batch).await.map(drop).map_err(error)
    }

    async fn increment(&self, bucket: &str, key: &str, delta: i64) -> Result<i64, KvError> {
        self.0.kv_increment(bucket, key, delta).await.map_err(error)
    }
}

fn entry(entry: Entry) -> KvEntry {
    KvEntry { value: entry.value, revision: entry.revision }
}

fn expect(expect: Expect) -> switchyard_store::Expect {
    match expect {
        Expect::Any => switchyard_store::Expect::Any,
        Expect::Absent => switchyard_store::Expect::Absent,
        Expect::Revision(revision) => switchyard_store::Expect::Revision(revision),
    }
}

fn error(error: StoreError) -> KvError {
    match error {
        StoreError::Conflict { .. } => KvError::Conflict,
        StoreError::NotANumber { .. }
        | StoreError::Overflow { .. }
        | StoreError::TooLarge { .. }
        | StoreError::BucketFull { .. } => KvError::Invalid(error.to_string()),
        other => KvError::Failed(other.to_string()),
    }
}
