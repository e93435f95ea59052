//! What a call carries along besides the request itself.

use std::sync::Arc;

use switchyard_core::{event::Cause, handled::Handled, name::ServiceName};
use tokio::time::Instant;

/// The most calls between services that one request may cause in a row.
pub const HOPS_MAX: usize = 16;

/// The circumstances of one call. Calls that a guest makes on the way inherit them.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The id under which the request appears in logs and answers.
    pub request_id: Arc<str>,
    /// The W3C trace context, as the header's value.
    pub traceparent: Option<Arc<str>>,
    /// The services that are waiting for this call, outermost first. A call may not queue for one of them: it
    /// could wait for itself.
    pub ancestors: Arc<[ServiceName]>,
    /// When the response's head must be there.
    pub deadline: Instant,
    /// The largest request body in bytes that is read into memory.
    pub body_max: usize,
    /// Whether a trap's backtrace may be shown to the client.
    pub show_backtrace: bool,
    /// The event or message that led to this call, however many services are between.
    pub cause: Option<Arc<Cause>>,
    /// The event or message that this very call handles, which it may acknowledge.
    pub handled: Option<Arc<Handled>>,
}

impl CallContext {
    /// The context of a call that `service` makes while it answers this one.
    #[must_use]
    pub fn nested(&self, service: &ServiceName) -> Self {
        let ancestors = self.ancestors.iter().chain([service]).cloned().collect();
        Self { ancestors, handled: None, ..self.clone() }
    }

    /// How many services called each other to get here.
    pub fn hops(&self) -> usize {
        self.ancestors.len()
    }
}
