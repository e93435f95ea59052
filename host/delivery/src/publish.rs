//! Publishing: grants, what is missing, middleware, one append; and reading events back.
//!
//! That half ends with the commit. Delivering is somebody else's.

use std::{sync::Arc, time::Duration};

use switchyard_core::{
    event::{
        Cause, Circumstances, Draft, Event, InvalidEvent, Receipt, binding::BATCH_MAX, codec, service_source,
        topic::Pattern,
    },
    timestamp::Timestamp,
};
use switchyard_runtime::ports::Origin;
use switchyard_store::{Append, Batch, LogOp, LogOutcome, Op, Outcome, ReadLog};

use crate::{
    announce::{self, AUDIT},
    clock,
    config::{Config, DEDUPLICATION, Topic, TopicDurability},
    delivery::Delivery,
    error::Error,
    random,
    traces::Sending,
};

/// Pages of the log that one question may look through; what it did not come to is behind its cursor.
const PAGES_MAX: usize = 50;

/// Bytes of events in one answer; what is over that is behind its cursor.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// Who publishes or enqueues.
#[derive(Clone, Debug)]
pub struct Publisher(Who);

#[derive(Clone, Debug)]
enum Who {
    /// The host itself: middleware does not see its events.
    Host,
    /// An operator, through the interface of this source.
    Operator(&'static str),
    /// A guest.
    Service(Box<Origin>),
    /// An event that the host acts upon.
    Event { cause: Cause, traceparent: Option<String> },
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At the first event that is kept.
    First,
    /// After this sequence.
    After(u64),
    /// At the first event published at this moment or later.
    Time(Timestamp),
}

/// Events in the order of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsPage {
    /// Sequence and event.
    pub items: Vec<(u64, Event)>,
    /// Where to read on [`After`](From::After); none when there was nothing more.
    pub next: Option<u64>,
}

/// Events that are ready to be stored, in order.
pub(crate) struct Prepared {
    pub(crate) events: Vec<Event>,
    /// Their spans, and those of what else is in the same commit.
    pub(crate) sending: Sending,
    now: Timestamp,
}

// === impl Publisher ===

impl Publisher {
    /// An operator; events that name no source have this one.
    #[must_use]
    pub fn operator(source: &'static str) -> Self {
        Self(Who::Operator(source))
    }

    /// The host itself.
    pub(crate) fn host() -> Self {
        Self(Who::Host)
    }

    /// A guest in the circumstances of its call.
    pub(crate) fn service(origin: Origin) -> Self {
        Self(Who::Service(Box::new(origin)))
    }

    /// Whoever published this event.
    pub(crate) fn started_by(event: &Event) -> Self {
        Self(Who::Event {
            cause: Cause { id: event.id.clone(), correlationid: event.correlationid.clone() },
            traceparent: event.traceparent.clone(),
        })
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        match &self.0 {
            Who::Service(origin) => Some(origin),
            Who::Host | Who::Operator(_) | Who::Event { .. } => None,
        }
    }

    /// Whether a trace may begin with what it publishes.
    pub(crate) fn may_begin_trace(&self) -> bool {
        matches!(self.0, Who::Operator(_))
    }

    fn is_host(&self) -> bool {
        matches!(self.0, Who::Host)
    }

    pub(crate) fn circumstances(&self, now: Timestamp) -> Circumstances {
        let (source, context) = match &self.0 {
            Who::Event { cause, traceparent } => {
                let (source, new_id) = (announce::SOURCE.to_owned(), random::id());
                let (cause, traceparent) = (Some(cause.clone()), traceparent.clone());
                return Circumstances { now, new_id, source, cause, traceparent };
            }
            Who::Host => (announce::SOURCE.to_owned(), None),
            Who::Operator(source) => ((*source).to_owned(), None),
            Who::Service(origin) => (service_source(&origin.service), Some(&origin.context)),
        };
        Circumstances {
            now,
            new_id: random::id(),
            source,
            cause: context.and_then(|context| context.cause.as_deref().cloned()),
            traceparent: context.and_then(|context| context.traceparent.as_deref().map(str::to_owned)),
        }
    }
}

// === impl Delivery ===

