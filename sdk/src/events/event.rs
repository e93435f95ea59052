//! An event as handlers and middleware get it.

use serde::{Serialize, de::DeserializeOwned};

use super::Draft;
use crate::bindings::switchyard::plugin::event_types as wit;
use crate::{JsonError, json};

/// An event: an envelope whose attributes are CloudEvents', and a payload.
///
/// The `with_` functions are for middleware, which answers with the changed event.
#[derive(Debug, Clone)]
pub struct Event {
    inner: wit::Event,
}

// === impl Event ===

impl Event {
    /// Begins an event of this topic that is to be published: words joined by dots, as in `order.created`.
    #[expect(clippy::new_ret_no_self, reason = "an event is new only until it is published, and till then a draft")]
    pub fn new(topic: impl Into<String>) -> Draft {
        Draft::new(topic.into())
    }

    /// Unique within the source. The same event may come twice, so source and id are what to know it by.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Where it comes from: `/services/NAME` for a service of this host.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The topic, CloudEvents' `type`.
    pub fn topic(&self) -> &str {
        &self.inner.topic
    }

    /// When it happened, RFC 3339.
    pub fn time(&self) -> &str {
        &self.inner.time
    }

    /// What in the source it is about.
    pub fn subject(&self) -> Option<&str> {
        self.inner.subject.as_deref()
    }

    /// The media type of the payload; `application/json` when it says none.
    pub fn content_type(&self) -> &str {
        self.inner.datacontenttype.as_deref().unwrap_or("application/json")
    }

    /// Shared by all events that one cause led to.
    pub fn correlation_id(&self) -> &str {
        &self.inner.correlationid
    }

    /// The id of the event or message that led to this one.
    pub fn causation_id(&self) -> Option<&str> {
        self.inner.causationid.as_deref()
    }

    /// The W3C trace context in which it was published.
    pub fn traceparent(&self) -> Option<&str> {
        self.inner.traceparent.as_deref()
    }

    /// Its key, CloudEvents' `partitionkey`: events of one key come in order.
    pub fn key(&self) -> Option<&str> {
        self.inner.partitionkey.as_deref()
    }

    /// A further extension attribute.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// All further extension attributes.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The payload; empty when there is none.
    pub fn data(&self) -> &[u8] {
        &self.inner.data
    }

    /// The payload read as JSON, whatever its content type says.
    ///
    /// # Errors
    /// When it is none, or of another shape; in a handler `?` makes a dead letter of the event.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        json::read(self.data(), || format!("event `{}` of `{}`", self.id(), self.topic()))
    }

    /// The same with this extension attribute, over one of the same name.
    pub fn with_extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.inner.extensions.retain(|(other, _)| *other != name);
        self.inner.extensions.push((name, value.into()));
        self
    }

    /// The same about another subject.
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.inner.subject = Some(subject.into());
        self
    }

    /// The same with another key.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.inner.partitionkey = Some(key.into());
        self
    }

    /// The same with another payload, of this media type.
    pub fn with_data(mut self, content_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        self.inner.data = data.into();
        self.inner.datacontenttype = Some(content_type.into());
        self
    }

    /// The same with this value as JSON for its payload.
    ///
    /// # Errors
    /// When the value cannot be JSON.
    pub fn with_json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        self.inner.data = json::write(value, || format!("event `{}`", self.id()))?;
        self.inner.datacontenttype = None;
        Ok(self)
    }

    /// As it goes over the boundary.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn raw(&self) -> &wit::Event {
        &self.inner
    }
}

impl From<wit::Event> for Event {
    fn from(inner: wit::Event) -> Self {
        Self { inner }
    }
}

impl From<Event> for wit::Event {
    fn from(event: Event) -> Self {
        event.inner
    }
}
