//! Sagas that have ended are kept for a while, with their history, and then removed.

use std::{sync::Arc, time::Duration};

use switchyard_core::saga::SagaId;
use switchyard_store::{Batch, Expect, ListKeys, StoreError};

use super::record::{self, COMPLETED, FAILED, JOURNAL, STATES};
use crate::{clock, delivery::Delivery};

/// How long a saga is kept that has ended: 7 days. One that is stuck is kept until an operator has decided.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Sagas that are looked at together.
const TOGETHER_MAX: usize = 100;

/// Entries of a journal that are removed in one commit.
const ENTRIES_MAX: usize = 500;

// === impl Delivery ===

impl Delivery {
    /// Removes sagas that ended long ago.
    pub(crate) async fn expire_sagas(&self) -> Result<(), StoreError> {
        let before = clock::now().minus(KEPT).to_string();
        for bucket in [COMPLETED, FAILED] {
            while !self.stop.is_cancelled() {
                let page = self.store.kv_list(bucket, ListKeys { limit: TOGETHER_MAX, ..ListKeys::default() }).await?;
                let old: Vec<_> = page.keys.into_iter().take_while(|key| key.as_ref() < before.as_str()).collect();
                for key in &old {
                    self.remove_saga(bucket, key).await?;
                }
                if old.len() < TOGETHER_MAX {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Removes a saga, its journal first: what is left after a crash is still listed, and removed next time.
    async fn remove_saga(&self, bucket: &'static str, key: &Arc<str>) -> Result<(), StoreError> {
        if let Some(id) = record::id_of(key) {
            self.remove_journal(&id).await?;
            let removal = Batch::new().delete(STATES, id.as_str(), Expect::Any);
            self.store.commit(removal.delete(bucket, Arc::clone(key), Expect::Any).relaxed()).await?;
        }
        Ok(())
    }

    async fn remove_journal(&self, id: &SagaId) -> Result<(), StoreError> {
        loop {
            let list = ListKeys { prefix: Some(format!("{id}/").into()), limit: ENTRIES_MAX, ..ListKeys::default() };
            let page = self.store.kv_list(JOURNAL, list).await?;
            if page.keys.is_empty() {
                return Ok(());
            }
            let removal =
                page.keys.into_iter().fold(Batch::new(), |batch, key| batch.delete(JOURNAL, key, Expect::Any));
            self.store.commit(removal.relaxed()).await?;
        }
    }
}
