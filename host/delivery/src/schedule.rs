//! Schedules: events and messages by the clock.
//!
//! Each has a durable timer. Firing takes the timer, sets the next one and makes the event or message, all in one commit;
//! so it happens once, and what was missed while nobody was there is made up for once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use switchyard_core::{
    event::{Draft, service_source},
    manifest::{ScheduleSpec, Target},
    message,
    name::ServiceName,
    schedule::Plan,
    timestamp::Timestamp,
};
use switchyard_store::{Batch, QueueOp, StoreError, Timer, TimerOp};

use crate::{
    announce, clock, config::CURSOR_KEPT, delivery::Delivery, error::Error, publish::Publisher, timers::taken,
    traces::Sending,
};

/// What the keys of schedules' timers begin with.
pub(crate) const PREFIX: &str = "schedule/";

/// How often a due schedule is looked at whose plugin is not there.
const ABSENT_PERIOD: Duration = Duration::from_secs(60);

/// How often one is tried again that could not make its event or message.
const REFUSED_PERIOD: Duration = Duration::from_secs(5);

/// The schedules that are wanted, by the keys of their timers.
#[derive(Default)]
pub(crate) struct Schedules(Mutex<BTreeMap<Arc<str>, Arc<Wanted>>>);

/// A schedule that is wanted.
struct Wanted {
    spec: ScheduleSpec,
    plan: Plan,
    owner: Option<ServiceName>,
}

/// What a timer carries.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    spec: ScheduleSpec,
    /// What intervals count from.
    anchor: Timestamp,
    /// Since when its plugin has been missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent_since: Option<Timestamp>,
}

// === impl Schedules ===

impl Schedules {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Wanted>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Delivery ===

impl Delivery {
    /// Sets timers for schedules that are new or have changed; answers whether the store took them.
    pub(crate) async fn follow_schedules(&self) -> bool {
        let wanted = self.wanted_schedules();
        *self.schedules.lock() = wanted.clone();
        for (key, wanted) in &wanted {
            if let Err(error) = self.set_schedule(key, wanted).await {
                tracing::warn!(schedule = &**key, %error, "a schedule waits for the store");
                return false;
            }
        }
        self.timers.notify_one();
        true
    }

    fn wanted_schedules(&self) -> BTreeMap<Arc<str>, Arc<Wanted>> {
        let (config, snapshot) = (self.config(), self.dispatcher.snapshot());
        let of_config = config.schedules.iter().map(|spec| (None, spec));
        let of_manifests = snapshot.services.values().flat_map(|service| {
            service.manifest.schedules.iter().map(move |spec| (Some(service.name().clone()), spec))
        });
        let wanted = of_config.chain(of_manifests).filter_map(|(owner, spec)| {
            if let Some(service) = &owner {
                let granted = match &spec.target {
                    Target::Topic(topic) => config.may_publish(service, topic),
                    Target::Queue(queue) => config.may_use_queue(service, queue),
                };
                let warn = |error: &Error| {
                    tracing::warn!(%service, schedule = spec.name, %error, "a schedule is left out");
                };
                granted.inspect_err(warn).ok()?;
            }
            // Checked when it was declared.
            let plan = Plan::new(&spec.timetable).ok()?;
            let key = format!("{PREFIX}{}/{}", owner.as_ref().map_or("", ServiceName::as_str), spec.name);
            Some((key.into(), Arc::new(Wanted { spec: spec.clone(), plan, owner })))
        });
        wanted.collect()
    }

    async fn set_schedule(&self, key: &Arc<str>, wanted: &Wanted) -> Result<(), StoreError> {
        let now = clock::now();
        let known = self.store.timer(key).await?;
        let payload = known.as_ref().and_then(|timer| serde_json::from_slice::<Payload>(&timer.payload).ok());
        let timer = match payload {
            Some(payload) if payload.spec == wanted.spec => match payload.absent_since {
                None => return Ok(()),
                // It is back, and what it missed is due.
                Some(_) => timer(key, now, wanted, payload.anchor),
            },
            _ => match wanted.plan.next(now, now) {
                Some(due) => timer(key, due, wanted, now),
                None => return Ok(()),
            },
        };
        self.store.commit(Batch::new().with(TimerOp::Set(timer))).await.map(drop)
    }

