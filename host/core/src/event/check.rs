//! From a draft to a complete event: what is missing is filled in, what does not hold is refused by name.

use super::{ATTRIBUTES_MAX, Attribute, Circumstances, DATA_MAX, Draft, Event, InvalidEvent, topic};
use crate::timestamp::Timestamp;

/// The names that CloudEvents and this host give a meaning of their own.
const KNOWN: [&str; 14] = [
    "id",
    "source",
    "specversion",
    "type",
    "time",
    "subject",
    "datacontenttype",
    "dataschema",
    "data",
    "data_base64",
    "correlationid",
    "causationid",
    "traceparent",
    "partitionkey",
];

/// The longest name of an extension attribute, in bytes.
const NAME_MAX: usize = 64;

// === impl Draft ===

impl Draft {
    /// Fills in what is missing, and checks everything.
    ///
    /// # Errors
    /// With the first attribute that does not hold, and what would.
    pub fn complete(self, circumstances: Circumstances) -> Result<Event, InvalidEvent> {
        let id = self.id.unwrap_or(circumstances.new_id);
        let (cause_id, cause_correlation) = circumstances.cause.map(|c| (c.id, c.correlationid)).unzip();
        let event = Event {
            source: self.source.unwrap_or(circumstances.source),
            topic: self.topic,
            time: self.time.unwrap_or_else(|| circumstances.now.to_string()),
            subject: self.subject,
            datacontenttype: self.datacontenttype,
            dataschema: self.dataschema,
            correlationid: self.correlationid.or(cause_correlation).unwrap_or_else(|| id.clone()),
            causationid: self.causationid.or(cause_id),
            traceparent: self.traceparent.or(circumstances.traceparent),
            partitionkey: self.partitionkey,
            extensions: self.extensions,
            data: self.data,
            id,
        };
        event.check()?;
        Ok(event)
    }
}

// === impl Event ===

impl Event {
    /// Checks every attribute, and the sizes.
    ///
    /// # Errors
    /// With the first that does not hold, and what would.
    pub fn check(&self) -> Result<(), InvalidEvent> {
        topic::check(&self.topic).map_err(|invalid| InvalidEvent(format!("the type: {invalid}")))?;
        if self.time.parse::<Timestamp>().is_err() {
            let text = format!("the time '{}' is not RFC 3339: write it as in 2026-01-31T12:00:00Z", self.time);
            return Err(InvalidEvent(text));
        }
        let mut size = 0;
        for (name, value) in self.attributes() {
            check_text(name, value)?;
            size += name.len() + value.len();
        }
        for (name, value) in [("source", Some(&self.source)), ("dataschema", self.dataschema.as_ref())] {
            if value.is_some_and(|value| !is_uri_reference(value)) {
                return Err(InvalidEvent(format!("the {name} is not a URI reference: percent-encode what is no URI")));
            }
        }
        for (name, value) in &self.extensions {
            size += name.len() + check_extension(name, value)?;
        }
        if size > ATTRIBUTES_MAX {
            let text =
                format!("the attributes have {size} bytes, over the limit of {ATTRIBUTES_MAX}; put them into data");
            return Err(InvalidEvent(text));
        }
        match self.data.as_ref().map(bytes::Bytes::len) {
            Some(size) if size > DATA_MAX => Err(InvalidEvent(format!(
                "the data has {size} bytes, over the limit of {DATA_MAX}; store it elsewhere, and send where"
            ))),
            _ => Ok(()),
        }
    }
}

fn check_extension(name: &str, value: &Attribute) -> Result<usize, InvalidEvent> {
    let holds = !name.is_empty()
        && name.len() <= NAME_MAX
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && !KNOWN.contains(&name);
    if !holds {
        return Err(InvalidEvent(format!(
            "the extension '{name}': use 1 to {NAME_MAX} lower-case letters and digits, and no name of CloudEvents' own"
        )));
    }
    match value {
        Attribute::String(text) => check_text(name, text).map(|()| text.len()),
        Attribute::Boolean(_) | Attribute::Integer(_) => Ok(size_of::<u32>()),
    }
}

