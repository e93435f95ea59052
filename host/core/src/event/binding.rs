//! CloudEvents over HTTP, 1.0.2: binary, structured and batch mode, in and out.
//!
//! The specification requires `id` and `source`; here the host fills them in when they are missing, so that a plain
//! `curl` can publish.

use bytes::Bytes;
use serde_json::Value;

use super::{Attribute, Draft, Event, InvalidEvent, json::SPECVERSION};

/// The most events of one batch.
pub const BATCH_MAX: usize = 1_000;

/// The media types of structured and batch mode, in JSON.
pub const STRUCTURED: &str = "application/cloudevents+json";
/// See [`STRUCTURED`].
pub const BATCH: &str = "application/cloudevents-batch+json";

/// What every media type of CloudEvents begins with.
const FAMILY: &str = "application/cloudevents";

/// The prefix of attributes among headers.
const PREFIX: &str = "ce-";

/// The events of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The events, in order.
    pub drafts: Vec<Draft>,
    /// Whether they came in batch mode.
    pub is_batch: bool,
}

/// Why a request holds no events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// A format that is not spoken here.
    #[error("'{0}' is not spoken here: send {STRUCTURED}, {BATCH}, or ce- headers with any other type")]
    UnsupportedMediaType(String),
    /// An event that does not hold.
    #[error("{0}")]
    Invalid(InvalidEvent),
    /// An event of a batch that does not hold; the first is 0.
    #[error("event {0} of the batch: {1}")]
    InvalidInBatch(usize, InvalidEvent),
}

/// Reads the events of a request: its `Content-Type`, all its headers, and its body.
///
/// # Errors
/// When it is not CloudEvents, or they do not hold.
pub fn parse<'a>(
    content_type: Option<&[u8]>,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    body: Bytes,
) -> Result<Parsed, BindingError> {
    let content_type = content_type.map(text).transpose()?;
    let media_type = content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        STRUCTURED => {
            let draft = Draft::from_json(json(&body)?).map_err(BindingError::Invalid)?;
            Ok(Parsed { drafts: vec![draft], is_batch: false })
        }
        BATCH => Ok(Parsed { drafts: batch(&body)?, is_batch: true }),
        other if other.starts_with(FAMILY) => Err(BindingError::UnsupportedMediaType(media_type.to_owned())),
        _ => Ok(Parsed { drafts: vec![binary(content_type, headers, body)?], is_batch: false }),
    }
}

fn batch(body: &Bytes) -> Result<Vec<Draft>, BindingError> {
    let wrong = |text: String| BindingError::Invalid(InvalidEvent(text));
    let Value::Array(events) = json(body)? else { return Err(wrong("a batch is a JSON array of events".to_owned())) };
    if events.len() > BATCH_MAX {
        return Err(wrong(format!(
            "the batch has {} events, over the limit of {BATCH_MAX}; send it in parts",
            events.len()
        )));
    }
    let read = |(place, event)| Draft::from_json(event).map_err(|invalid| BindingError::InvalidInBatch(place, invalid));
    events.into_iter().enumerate().map(read).collect()
}

fn binary<'a>(
    content_type: Option<String>,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    body: Bytes,
) -> Result<Draft, BindingError> {
    let wrong = |text: String| BindingError::Invalid(InvalidEvent(text));
    let mut draft =
        Draft { datacontenttype: content_type, data: Some(body).filter(|body| !body.is_empty()), ..Draft::default() };
    let (mut version, mut seen) = (None, std::collections::BTreeSet::new());
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let Some(attribute) = name.strip_prefix(PREFIX) else { continue };
        if !seen.insert(attribute.to_owned()) {
            return Err(wrong(format!("the header {name} is there twice")));
        }
        let value =
            decode(&text(value)?).ok_or_else(|| wrong(format!("the header {name} is not UTF-8 in percent escapes")))?;
        match attribute {
            "specversion" => version = Some(value),
            "type" => draft.topic = value,
            "id" => draft.id = Some(value),
            "source" => draft.source = Some(value),
            "time" => draft.time = Some(value),
            "subject" => draft.subject = Some(value),
            "dataschema" => draft.dataschema = Some(value),
            "correlationid" => draft.correlationid = Some(value),
            "causationid" => draft.causationid = Some(value),
            "traceparent" => draft.traceparent = Some(value),
            "partitionkey" => draft.partitionkey = Some(value),
            "datacontenttype" => {
                return Err(wrong("the data's type goes into Content-Type, not ce-datacontenttype".to_owned()));
            }
            _ => drop(draft.extensions.insert(attribute.to_owned(), Attribute::String(value))),
        }
    }
    match version.as_deref() {
        Some(SPECVERSION) if !draft.topic.is_empty() => Ok(draft),
        Some(SPECVERSION) => Err(wrong("the header ce-type is missing: it is the topic".to_owned())),
        Some(other) => Err(wrong(format!("the header ce-specversion is '{other}', not {SPECVERSION}"))),
        None => Err(wrong(format!(
            "this is no CloudEvent: send ce- headers with ce-specversion: {SPECVERSION}, or {STRUCTURED}"
        ))),
    }
}

fn json(body: &Bytes) -> Result<Value, BindingError> {
    serde_json::from_slice(body)
        .map_err(|error| BindingError::Invalid(InvalidEvent(format!("the body is not JSON: {error}"))))
}

fn text(value: &[u8]) -> Result<String, BindingError> {
    let invalid = |_| BindingError::Invalid(InvalidEvent("a header is not UTF-8".to_owned()));
    String::from_utf8(value.to_vec()).map_err(invalid)
}

/// Undoes the percent escapes of a header's value; a value in double quotes loses them first, as the binding says.
fn decode(value: &str) -> Option<String> {
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let (mut rest, mut decoded) = (unquoted.unwrap_or(value).as_bytes(), Vec::with_capacity(value.len()));
    while let [byte, after @ ..] = rest {
        let escaped = (*byte == b'%').then(|| after.get(..2)).flatten();
        let byte =
            escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).map(|b| (b, 2));
        let (byte, used) = byte.unwrap_or((rest[0], 0));
        decoded.push(byte);
        rest = &after[used..];
    }
    String::from_utf8(decoded).ok()
}

/// Escapes what may not stand in a header: all but printable ASCII, and space, double quote and percent.
fn encode(value: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'"' | b'%' => drop(write!(encoded, "%{byte:02X}")),
            0x21..=0x7e => encoded.push(char::from(byte)),
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

// === impl Event ===

impl Event {
    /// The headers of binary mode, `Content-Type` included when there is data; the body is the data.
    #[must_use]
    pub fn to_headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("ce-specversion".to_owned(), SPECVERSION.to_owned())];
        let mut set = |name: &str, value: &str| headers.push((format!("{PREFIX}{name}"), encode(value)));
        // The type of the data is the request's own header.
        for (name, value) in self.attributes().filter(|(name, _)| *name != "datacontenttype") {
            set(name, value);
        }
        for (name, value) in &self.extensions {
            set(name, &value.to_text());
        }
        if self.data.is_some() || self.datacontenttype.is_some() {
            let content_type = self.datacontenttype.as_deref().unwrap_or(super::DEFAULT_CONTENT_TYPE);
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        headers
    }
}

#[cfg(test)]
mod tests;
