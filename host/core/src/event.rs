//! Events: CloudEvents 1.0 envelopes, as they are published, stored and delivered.
//!
//! The topic is CloudEvents' `type`. What a publisher leaves out, [`Draft::complete`] fills in; what is stored is
//! always complete, so nothing after that asks whether an attribute is there.

pub mod binding;
mod check;
pub mod codec;
mod json;
pub mod topic;

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{name::ServiceName, timestamp::Timestamp};

/// The largest payload of an event or message, in bytes; 1 MiB.
pub const DATA_MAX: usize = 1 << 20;

/// The largest envelope of an event, in bytes of attribute names and values; 64 KiB.
pub const ATTRIBUTES_MAX: usize = 64 << 10;

/// The media type of a payload that says none.
pub const DEFAULT_CONTENT_TYPE: &str = "application/json";

/// An event as it is stored and delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Unique within the source: a second event of the same source and id is stored once.
    pub id: String,
    /// Where it comes from, a URI reference; `/services/NAME` for a service of this host.
    pub source: String,
    /// The topic, CloudEvents' `type`.
    pub topic: String,
    /// When it happened, RFC 3339.
    pub time: String,
    /// What in the source it is about.
    pub subject: Option<String>,
    /// The media type of `data`; none means `application/json`.
    pub datacontenttype: Option<String>,
    /// The schema that `data` follows, a URI.
    pub dataschema: Option<String>,
    /// Shared by all events that one cause led to.
    pub correlationid: String,
    /// The id of the event or message that led to this one.
    pub causationid: Option<String>,
    /// The W3C trace context in which it was published.
    pub traceparent: Option<String>,
    /// Events of one key are delivered in order.
    pub partitionkey: Option<String>,
    /// Further extension attributes by name: lower-case letters and digits.
    pub extensions: BTreeMap<String, Attribute>,
    /// The payload; none when the event has none, which CloudEvents tells apart from an empty one.
    pub data: Option<Bytes>,
}

/// The value of an extension attribute, of CloudEvents' types those that JSON keeps apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// A Boolean.
    Boolean(bool),
    /// An Integer: 32 bits, signed.
    Integer(i32),
    /// A String; also a URI, a Timestamp or Binary in base64, which look alike on the wire.
    String(String),
}

/// An event to be published; what is none the host fills in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The topic.
    pub topic: String,
    /// None means a new UUIDv7.
    pub id: Option<String>,
    /// None means that of the publisher.
    pub source: Option<String>,
    /// None means now.
    pub time: Option<String>,
    /// As in [`Event`].
    pub subject: Option<String>,
    /// As in [`Event`].
    pub datacontenttype: Option<String>,
    /// As in [`Event`].
    pub dataschema: Option<String>,
    /// None means that of what is being handled, else the event's own id.
    pub correlationid: Option<String>,
    /// None means the id of what is being handled.
    pub causationid: Option<String>,
    /// None means the trace context of the call that publishes.
    pub traceparent: Option<String>,
    /// As in [`Event`].
    pub partitionkey: Option<String>,
    /// As in [`Event`].
    pub extensions: BTreeMap<String, Attribute>,
    /// As in [`Event`].
    pub data: Option<Bytes>,
}

/// What the host knows of a publication besides the draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Now.
    pub now: Timestamp,
    /// A new UUIDv7, for a draft without id.
    pub new_id: String,
    /// The source of a draft that says none; see [`service_source`].
    pub source: String,
    /// Of what is being handled while it is published.
    pub cause: Option<Cause>,
    /// The trace context of the call that publishes.
    pub traceparent: Option<String>,
}

/// What led to a publication: the event or message that is being handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The id of what is being handled; it becomes the causation id.
    pub id: String,
    /// The correlation id that is passed on.
    pub correlationid: String,
}

/// What publishing answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Receipt {
    /// The event's id.
    pub id: String,
    /// Its place in the log of all events, from 1; numbers rise and the events of one topic have gaps.
    pub sequence: u64,
    /// Whether an event of this source and id was there already; then nothing was stored.
    pub duplicate: bool,
}

/// How an event comes to a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The subscription's name.
    pub subscription: String,
    /// The event's place in the log.
    pub sequence: u64,
    /// 1 the first time; deferred deliveries do not count.
    pub attempt: u32,
}

/// What an event middleware makes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Goes on as it is.
    Pass,
    /// Goes on like this; id, source and topic stay.
    Change(Box<Event>),
    /// Is not stored; the publisher gets this text.
    Reject(String),
}

/// Why an envelope does not hold; the text names the attribute and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEvent(pub String);

/// The source of events of a service: `/services/NAME`.
pub fn service_source(service: &ServiceName) -> String {
    format!("/services/{service}")
}

// === impl Event ===

impl Event {
    /// The attributes that have names of their own, as far as they are said; extensions come after them.
    fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let required = [
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.topic),
            ("time", &self.time),
            ("correlationid", &self.correlationid),
        ];
        let optional = [
            ("subject", &self.subject),
            ("datacontenttype", &self.datacontenttype),
            ("dataschema", &self.dataschema),
            ("causationid", &self.causationid),
            ("traceparent", &self.traceparent),
            ("partitionkey", &self.partitionkey),
        ];
        let said = optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        required.into_iter().map(|(name, value)| (name, value.as_str())).chain(said)
    }
}
