//! Consumers: the host leases for a plugin, extends while it works, and records what became of each message.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use switchyard_core::{
    event::Cause,
    handled::Handled,
    manifest::{Ack, ConsumerSpec},
    name::ServiceName,
};
use switchyard_dispatch::{Active, CallContext, Service};
use switchyard_runtime::ports::Settlement;
use switchyard_store::StoredMessage;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::leased_of;
use crate::{
    clock,
    delivery::{Delivery, STORE_RETRY},
    error::Error,
    middleware::context,
    places::{self, Ask, Place},
    publish::shared,
    subscription::{HANDLE_MAX, Outcome, answered},
    traces,
};

/// Messages that are leased at once.
const TOGETHER_MAX: usize = 32;

/// A consumer: one service, one queue.
pub(crate) struct Consumer {
    service: ServiceName,
    /// The service's share of the host's places.
    share: Arc<str>,
    queue: Arc<str>,
    spec: RwLock<ConsumerSpec>,
    in_flight: AtomicUsize,
    wake: Notify,
    stop: CancellationToken,
}

/// All consumers of the host, by queue and service.
#[derive(Default)]
pub(crate) struct Consumers(Mutex<Running>);

/// By queue and service.
type Running = BTreeMap<(Arc<str>, ServiceName), Arc<Consumer>>;

/// What leasing came to.
enum Leased {
    /// As many messages as were asked for: there may be more.
    All,
    /// Fewer: there is nothing more now.
    Fewer,
    /// Nothing was asked for: all hands are full, the service is not there, or the host has no place.
    Waiting,
}

/// A message in somebody's hands.
struct InHand {
    consumer: Arc<Consumer>,
    service: Arc<Service>,
    message: StoredMessage,
    /// Given back when the handler is done.
    place: Place,
    visibility: Duration,
}

// === impl Consumers ===

