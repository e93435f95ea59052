//! An event that is to be published.

use serde::Serialize;

use crate::bindings::switchyard::plugin::event_types as wit;
use crate::clock::Timestamp;
use crate::{JsonError, json};

/// An event to be published, begun by [`Event::new`](crate::Event::new). What it leaves out the host fills in.
#[derive(Debug, Clone)]
#[must_use = "a draft is published by `events::publish` or a batch"]
pub struct Draft {
    inner: wit::Draft,
}

// === impl Draft ===

impl Draft {
    pub(super) fn new(topic: String) -> Self {
        let inner = wit::Draft {
            topic,
            data: Vec::new(),
            id: None,
            source: None,
            time: None,
            subject: None,
            datacontenttype: None,
            correlationid: None,
            causationid: None,
            partitionkey: None,
            extensions: Vec::new(),
        };
        Self { inner }
    }

    /// With this value as JSON for its payload; at most 1 MiB.
    ///
    /// # Errors
    /// When the value cannot be JSON, as a map with keys that are no strings.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        self.inner.data = json::write(value, || format!("`{}`", self.inner.topic))?;
        self.inner.datacontenttype = None;
        Ok(self)
    }

    /// With these bytes of this media type for its payload; at most 1 MiB.
    pub fn data(mut self, content_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        self.inner.data = data.into();
        self.inner.datacontenttype = Some(content_type.into());
        self
    }

    /// With this id instead of a new UUIDv7: a second event of the same source and id within a day is stored once, so
    /// publishing it again is harmless.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.inner.id = Some(id.into());
        self
    }

    /// From this source, a URI reference, instead of `/services/NAME`.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Happened then, instead of now.
    pub fn time(mut self, time: Timestamp) -> Self {
        self.inner.time = Some(time.to_string());
        self
    }

    /// About this, in the source.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.inner.subject = Some(subject.into());
        self
    }

    /// In order with the other events of this key, CloudEvents' `partitionkey`: they are delivered one after the
    /// other. Without a key no order holds.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.inner.partitionkey = Some(key.into());
        self
    }

    /// With this correlation id, instead of that of the event being handled.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.inner.correlationid = Some(id.into());
        self
    }

    /// Caused by this, instead of the event or message being handled.
    pub fn causation_id(mut self, id: impl Into<String>) -> Self {
        self.inner.causationid = Some(id.into());
        self
    }

    /// With one more extension attribute; its name is of lower-case letters and digits.
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.inner.extensions.push((name.into(), value.into()));
        self
    }
}

impl From<Draft> for wit::Draft {
    fn from(draft: Draft) -> Self {
        draft.inner
    }
}
