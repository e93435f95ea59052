//! What operators do to subscriptions: list, make, end, pause, move.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bytes::Bytes;
use switchyard_dispatch::Webhooks;
use switchyard_store::{Batch, CursorOp, CursorOutcome, CursorStart, Expect, Outcome, StoreError, TimerOp};

use super::{BUCKET, Origin, Subscription, follow::name_of, progress::Progress, worker::open_batch};
use crate::{
    config::{ConfiguredSubscription, Endpoint},
    delivery::Delivery,
    error::Error,
    retention::cursor_timer,
    view::{Handled, SubscriptionView},
};

/// Subscriptions that can be made over the API.
const ASKED_MAX: usize = 10_000;

// === impl Delivery ===

impl Delivery {
    /// All subscriptions, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionView>, Error> {
        let running: Vec<_> = self.subscriptions.running().values().cloned().collect();
        let dead = self.store.dead_counts().await?.subscriptions;
        let letters = |name: &Arc<str>| dead.get(name).copied().unwrap_or_default();
        Ok(running.iter().map(|subscription| subscription.view(self, letters(&subscription.name))).collect())
    }

    /// Makes a subscription that lasts until it is ended. When this answers, it misses nothing that is published from
    /// then on.
    ///
    /// # Errors
    /// [`Conflict`](Error::Conflict) when its name is taken; when it does not hold, or the store cannot take it.
    pub async fn subscribe(&self, wish: ConfiguredSubscription) -> Result<SubscriptionView, Error> {
        wish.spec.check().map_err(|error| Error::Invalid(error.to_string()))?;
        Self::check(&wish.spec)?;
        if let Endpoint::Url(url) = &wish.endpoint {
            Webhooks::check(url).map_err(|error| Error::Invalid(error.to_string()))?;
        }
        let name: Arc<str> = name_of(&wish.spec, &wish.endpoint).into();
        let taken =
            || Error::Conflict(format!("there is a subscription {name} already; end it, or give this one a name"));
        if self.subscriptions.named(&name).is_some() {
            return Err(taken());
        }
        if self.subscriptions.asked().len() >= ASKED_MAX {
            return Err(Error::Conflict(format!("there are {ASKED_MAX} subscriptions already, which is the limit")));
        }
        let kept = serde_json::to_vec(&wish).map_err(|error| Error::Invalid(error.to_string()))?;
        let batch = open_batch(&name, wish.spec.start).put(BUCKET, format!("api/{name}"), kept, Expect::Absent).delete(
            BUCKET,
            format!("ended/{name}"),
            Expect::Any,
        );
        self.store.commit(batch).await.map_err(|error| match error {
            StoreError::Conflict { .. } => taken(),
            error => error.into(),
        })?;
        self.subscriptions.asked().insert(name.as_ref().to_owned(), wish);
        if let Some(me) = self.me() {
            me.follow_subscriptions();
        }
        self.shown(&name).await
    }

    /// Ends a subscription that was made over the API, and forgets its cursor.
    ///
    /// # Errors
    /// [`Conflict`](Error::Conflict) when a plugin or the configuration wants it; when there is none, or the store cannot
    /// take it.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), Error> {
        let subscription = self.found(id)?;
        let (name, origin) = (&subscription.name, subscription.declared().origin);
        if origin != Origin::Api {
            let text = format!("the subscription {name} comes from the {}; end it there, or pause it", origin.as_str());
            return Err(Error::Conflict(text));
        }
        let batch = Batch::new()
            .delete(BUCKET, format!("api/{name}"), Expect::Any)
            .delete(BUCKET, format!("paused/{name}"), Expect::Any)
            .delete(BUCKET, format!("ended/{name}"), Expect::Any)
            .with(CursorOp::Remove { name: Arc::clone(name) })
            .with(TimerOp::Clear { key: cursor_timer(name), due: None });
        self.store.commit(batch).await?;
        self.subscriptions.asked().remove(name.as_ref());
        if let Some(me) = self.me() {
            me.follow_subscriptions();
        }
        Ok(())
    }

    /// Stops deliveries until it is resumed, also over a restart. What is under way is finished.
    ///
    /// # Errors
    /// When there is none, or the store cannot take it.
    pub async fn pause(&self, id: &str) -> Result<SubscriptionView, Error> {
        let subscription = self.found(id)?;
        let key = format!("paused/{}", subscription.name);
        self.store.kv_put(BUCKET, &key, Bytes::new(), Expect::Any).await?;
        subscription.paused.store(true, Relaxed);
        self.shown(&subscription.name).await
    }

    /// Goes on after a pause.
    ///
    /// # Errors
    /// When there is none, or the store cannot take it.
    pub async fn resume(&self, id: &str) -> Result<SubscriptionView, Error> {
        let subscription = self.found(id)?;
        self.store.kv_delete(BUCKET, &format!("paused/{}", subscription.name), Expect::Any).await?;
        subscription.paused.store(false, Relaxed);
        subscription.wake.notify_one();
        self.shown(&subscription.name).await
    }

    /// Moves the cursor. What is under way is finished and not recorded; what waited for another attempt is forgotten,
    /// unless it comes again from there.
    ///
    /// # Errors
    /// When there is none, or the store cannot take it.
    pub async fn seek(&self, id: &str, to: CursorStart) -> Result<SubscriptionView, Error> {
        let subscription = self.found(id)?;
        let seek = CursorOp::Seek { name: Arc::clone(&subscription.name), to };
        let committed = self.store.commit(Batch::new().with(seek)).await?;
        if let Some(Outcome::Cursor(CursorOutcome::At { epoch, floor })) = committed.outcomes.first() {
            let mut progress = subscription.progress();
            // Of two who move it at once, the later one counts.
            if progress.as_ref().is_none_or(|progress| progress.epoch < *epoch) {
                *progress = Some(Progress::new(*epoch, *floor, []));
            }
        }
        subscription.wake.notify_one();
        self.shown(&subscription.name).await
    }

    fn found(&self, id: &str) -> Result<Arc<Subscription>, Error> {
        self.subscriptions.find(id).ok_or_else(|| Error::NotFound(format!("there is no subscription {id}")))
    }

    async fn shown(&self, name: &str) -> Result<SubscriptionView, Error> {
        let letters = self.store.dead_counts().await?.subscriptions.get(name).copied().unwrap_or_default();
        Ok(self.found(name)?.view(self, letters))
    }
}