impl Delivery {
    /// Publishes all of these in one commit, or none; the receipts are in their order.
    ///
    /// # Errors
    /// When one does not hold, is rejected or not granted, or the store cannot take them.
    pub async fn publish(&self, publisher: Publisher, drafts: Vec<Draft>) -> Result<Vec<Receipt>, Error> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let prepared = self.prepare(&publisher, drafts).await?;
        let config = self.config();
        let mut batch = prepared.appends(&config).fold(Batch::new(), Batch::with);
        if prepared.events.iter().all(|event| topic(&config, &event.topic).durability != TopicDurability::Durable) {
            batch = batch.relaxed();
        }
        match self.store.commit(batch).await {
            Ok(committed) => Ok(prepared.receipts(&committed.outcomes)),
            Err(error) => {
                let error = Error::from(error);
                prepared.sending.fail(&error);
                Err(error)
            }
        }
    }

    /// Checks and completes drafts, and lets middleware see them.
    pub(crate) async fn prepare(&self, publisher: &Publisher, drafts: Vec<Draft>) -> Result<Prepared, Error> {
        let several = drafts.len() > 1;
        if drafts.len() > BATCH_MAX {
            return Err(Error::Invalid(format!("{} events at once, over the limit of {BATCH_MAX}", drafts.len())));
        }
        let (config, now) = (self.config(), clock::now());
        let (mut events, mut sending) = (Vec::with_capacity(drafts.len()), Sending::default());
        for (place, draft) in drafts.into_iter().enumerate() {
            if draft.topic == AUDIT && !publisher.is_host() {
                return Err(Error::Denied(format!("what is on {AUDIT} is what operators did; only the host says it")));
            }
            if let Some(origin) = publisher.origin() {
                config.may_publish(&origin.service, &draft.topic)?;
            }
            let complete = draft.complete(publisher.circumstances(now));
            let mut event = complete.map_err(|InvalidEvent(text)| {
                Error::InvalidEvent(InvalidEvent(if several { format!("event {place}: {text}") } else { text }))
            })?;
            let may_begin = publisher.may_begin_trace();
            let span = self.sending(event.traceparent.as_deref(), may_begin, &event.topic, &event.id);
            sending.extend(span.map(|mut span| {
                event.traceparent = Some(span.traceparent().as_ref().to_owned());
                span
            }));
            events.push(event);
        }
        if !publisher.is_host() && !config.middleware.is_empty() {
            let context = publisher.origin().map(|origin| &origin.context);
            for event in &mut events {
                if let Err(error) = self.pass_middleware(&config, context, event).await {
                    sending.fail(&error);
                    return Err(error);
                }
            }
        }
        Ok(Prepared { events, sending, now })
    }

    /// Events of these topics (none means all), at most `limit`, from a place on.
    ///
    /// # Errors
    /// When the store cannot be read, or an event in it is damaged.
    pub async fn events(&self, topics: Option<Pattern>, from: From, limit: usize) -> Result<EventsPage, Error> {
        let mut after = match from {
            From::First => 0,
            From::After(sequence) => sequence,
            From::Time(time) => self.store.log_seek(time).await?,
        };
        let (mut page, mut bytes) = (EventsPage::default(), 0);
        for _ in 0..PAGES_MAX {
            let read = ReadLog { after, topics: topics.clone(), limit: limit - page.items.len() };
            let found = self.store.log_read(read).await?;
            for record in found.records {
                bytes += record.record.len();
                page.items.push((record.sequence, codec::decode(&record.record)?));
            }
            after = found.scanned;
            page.next = found.more.then_some(after);
            if page.items.len() >= limit || bytes >= PAGE_BYTES_MAX || !found.more {
                break;
            }
        }
        Ok(page)
    }
}

// === impl Prepared ===

impl Prepared {
    /// The operations that store these.
    pub(crate) fn appends(&self, config: &Config) -> impl Iterator<Item = Op> {
        self.events.iter().map(|event| Op::Log(LogOp::Append(append(config, event, self.now))))
    }

    /// What publishing answers, from the outcomes of the appends.
    pub(crate) fn receipts<'a>(self, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Vec<Receipt> {
        let appended = outcomes.into_iter().filter_map(|outcome| match outcome {
            Outcome::Log(LogOutcome::Appended { sequence, duplicate }) => Some((*sequence, *duplicate)),
            _ => None,
        });
        self.sending.end();
        let receipt =
            |(event, (sequence, duplicate)): (Event, (u64, bool))| Receipt { id: event.id, sequence, duplicate };
        self.events.into_iter().zip(appended).map(receipt).collect()
    }
}

/// The record of an event that is published now.
pub(crate) fn append(config: &Config, event: &Event, now: Timestamp) -> Append {
    let Topic { durability, retention } = topic(config, &event.topic);
    Append {
        topic: event.topic.as_str().into(),
        source: event.source.as_str().into(),
        id: event.id.as_str().into(),
        duplicates_since: now.minus(deduplication(retention)),
        published_at: now,
        volatile: durability == TopicDurability::Memory,
        record: codec::encode(event),
    }
}

/// How long a source and id is remembered: no longer than the event itself.
fn deduplication(retention: Duration) -> Duration {
    retention.min(DEDUPLICATION)
}

/// What is said of a topic.
pub(crate) fn topic(config: &Config, name: &str) -> Topic {
    config.topics.get(name).copied().unwrap_or_default()
}

impl Delivery {
    /// An event of the host's own, complete.
    pub(crate) fn own_event(
        &self,
        topic: &str,
        subject: Option<String>,
        data: &serde_json::Value,
    ) -> Result<Event, Error> {
        let data = Some(data.to_string().into());
        let draft = Draft { topic: topic.to_owned(), subject, data, ..Draft::default() };
        Ok(draft.complete(Publisher::host().circumstances(clock::now()))?)
    }
}

/// A text that is shared.
pub(crate) fn shared(text: &str) -> Arc<str> {
    text.into()
}
