//! How an event is laid out in the store: a version, the attributes as JSON, the payload as it is.
//!
//! The payload is neither escaped nor copied into text, so reading an event costs its attributes only.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, InvalidEvent};

/// The first byte: this layout, without and with a payload.
const WITHOUT_DATA: u8 = 1;
const WITH_DATA: u8 = 2;

/// The bytes before the attributes: the version, and the attributes' length.
const HEAD: usize = 1 + size_of::<u32>();

/// The attributes; those that are none are left out.
#[derive(Serialize, Deserialize)]
struct Attributes<T> {
    id: T,
    source: T,
    #[serde(rename = "type")]
    topic: T,
    time: T,
    correlationid: T,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    subject: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    dataschema: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    causationid: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    traceparent: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    partitionkey: Option<T>,
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Attribute>,
}

fn none<T>() -> Option<T> {
    None
}

/// The event as bytes.
#[must_use]
pub fn encode(event: &Event) -> Bytes {
    let attributes = Attributes::<&str> {
        id: &event.id,
        source: &event.source,
        topic: &event.topic,
        time: &event.time,
        correlationid: &event.correlationid,
        subject: event.subject.as_deref(),
        datacontenttype: event.datacontenttype.as_deref(),
        dataschema: event.dataschema.as_deref(),
        causationid: event.causationid.as_deref(),
        traceparent: event.traceparent.as_deref(),
        partitionkey: event.partitionkey.as_deref(),
        extensions: event.extensions.clone(),
    };
    // Strings, numbers and maps with string keys always serialise.
    let attributes = serde_json::to_vec(&attributes).unwrap_or_default();
    let data = event.data.as_ref();
    let mut bytes = BytesMut::with_capacity(HEAD + attributes.len() + data.map_or(0, Bytes::len));
    bytes.put_u8(if data.is_some() { WITH_DATA } else { WITHOUT_DATA });
    bytes.put_u32(u32::try_from(attributes.len()).unwrap_or(u32::MAX));
    bytes.put_slice(&attributes);
    bytes.put_slice(data.map_or(&[][..], |data| data));
    bytes.freeze()
}

/// The event that these bytes are; the payload shares their memory.
///
/// # Errors
/// When they are no event of a layout that this host knows.
pub fn decode(record: &Bytes) -> Result<Event, InvalidEvent> {
    let broken = |why: &str| InvalidEvent(format!("a stored event cannot be read: {why}; restore it from a backup"));
    let mut rest = record.clone();
    if rest.len() < HEAD {
        return Err(broken("it is too short"));
    }
    let version = rest.get_u8();
    let length = rest.get_u32() as usize;
    if !matches!(version, WITHOUT_DATA | WITH_DATA) || rest.len() < length {
        return Err(broken("its layout is unknown"));
    }
    let attributes = rest.split_to(length);
    let attributes: Attributes<String> =
        serde_json::from_slice(&attributes).map_err(|error| broken(&error.to_string()))?;
    Ok(Event {
        id: attributes.id,
        source: attributes.source,
        topic: attributes.topic,
        time: attributes.time,
        subject: attributes.subject,
        datacontenttype: attributes.datacontenttype,
        dataschema: attributes.dataschema,
        correlationid: attributes.correlationid,
        causationid: attributes.causationid,
        traceparent: attributes.traceparent,
        partitionkey: attributes.partitionkey,
        extensions: attributes.extensions,
        data: (version == WITH_DATA).then_some(rest),
    })
}