/// CloudEvents' String: no control characters and no noncharacters; and here it is not empty.
fn check_text(name: &str, text: &str) -> Result<(), InvalidEvent> {
    if text.is_empty() {
        return Err(InvalidEvent(format!("the {name} is empty: leave it out, or say it")));
    }
    let is_noncharacter = |c: char| matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE;
    if text.chars().any(|c| c.is_control() || is_noncharacter(c)) {
        return Err(InvalidEvent(format!("the {name} has a control character: remove it, or put the text into data")));
    }
    Ok(())
}

/// Whether only characters of a URI stand here, RFC 3986, with whole percent escapes.
fn is_uri_reference(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, codec};

    fn circumstances() -> Circumstances {
        Circumstances {
            now: Timestamp(0),
            new_id: "new".to_owned(),
            source: "/services/shop".to_owned(),
            cause: None,
            traceparent: None,
        }
    }

    fn draft() -> Draft {
        Draft { topic: "order.created".to_owned(), ..Draft::default() }
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let event = draft().complete(circumstances()).unwrap();
        assert_eq!((event.id.as_str(), event.source.as_str()), ("new", "/services/shop"));
        assert_eq!((event.time.as_str(), event.correlationid.as_str()), ("1970-01-01T00:00:00.000Z", "new"));
        assert_eq!(event.causationid, None);
        let cause = Some(Cause { id: "e1".to_owned(), correlationid: "c1".to_owned() });
        let event = draft().complete(Circumstances { cause, ..circumstances() }).unwrap();
        assert_eq!((event.correlationid.as_str(), event.causationid.as_deref()), ("c1", Some("e1")));
    }

    #[track_caller]
    fn refused(draft: Draft, expected: &str) {
        let error = draft.complete(circumstances()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_does_not_hold_is_named() {
        refused(Draft { topic: "a b".to_owned(), ..draft() }, "'a b' is not a topic");
        refused(Draft { time: Some("yesterday".to_owned()), ..draft() }, "the time 'yesterday'");
        refused(Draft { id: Some(String::new()), ..draft() }, "the id is empty");
        refused(Draft { source: Some("a b".to_owned()), ..draft() }, "the source is not a URI reference");
        refused(Draft { subject: Some("a\u{7}".to_owned()), ..draft() }, "the subject has a control character");
        let extensions = [("Bad-Name".to_owned(), Attribute::Boolean(true))].into();
        refused(Draft { extensions, ..draft() }, "the extension 'Bad-Name'");
        refused(Draft { data: Some(vec![0; DATA_MAX + 1].into()), ..draft() }, "the data has");
        refused(Draft { subject: Some("a".repeat(ATTRIBUTES_MAX)), ..draft() }, "the attributes have");
    }

    #[test]
    fn what_is_stored_reads_back_the_same() {
        let extensions = [
            ("a".to_owned(), Attribute::Integer(-1)),
            ("b".to_owned(), Attribute::String("1".to_owned())),
            ("c".to_owned(), Attribute::Boolean(true)),
        ];
        for data in [None, Some(bytes::Bytes::new()), Some(bytes::Bytes::from_static(b"\0\xff"))] {
            let draft =
                Draft { subject: Some("ä".to_owned()), extensions: extensions.clone().into(), data, ..draft() };
            let event = draft.complete(circumstances()).unwrap();
            assert_eq!(codec::decode(&codec::encode(&event)).unwrap(), event);
        }
        for broken in [&b""[..], b"\x02\0\0\0\xff{}", b"\x07\0\0\0\x02{}", b"\x01\0\0\0\x02{}"] {
            assert!(codec::decode(&bytes::Bytes::from_static(broken)).is_err());
        }
    }
}
