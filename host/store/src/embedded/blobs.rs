//! Keeping and removing blobs, a step at a time.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Embedded,
    apply::{Ask, BlobStep},
    query::blob::Link,
    record::sql,
};
use crate::{Measure, StoreError, limits::within};

/// Bytes of one part: a commit that others hardly notice.
const PART_BYTES: usize = 256 << 10;

impl Embedded {
    pub(super) async fn put_blob(&self, name: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.shared.limits.check_name(name)?;
        within(Measure::Blob, bytes.len(), self.shared.limits.blob_bytes)?;
        let (mut rest, mut parts, mut blob) = (bytes.clone(), 0, None);
        // An empty one has a part too, which makes its number.
        while blob.is_none() || !rest.is_empty() {
            let part = rest.split_to(rest.len().min(PART_BYTES));
            blob = self.step(BlobStep::Part { blob, part: parts, bytes: part }).await?;
            parts += 1;
        }
        let id = blob.expect("a part answers its blob's number");
        let link = Link { id, bytes: sql(bytes.len() as u64), parts };
        let old = self.step(BlobStep::Link { name: name.into(), link }).await?;
        self.sweep(old).await;
        Ok(())
    }

    pub(super) async fn delete_blob(&self, name: &str) -> Result<bool, StoreError> {
        self.shared.limits.check_name(name)?;
        let name: Arc<str> = name.into();
        let old = self.step(BlobStep::Unlink { name }).await?;
        self.sweep(old).await;
        Ok(old.is_some())
    }

    /// Removes the parts of what has no name any more. What is left after an error goes when the store is opened.
    async fn sweep(&self, mut blob: Option<i64>) {
        while let Some(id) = blob {
            blob = self.step(BlobStep::Sweep { blob: id }).await.unwrap_or(None);
        }
    }

    async fn step(&self, step: BlobStep) -> Result<Option<i64>, StoreError> {
        let bytes = step.bytes();
        Ok(self.ask(Ask::Blob(step), bytes).await?.blob)
    }
}
