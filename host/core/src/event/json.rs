//! Events in the JSON event format of CloudEvents 1.0.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Number, Value};

use super::{Attribute, DEFAULT_CONTENT_TYPE, Draft, Event, InvalidEvent};

/// The version of CloudEvents that is spoken here.
pub(super) const SPECVERSION: &str = "1.0";

/// Whether a media type is JSON: `*/json` or `*/*+json`; none means JSON.
#[must_use]
pub(super) fn is_json(content_type: Option<&str>) -> bool {
    let media_type = content_type.unwrap_or(DEFAULT_CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    let Some((_, subtype)) = media_type.split_once('/') else { return false };
    let subtype = subtype.to_ascii_lowercase();
    subtype == "json" || subtype.ends_with("+json")
}

// === impl Event ===

impl Event {
    /// The event in the JSON format: the payload as JSON where it is such, as a string where it is other text, else
    /// in base64.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("specversion".to_owned(), SPECVERSION.into());
        for (name, value) in self.attributes() {
            members.insert(name.to_owned(), value.into());
        }
        for (name, value) in &self.extensions {
            members.insert(name.clone(), value.to_value());
        }
        if let Some(data) = &self.data {
            let (name, value) = self.json_data(data);
            members.insert(name.to_owned(), value);
        }
        Value::Object(members)
    }

    /// Whether its payload is meant to be JSON.
    #[must_use]
    pub fn has_json_data(&self) -> bool {
        is_json(self.datacontenttype.as_deref())
    }

    fn json_data(&self, data: &Bytes) -> (&'static str, Value) {
        if self.has_json_data() {
            if let Ok(value) = serde_json::from_slice(data) {
                return ("data", value);
            }
        } else if let Ok(text) = std::str::from_utf8(data) {
            // The format reads a JSON string as text whenever the media type is not JSON.
            return ("data", text.into());
        }
        ("data_base64", STANDARD.encode(data).into())
    }
}

// === impl Draft ===

impl Draft {
    /// Reads an event in the JSON format. What the host fills in may be missing.
    ///
    /// # Errors
    /// With the member that does not hold, and what would.
    pub fn from_json(value: Value) -> Result<Self, InvalidEvent> {
        let Value::Object(mut members) = value else {
            return Err(InvalidEvent("an event in JSON is an object".to_owned()));
        };
        members.retain(|_, value| !value.is_null());
        let mut take = |name: &str| match members.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(InvalidEvent(format!("the {name} is not a string"))),
        };
        match take("specversion")?.as_deref() {
            Some(SPECVERSION) => {}
            Some(other) => return Err(InvalidEvent(format!("the specversion is '{other}', not \"{SPECVERSION}\""))),
            None => return Err(InvalidEvent(format!("the specversion is missing: write \"{SPECVERSION}\""))),
        }
        let missing = || InvalidEvent("the type is missing: it is the topic".to_owned());
        let mut draft = Self {
            topic: take("type")?.ok_or_else(missing)?,
            id: take("id")?,
            source: take("source")?,
            time: take("time")?,
            subject: take("subject")?,
            datacontenttype: take("datacontenttype")?,
            dataschema: take("dataschema")?,
            correlationid: take("correlationid")?,
            causationid: take("causationid")?,
            traceparent: take("traceparent")?,
            partitionkey: take("partitionkey")?,
            ..Self::default()
        };
        draft.data = payload(members.remove("data"), members.remove("data_base64"), draft.datacontenttype.as_deref())?;
        for (name, value) in members {
            let attribute = Attribute::from_value(value).ok_or_else(|| {
                InvalidEvent(format!("the {name} is neither a string, a boolean nor a 32-bit integer"))
            })?;
            draft.extensions.insert(name, attribute);
        }
        Ok(draft)
    }
}

/// A whole number of 32 bits, which may be written as `3.0`.
fn integer(number: &Number) -> Option<i32> {
    let of_float = |number: f64| (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok()).flatten();
    number.as_i64().map_or_else(|| number.as_f64().and_then(of_float), |number| number.try_into().ok())
}

fn payload(
    data: Option<Value>,
    base64: Option<Value>,
    content_type: Option<&str>,
) -> Result<Option<Bytes>, InvalidEvent> {
    match (data, base64) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(InvalidEvent("data and data_base64 are both there: leave one out".to_owned())),
        (Some(Value::String(text)), None) if !is_json(content_type) => Ok(Some(text.into())),
        (Some(data), None) => Ok(Some(data.to_string().into())),
        (None, Some(Value::String(text))) => match STANDARD.decode(text) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) => Err(InvalidEvent(format!("the data_base64 cannot be read: {error}"))),
        },
        (None, Some(_)) => Err(InvalidEvent("the data_base64 is not a string".to_owned())),
    }
}

// === impl Attribute ===

impl Attribute {
    fn to_value(&self) -> Value {
        match self {
            Self::Boolean(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::String(value) => value.as_str().into(),
        }
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Boolean(value)),
            Value::String(value) => Some(Self::String(value)),
            Value::Number(value) => integer(&value).map(Self::Integer),
            _ => None,
        }
    }

    /// The value as text, in CloudEvents' canonical string form.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::String(value) => value.clone(),
        }
    }
}
