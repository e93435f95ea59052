//! The log of events of the host in memory.

use super::{Cause, Host, with};
use crate::bindings::switchyard::plugin::event_types::{Draft, Event};
use crate::events::{Error, Receipt};
use crate::{clock, uuid};

/// The largest payload that the host takes.
pub(super) const DATA_MAX: usize = 1 << 20;

pub(crate) fn publish(draft: Draft) -> Result<Receipt, Error> {
    let event = complete(draft).map_err(Error::Invalid)?;
    Ok(with(|host| host.append(event)))
}

pub(crate) fn publish_many(drafts: Vec<Draft>) -> Result<Vec<Receipt>, Error> {
    let events: Vec<Event> = drafts.into_iter().map(complete).collect::<Result<_, _>>().map_err(Error::Invalid)?;
    Ok(with(|host| events.into_iter().map(|event| host.append(event)).collect()))
}

pub(crate) fn published() -> Vec<Event> {
    with(|host| host.events.clone())
}

/// Fills in what the draft leaves out, and refuses what the host would refuse, as far as authors run into it.
pub(crate) fn complete(draft: Draft) -> Result<Event, String> {
    let topic = &draft.topic;
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'/'))
    };
    if !topic.split('.').all(is_word) {
        return Err(format!("'{topic}' is not a topic"));
    }
    if draft.data.len() > DATA_MAX {
        return Err(format!("the data has {} bytes, over the limit of {DATA_MAX}", draft.data.len()));
    }
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if let Some((name, _)) = draft.extensions.iter().find(|(name, _)| !is_name(name)) {
        return Err(format!("the extension '{name}': use lower-case letters and digits"));
    }
    let now = clock::now();
    let id = draft.id.unwrap_or_else(|| uuid::v7_at(now));
    let (cause, correlation) = match with(|host| host.handling.clone()) {
        Some(Cause::Event(event)) => (Some(event.id), Some(event.correlationid)),
        Some(Cause::Message(message)) => (Some(message.id), None),
        None => (None, None),
    };
    Ok(Event {
        source: draft.source.unwrap_or_else(|| "/services/test".to_owned()),
        topic: draft.topic,
        time: draft.time.unwrap_or_else(|| now.to_string()),
        subject: draft.subject,
        datacontenttype: draft.datacontenttype,
        correlationid: draft.correlationid.or(correlation).unwrap_or_else(|| id.clone()),
        causationid: draft.causationid.or(cause),
        traceparent: None,
        partitionkey: draft.partitionkey,
        extensions: draft.extensions,
        data: draft.data,
        id,
    })
}

// === impl Host ===

impl Host {
    pub(super) fn append(&mut self, event: Event) -> Receipt {
        let id = event.id.clone();
        let known = self.events.iter().position(|other| (&other.source, &other.id) == (&event.source, &event.id));
        let at = known.unwrap_or(self.events.len());
        if known.is_none() {
            self.events.push(event);
        }
        Receipt { id, sequence: at as u64 + 1, duplicate: known.is_some() }
    }
}
