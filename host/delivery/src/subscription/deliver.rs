//! One delivery: from a place in the window to an outcome.

use std::{sync::Arc, time::Duration};

use switchyard_core::{
    event::{Cause, Delivery as Told, Event, codec},
    handled::{Failure, Handled},
};
use switchyard_dispatch::{Active, CallContext, CallError, Service};
use switchyard_store::StoreError;
use tokio::time::Instant;

use super::{Callee, Subscription, progress::Begun, settle::Outcome};
use crate::{clock, delivery::Delivery, middleware::context, places::Place, stats::UnderWay, traces};

/// The time that a handler has for one event; a service's own deadline may be shorter.
pub(crate) const HANDLE_MAX: Duration = Duration::from_secs(30);

/// The pause before a service that could not take a call is asked again.
pub(crate) const UNAVAILABLE_PAUSE: Duration = Duration::from_millis(250);

/// The shortest and the longest pause that a handler can ask for by `defer`.
pub(crate) const DEFER: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);

// === impl Subscription ===

impl Subscription {
    /// Begins the next delivery on a task of its own.
    pub(super) fn begin(self: &Arc<Self>, delivery: &Arc<Delivery>, place: Place) {
        if !self.may_begin(delivery) {
            return;
        }
        let declared = self.declared();
        let Some(callee) = self.callee(&declared, &delivery.dispatcher.snapshot()) else { return };
        let Some(begun) = self.progress().as_mut().and_then(|progress| progress.begin(clock::now())) else { return };
        let (me, delivery) = (Arc::clone(self), Arc::clone(delivery));
        delivery.tasks.clone().spawn(async move { me.deliver(&delivery, place, callee, begun).await });
    }

    async fn deliver(self: Arc<Self>, delivery: &Arc<Delivery>, place: Place, callee: Callee, begun: Begun) {
        let event = match &begun.event {
            Some(event) => Ok(Some(Arc::clone(event))),
            None => self.fetch(delivery, begun.go.sequence).await,
        };
        let counters = event.as_ref().ok().and_then(Option::as_ref).and_then(|event| delivery.topics.of(&event.topic));
        let _under_way = counters.map(UnderWay::new);
        let (event, outcome) = match event {
            Ok(Some(event)) => {
                let outcome = self.hand_over(delivery, callee, &begun, &event).await;
                (Some(event), outcome)
            }
            Ok(None) => (None, Outcome::Gone),
            Err(outcome) => (None, outcome),
        };
        drop(place);
        let counts = self.progress().as_mut().and_then(|progress| progress.end(&begun, outcome));
        if let Some(outcome) = counts {
            self.record(delivery, begun.epoch, begun.go, event, outcome).await;
        }
        self.wake.notify_one();
    }

    /// The event from the store: a redriven one brings its own, since the log may not have it any more.
    pub(super) async fn fetch(&self, delivery: &Delivery, sequence: u64) -> Result<Option<Arc<Event>>, Outcome> {
        let find = async {
            if let Some(record) = delivery.store.log_get(sequence).await? {
                return Ok(Some(record.record));
            }
            let cursor = delivery.store.cursor(&self.name).await?;
            let retries = cursor.map(|cursor| cursor.retries).unwrap_or_default();
            Ok(retries.into_iter().find(|retry| retry.sequence == sequence).and_then(|retry| retry.record))
        };
        match find.await {
            Ok(Some(record)) => match codec::decode(&record) {
                Ok(event) => Ok(Some(Arc::new(event))),
                Err(error) => Err(Outcome::Unreadable(error.to_string())),
            },
            Ok(None) => Ok(None),
            Err(error @ StoreError::CorruptRecord { .. }) => Err(Outcome::Unreadable(error.to_string())),
            Err(_) => Err(Outcome::Later(crate::delivery::STORE_RETRY)),
        }
    }

    async fn hand_over(&self, delivery: &Delivery, callee: Callee, begun: &Begun, event: &Event) -> Outcome {
        let told = Told {
            subscription: self.name.as_ref().to_owned(),
            sequence: begun.go.sequence,
            attempt: begun.go.attempt,
        };
        tracing::debug!(subscription = &*self.name, sequence = told.sequence, attempt = told.attempt, "delivering");
        let own = event.traceparent.as_deref();
        let mut span = delivery.processing(own, &event.topic, &event.id, &self.name, told.attempt);
        let below = span.as_mut().map(Active::traceparent);
        let traceparent = below.as_deref().or(own);
        let outcome = match callee {
            Callee::Service(service) => self.call(delivery, &service, event, &told, traceparent).await,
            Callee::Url(url) => self.post(delivery, &url, event, &told, traceparent).await,
            Callee::Sagas => delivery.take_saga_event(event).await,
        };
        traces::delivered(span, &outcome);
        outcome
    }

    async fn call(
        &self,
        delivery: &Delivery,
        service: &Arc<Service>,
        event: &Event,
        told: &Told,
        traceparent: Option<&str>,
    ) -> Outcome {
        let handled = Handled::Event { subscription: Arc::clone(&self.name), sequence: told.sequence };
        let cause = Cause { id: event.id.clone(), correlationid: event.correlationid.clone() };
        let context = CallContext {
            cause: Some(Arc::new(cause)),
            handled: Some(Arc::new(handled)),
            ..context(Instant::now() + HANDLE_MAX, traceparent)
        };
        answered(delivery.dispatcher.handle_event(service, context, event, told).await)
    }
}

/// What a handler's answer, or the want of one, means.
pub(crate) fn answered(answer: Result<Result<(), Failure>, CallError>) -> Outcome {
    match answer {
        Ok(Ok(())) => Outcome::Done,
        Ok(Err(Failure::Retry(reason))) => Outcome::Retry { reason, after: None },
        Ok(Err(Failure::Reject(reason))) => Outcome::Reject(reason),
        Ok(Err(Failure::Defer(pause))) => Outcome::Later(pause.clamp(*DEFER.start(), *DEFER.end())),
        // It did not take place.
        Err(
            CallError::Unavailable { .. }
            | CallError::Unreachable { .. }
            | CallError::BreakerOpen { .. }
            | CallError::NoHealthyInstance { .. }
            | CallError::Busy { .. },
        ) => Outcome::Later(UNAVAILABLE_PAUSE),
        Err(error) => Outcome::Retry { reason: error.to_string(), after: None },
    }
}