    /// Fires a schedule, if it is wanted still.
    pub(crate) async fn fire_schedule(&self, due: &Timer, now: Timestamp) -> Result<(), StoreError> {
        let wanted = self.schedules.lock().get(&due.key).cloned();
        let payload = serde_json::from_slice::<Payload>(&due.payload).ok();
        let (Some(wanted), Some(payload)) = (wanted, &payload) else { return self.miss(due, payload, now).await };
        let batch = match wanted.plan.next(payload.anchor, now) {
            Some(next) => taken(due).with(TimerOp::Set(timer(&due.key, next, &wanted, payload.anchor))),
            None => taken(due),
        };
        match self.make(&wanted, due, batch.clone()).await {
            Ok((batch, sending)) => match self.store.commit(batch).await {
                Err(StoreError::QueueFull { queue, .. }) => {
                    self.put_off(due, &format!("Queue {queue} is full"), now).await
                }
                Ok(_) => {
                    sending.end();
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Err(Error::Unavailable(_)) => Err(StoreError::Busy),
            // What can never be made is left out, and the next one is tried.
            Err(error) => {
                tracing::warn!(schedule = &*due.key, %error, "a schedule made nothing");
                self.store.commit(batch).await.map(drop)
            }
        }
    }

    /// Adds the event or message to the batch; and its span.
    async fn make(&self, wanted: &Wanted, due: &Timer, batch: Batch) -> Result<(Batch, Sending), Error> {
        let data = (!wanted.spec.data.is_null()).then(|| wanted.spec.data.to_string().into_bytes().into());
        let publisher = Publisher::operator(announce::SOURCE);
        match &wanted.spec.target {
            Target::Topic(topic) => {
                let draft = Draft {
                    topic: topic.clone(),
                    id: Some(format!("{}@{}", due.key, due.due)),
                    source: wanted.owner.as_ref().map(service_source),
                    data,
                    ..Draft::default()
                };
                let prepared = self.prepare(&publisher, vec![draft]).await?;
                let batch = prepared.appends(&self.config()).fold(batch, Batch::with);
                Ok((batch, prepared.sending))
            }
            Target::Queue(queue) => {
                let draft = message::Draft {
                    queue: queue.clone(),
                    data: data.unwrap_or_default(),
                    ..message::Draft::default()
                };
                let (enqueue, span) = self.enqueue_op(&publisher, draft)?;
                let mut sending = Sending::default();
                sending.extend(span);
                Ok((batch.with(QueueOp::Enqueue(enqueue)), sending))
            }
        }
    }

    async fn put_off(&self, due: &Timer, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        tracing::warn!(schedule = &*due.key, reason, "a schedule waits");
        let later = Timer { due: now.plus(REFUSED_PERIOD), ..due.clone() };
        self.store.commit(taken(due).with(TimerOp::Set(later))).await.map(drop)
    }

    /// A schedule is due that nobody wants now: its plugin may come back, but not for ever.
    async fn miss(&self, due: &Timer, payload: Option<Payload>, now: Timestamp) -> Result<(), StoreError> {
        let Some(payload) = payload else {
            return self.store.commit(taken(due)).await.map(drop);
        };
        let since = payload.absent_since.unwrap_or(due.due);
        if now.since(since) >= CURSOR_KEPT {
            tracing::info!(schedule = &*due.key, "a schedule is forgotten whose plugin is gone");
            return self.store.commit(taken(due)).await.map(drop);
        }
        let payload = Payload { absent_since: Some(since), ..payload };
        let later = Timer { key: Arc::clone(&due.key), due: now.plus(ABSENT_PERIOD), payload: encoded(&payload) };
        self.store.commit(taken(due).with(TimerOp::Set(later))).await?;
        // It may have become wanted since it was looked for, by somebody who saw its timer as it was before.
        if self.schedules.lock().contains_key(&due.key) {
            self.wanted.notify_one();
        }
        Ok(())
    }
}

fn timer(key: &Arc<str>, due: Timestamp, wanted: &Wanted, anchor: Timestamp) -> Timer {
    let payload = Payload { spec: wanted.spec.clone(), anchor, absent_since: None };
    Timer { key: Arc::clone(key), due, payload: encoded(&payload) }
}

fn encoded(payload: &Payload) -> bytes::Bytes {
    // Texts, numbers and JSON always serialise.
    serde_json::to_vec(payload).unwrap_or_default().into()
}