// === impl Subscription ===

impl Subscription {
    fn view(&self, delivery: &Delivery, dead_letters: u64) -> SubscriptionView {
        let declared = self.declared();
        let spec = &declared.spec;
        let (cursor, in_flight, retrying) = self.progress().as_ref().map_or((0, 0, 0), |progress| {
            let window = &progress.window;
            (window.floor(), window.in_flight(), window.retrying())
        });
        let newest = *delivery.store.log_head().borrow();
        SubscriptionView {
            id: self.id(),
            name: self.name.as_ref().to_owned(),
            topic: spec.topic.clone(),
            endpoint: declared.endpoints[0].clone(),
            members: declared.endpoints[1..].to_vec(),
            origin: declared.origin.as_str(),
            state: self.state(delivery),
            error: self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
            group: spec.group.clone().filter(|group| **group != *self.name),
            broadcast: spec.broadcast,
            priority: spec.priority,
            filter: spec.filter.clone(),
            once: spec.once,
            max_attempts: declared.max_attempts(),
            cursor,
            lag: newest.saturating_sub(cursor),
            in_flight,
            retrying,
            handled: Handled { dead_letters, ..self.counters.handled() },
        }
    }

    /// Takes in an event that is to be delivered again.
    pub(crate) fn redeliver(&self, sequence: u64, event: Arc<switchyard_core::event::Event>, bytes: usize) {
        if let Some(progress) = self.progress().as_mut() {
            let key = event.partitionkey.as_deref().map(Arc::from);
            progress.window.retry(sequence, key, 0, crate::clock::now());
            progress.keep(sequence, event, bytes);
        }
        self.wake.notify_one();
    }
}
