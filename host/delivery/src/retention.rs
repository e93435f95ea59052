//! What is not kept for ever: old events, deduplication ids, sagas that have ended, cursors of plugins that are gone.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use switchyard_store::{
    Batch, CursorOp, Expect, LogOp, LogOutcome, Outcome, QueueOp, QueueOutcome, StoreError, Timer, TimerOp,
};

use crate::{clock, config::CURSOR_KEPT, delivery::Delivery, publish::topic, subscription::BUCKET, timers::taken};

/// What the keys of the timers begin with that forget cursors.
pub(crate) const CURSOR: &str = "cursor/";

/// How often old things are looked for.
const PERIOD: Duration = Duration::from_secs(60);

/// What is removed in one commit: more would stall others.
const TOGETHER_MAX: usize = 500;

/// The key of the timer that forgets a cursor.
pub(crate) fn cursor_timer(name: &str) -> Arc<str> {
    format!("{CURSOR}{name}").into()
}

// === impl Delivery ===

impl Delivery {
    /// Removes what is old, now and then, until the host stops.
    pub(crate) async fn expire(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
            if let Err(error) = self.expire_once().await {
                tracing::warn!(%error, "old events wait for the store");
            }
        }
    }

    async fn expire_once(&self) -> Result<(), StoreError> {
        let (config, now) = (self.config(), clock::now());
        for usage in self.store.topics().await?.into_iter().filter(|usage| usage.records > 0) {
            let before = now.minus(topic(&config, &usage.topic).retention);
            let expire = LogOp::Expire { topic: usage.topic, before, max: TOGETHER_MAX };
            self.repeat(&Batch::new().with(expire).relaxed()).await?;
        }
        let expire = QueueOp::ExpireDedup { before: now, max: TOGETHER_MAX };
        self.repeat(&Batch::new().with(expire).relaxed()).await?;
        self.expire_sagas().await?;
        self.let_cursors_expire().await
    }

    /// Commits the same removal until it finds little; others come in between.
    async fn repeat(&self, removal: &Batch) -> Result<(), StoreError> {
        while !self.stop.is_cancelled() {
            let committed = self.store.commit(removal.clone()).await?;
            let removed = match committed.outcomes.first() {
                Some(
                    Outcome::Log(LogOutcome::Expired { removed }) | Outcome::Queue(QueueOutcome::Expired { removed }),
                ) => *removed,
                _ => 0,
            };
            if removed < TOGETHER_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Sets the timers of cursors that nobody reads from.
    async fn let_cursors_expire(&self) -> Result<(), StoreError> {
        for name in self.store.cursors().await? {
            let key = cursor_timer(&name);
            if self.subscriptions.named(&name).is_some() || self.store.timer(&key).await?.is_some() {
                continue;
            }
            let timer = Timer { key, due: clock::now().plus(CURSOR_KEPT), payload: Bytes::new() };
            self.store.commit(Batch::new().with(TimerOp::Set(timer))).await?;
            self.timers.notify_one();
        }
        Ok(())
    }

    /// Forgets a cursor, unless somebody reads from it again.
    pub(crate) async fn forget_cursor(&self, due: &Timer, name: &str) -> Result<(), StoreError> {
        if self.subscriptions.named(name).is_some() {
            return self.store.commit(taken(due)).await.map(drop);
        }
        tracing::info!(subscription = name, "a cursor is forgotten whose subscription is gone");
        let batch = taken(due)
            .with(CursorOp::Remove { name: name.into() })
            .delete(BUCKET, format!("paused/{name}"), Expect::Any)
            .delete(BUCKET, format!("ended/{name}"), Expect::Any);
        self.store.commit(batch).await.map(drop)
    }
}