impl Consumers {
    /// Who consumes a queue.
    pub(super) fn of(&self, queue: &str) -> Vec<String> {
        let consumers = self.lock();
        consumers.keys().filter(|(own, _)| **own == *queue).map(|(_, service)| service.to_string()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Delivery ===

impl Delivery {
    /// Begins consumers that plugins want, and ends those that none wants.
    pub(crate) fn follow_consumers(self: &Arc<Self>) {
        let (config, snapshot) = (self.config(), self.dispatcher.snapshot());
        let wanted: BTreeMap<_, _> = snapshot
            .services
            .values()
            .flat_map(|service| service.manifest.queues.iter().map(move |spec| (service, spec)))
            .filter(|(service, spec)| match config.may_use_queue(service.name(), &spec.queue) {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(service = %service.name(), queue = spec.queue, %error, "a consumer is left out");
                    false
                }
            })
            .map(|(service, spec)| ((shared(&spec.queue), service.name().clone()), spec.clone()))
            .collect();
        let mut running = self.consumers.lock();
        running.retain(|key, consumer| {
            let stays = wanted.contains_key(key);
            if !stays {
                consumer.stop.cancel();
            }
            stays
        });
        for ((queue, service), spec) in wanted {
            if let Some(consumer) = running.get(&(queue.clone(), service.clone())) {
                *consumer.spec.write().unwrap_or_else(PoisonError::into_inner) = spec;
                consumer.wake.notify_one();
                continue;
            }
            let consumer = Consumer::new(service.clone(), Arc::clone(&queue), spec);
            running.insert((queue, service), Arc::clone(&consumer));
            self.tasks.spawn(consumer.work(Arc::clone(self)));
        }
    }
}

// === impl Consumer ===

impl Consumer {
    fn new(service: ServiceName, queue: Arc<str>, spec: ConsumerSpec) -> Arc<Self> {
        Arc::new(Self {
            share: service.as_str().into(),
            service,
            queue,
            spec: RwLock::new(spec),
            in_flight: AtomicUsize::new(0),
            wake: Notify::new(),
            stop: CancellationToken::new(),
        })
    }

    fn spec(&self) -> ConsumerSpec {
        self.spec.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn work(self: Arc<Self>, delivery: Arc<Delivery>) {
        let mut changes = delivery.store.queue_changes(&self.queue);
        let mut ask: Option<Ask> = None;
        let mut granted: Option<Place> = None;
        while !self.stop.is_cancelled() && !delivery.stop.is_cancelled() {
            changes.mark_unchanged();
            let leased = self.lease(&delivery, granted.take(), &mut ask).await;
            let again = match &leased {
                Ok(Leased::All) => continue,
                Ok(Leased::Fewer) => self.next_due(&delivery).await,
                Ok(Leased::Waiting) => None,
                Err(_) => Some(Instant::now() + STORE_RETRY),
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = delivery.stop.cancelled() => {}
                () = self.wake.notified() => {}
                changed = changes.changed(), if leased.is_ok() => if changed.is_err() { return },
                () = clock::sleep_until(again) => {}
                place = places::granted(&mut ask) => {
                    (ask, granted) = (None, place);
                }
            }
        }
    }

    /// Leases and begins what may begin.
    async fn lease(
        self: &Arc<Self>,
        delivery: &Arc<Delivery>,
        granted: Option<Place>,
        ask: &mut Option<Ask>,
    ) -> Result<Leased, Error> {
        let spec = self.spec();
        let concurrency = spec.concurrency.unwrap_or(1) as usize;
        let free = concurrency.saturating_sub(self.in_flight.load(Relaxed)).min(TOGETHER_MAX);
        let snapshot = delivery.dispatcher.snapshot();
        let Some(service) = snapshot.services.get(&self.service).filter(|_| free > 0) else {
            *ask = None;
            return Ok(Leased::Waiting);
        };
        let mut places: Vec<Place> = granted.into_iter().collect();
        while places.len() < free && ask.is_none() {
            match delivery.places.take(&self.share) {
                Some(place) => places.push(place),
                None => break,
            }
        }
        if places.is_empty() {
            ask.get_or_insert_with(|| delivery.places.ask(&self.share, 0));
            return Ok(Leased::Waiting);
        }
        let queue_visibility = delivery.visibility(&self.queue);
        let visibility = spec.visibility_timeout.map_or(queue_visibility, |timeout| timeout.0);
        let wanted = places.len();
        let leased = match delivery.lease_stored(&self.queue, wanted, visibility).await {
            // Nobody has enqueued anything yet.
            Err(Error::NotFound(_)) => Vec::new(),
            leased => leased?,
        };
        let all = leased.len() == wanted;
        for (message, place) in leased.into_iter().zip(places) {
            self.in_flight.fetch_add(1, Relaxed);
            let (consumer, service) = (Arc::clone(self), Arc::clone(service));
            let in_hand = InHand { consumer, service, message, place, visibility };
            let own = Arc::clone(delivery);
            delivery.tasks.spawn(async move { in_hand.handle(&own).await });
        }
        Ok(if all { Leased::All } else { Leased::Fewer })
    }

    /// When something becomes ready, as far as is known.
    async fn next_due(&self, delivery: &Delivery) -> Option<Instant> {
        let due = delivery.store.queue_next_due(&self.queue).await.ok().flatten()?;
        Some(clock::until(due))
    }
}

// === impl InHand ===

impl InHand {
    async fn handle(self, delivery: &Arc<Delivery>) {
        let Self { consumer, service, message, place, visibility } = self;
        let (queue, id) = (Arc::clone(&consumer.queue), Arc::clone(&message.id));
        let token = message.token.clone().unwrap_or_default();
        let (story, leased) = leased_of(&queue, message.clone());
        let handled = Handled::Message { queue: Arc::clone(&queue), id: Arc::clone(&id), token: Arc::clone(&token) };
        let correlationid = story.correlationid.unwrap_or_else(|| id.as_ref().to_owned());
        let own = story.traceparent.as_deref();
        let mut span = delivery.processing(own, &queue, &id, service.name().as_str(), leased.attempt);
        let below = span.as_mut().map(Active::traceparent);
        let context = CallContext {
            cause: Some(Arc::new(Cause { id: id.as_ref().to_owned(), correlationid })),
            handled: Some(Arc::new(handled)),
            ..context(Instant::now() + HANDLE_MAX, below.as_deref().or(own))
        };
        let call = delivery.dispatcher.handle_message(&service, context, &leased);
        let outcome = tokio::select! {
            answer = call => answered(answer),
            never = extend(delivery, &queue, &id, &token, visibility) => match never {},
        };
        traces::delivered(span, &outcome);
        drop(place);
        consumer.record(delivery, &message, &token, outcome).await;
        consumer.in_flight.fetch_sub(1, Relaxed);
        consumer.wake.notify_one();
    }
}

/// Extends a lease at each half of its time, for ever; to be dropped when the work is done.
async fn extend(
    delivery: &Delivery,
    queue: &Arc<str>,
    id: &str,
    token: &str,
    visibility: Duration,
) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(visibility / 2).await;
        let extended = delivery.settle_within(queue, id, token, Settlement::Extend(visibility), 1).await;
        if let Err(error) = extended {
            // Whoever works on finds out when it records its outcome; a store that is busy is asked again.
            tracing::debug!(queue = &**queue, message = id, %error, "a lease was not extended");
        }
    }
}

impl Consumer {
    /// Records what became of a message, however long the store takes. A lease that is lost, or was ended by the guest
    /// itself, is of no concern any more.
    async fn record(&self, delivery: &Delivery, message: &StoredMessage, token: &str, outcome: Outcome) {
        let spec = self.spec();
        let attempts_max = spec.max_attempts.unwrap_or_else(|| delivery.config().queue(&self.queue).max_attempts);
        let how = match outcome {
            Outcome::Done if spec.ack == Ack::Manual => return,
            Outcome::Done => Ok(Settlement::Ack),
            Outcome::Retry { reason, .. } => Ok(Settlement::Nack { reason, delay: None }),
            Outcome::Later(pause) => Err(pause),
            Outcome::Reject(reason) | Outcome::Unsubscribed(reason) | Outcome::Unreadable(reason) => {
                Ok(Settlement::Reject { reason })
            }
            Outcome::Gone => return,
        };
        loop {
            let recorded = match how.clone() {
                Ok(how) => delivery.settle_within(&self.queue, &message.id, token, how, attempts_max).await,
                Err(pause) => delivery.give_back(&self.queue, message, pause).await,
            };
            match recorded {
                Err(Error::Unavailable(_)) => tokio::time::sleep(STORE_RETRY).await,
                Err(error) => {
                    tracing::debug!(queue = &*self.queue, message = &*message.id, %error, "an outcome came too late");
                    return;
                }
                Ok(()) => return,
            }
        }
    }
}
