//! A saga that is to be started.

use serde::Serialize;

use crate::bindings::switchyard::plugin::saga_types as wit;
use crate::{JsonError, json};

/// A saga to be started, begun by [`Saga::new`](crate::Saga::new).
#[derive(Debug, Clone)]
#[must_use = "a draft is started by `sagas::start` or a batch"]
pub struct Draft {
    inner: wit::Draft,
}

// === impl Draft ===

impl Draft {
    pub(super) fn new(name: String) -> Self {
        Self { inner: wit::Draft { name, id: None, data: b"{}".to_vec() } }
    }

    /// With this id instead of a new UUIDv7: 1 to 128 of letters, digits, `.`, `_`, `-` and `:`. A second saga of this
    /// id is the first one, so starting it again is harmless.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.inner.id = Some(id.into());
        self
    }

    /// With this value, which is an object, for its data; at most 1 MiB. An empty object unless this says otherwise.
    ///
    /// # Errors
    /// When the value cannot be JSON, as a map with keys that are no strings.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        self.inner.data = json::write(value, || format!("a saga of `{}`", self.inner.name))?;
        Ok(self)
    }

    /// With these bytes, which are a JSON object, for its data.
    pub fn data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.inner.data = data.into();
        self
    }
}

impl From<Draft> for wit::Draft {
    fn from(draft: Draft) -> Self {
        draft.inner
    }
}
