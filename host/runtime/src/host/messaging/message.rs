//! A message, and its way from and to an event.

use std::collections::BTreeMap;

use bytes::Bytes;
use switchyard_core::event::{Attribute, DEFAULT_CONTENT_TYPE, Draft, Event};

/// What a message holds besides its text, about; so that many small ones count too.
const MESSAGE_OVERHEAD: usize = 256;

/// What a pair of metadata holds besides its text, about.
const PAIR_OVERHEAD: usize = 64;

/// A message, in the host's memory.
#[allow(unreachable_pub, reason = "the generated code names it as public")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub(super) topic: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) data: Bytes,
    pub(super) metadata: BTreeMap<String, String>,
}

// === impl Message ===

impl Message {
    /// An event as a handler gets it.
    pub(crate) fn of_event(event: &Event) -> Self {
        let mut metadata = BTreeMap::new();
        let mut set = |name: &str, value: &str| metadata.insert(name.to_owned(), value.to_owned());
        set("id", &event.id);
        set("source", &event.source);
        set("time", &event.time);
        set("correlationid", &event.correlationid);
        let optional = [
            ("subject", &event.subject),
            ("dataschema", &event.dataschema),
            ("causationid", &event.causationid),
            ("traceparent", &event.traceparent),
            ("partitionkey", &event.partitionkey),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                set(name, value);
            }
        }
        for (name, value) in &event.extensions {
            set(name, &value.to_text());
        }
        let content_type = event.datacontenttype.clone();
        let default = event.data.is_some().then(|| DEFAULT_CONTENT_TYPE.to_owned());
        Self {
            topic: Some(event.topic.clone()),
            content_type: content_type.or(default),
            data: event.data.clone().unwrap_or_default(),
            metadata,
        }
    }

    /// The event that is published. A name that no attribute can have is refused where all events are checked.
    pub(super) fn into_draft(mut self, topic: String) -> Draft {
        let mut take = |name: &str| self.metadata.remove(name);
        Draft {
            topic,
            id: take("id"),
            source: take("source"),
            time: take("time"),
            subject: take("subject"),
            dataschema: take("dataschema"),
            correlationid: take("correlationid"),
            causationid: take("causationid"),
            traceparent: take("traceparent"),
            partitionkey: take("partitionkey"),
            datacontenttype: self.content_type,
            extensions: self.metadata.into_iter().map(|(name, value)| (name, Attribute::String(value))).collect(),
            data: Some(self.data).filter(|data| !data.is_empty()),
        }
    }

    /// The bytes of all attributes.
    pub(super) fn envelope_bytes(&self) -> usize {
        let pairs: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        text(&self.topic) + text(&self.content_type) + pairs
    }

    /// About what it holds in memory.
    pub(super) fn bytes(&self) -> usize {
        MESSAGE_OVERHEAD + self.data.len() + self.envelope_bytes() + PAIR_OVERHEAD * self.metadata.len()
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::{
        event::{Cause, Circumstances},
        timestamp::Timestamp,
    };

    use super::*;

    fn circumstances() -> Circumstances {
        Circumstances {
            now: Timestamp(0),
            new_id: "1".to_owned(),
            source: "/services/shop".to_owned(),
            cause: None,
            traceparent: None,
        }
    }

    fn event() -> Event {
        let draft = Draft {
            topic: "order.created".to_owned(),
            subject: Some("17".to_owned()),
            dataschema: Some("https://example.com/order".to_owned()),
            partitionkey: Some("k".to_owned()),
            extensions: [("tenant".to_owned(), Attribute::String("a".to_owned()))].into(),
            data: Some(Bytes::from_static(b"{}")),
            ..Draft::default()
        };
        let cause = Some(Cause { id: "0".to_owned(), correlationid: "c".to_owned() });
        let traceparent = Some("00-0-0-00".to_owned());
        draft.complete(Circumstances { cause, traceparent, ..circumstances() }).unwrap()
    }

    #[test]
    fn an_event_that_comes_in_and_goes_out_is_the_same() {
        let event = event();
        let message = Message::of_event(&event);
        assert_eq!(
            (message.topic.as_deref(), message.content_type.as_deref()),
            (Some("order.created"), Some("application/json"))
        );
        let elsewhere = Circumstances { new_id: "9".to_owned(), source: "/elsewhere".to_owned(), ..circumstances() };
        let again = message.into_draft(event.topic.clone()).complete(elsewhere).unwrap();
        assert_eq!(again, Event { datacontenttype: Some(DEFAULT_CONTENT_TYPE.to_owned()), ..event });
    }

    #[test]
    fn metadata_that_is_no_attribute_is_refused_by_name() {
        for name in ["Bad-Key", "type", "specversion", "datacontenttype", "data"] {
            let metadata = [(name.to_owned(), "1".to_owned())].into();
            let draft = Message { metadata, ..Message::default() }.into_draft("a".to_owned());
            let error = draft.complete(circumstances()).unwrap_err().to_string();
            assert!(error.contains(&format!("'{name}'")), "{error}");
        }
    }
}
