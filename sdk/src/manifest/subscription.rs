//! The events that a plugin wants.

use std::time::Duration;

use crate::bindings::manifest::exports::switchyard::plugin::manifest as wit;
use crate::clock::milliseconds;

/// A wish to be called for the events of a topic. Its cursor is durable: events published while the plugin is away are
/// delivered when it comes back.
///
/// ```
/// use std::time::Duration;
/// use switchyard_sdk::{Manifest, Subscription};
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!().subscription(
///         Subscription::new("order.*")
///             .filter("data.total > 100")
///             .max_attempts(5)
///             .exponential_backoff(Duration::from_millis(200)),
///     )
/// }
/// # manifest();
/// ```
#[derive(Debug, Clone)]
pub struct Subscription {
    inner: wit::Subscription,
}

// === impl Subscription ===

impl Subscription {
    /// The events of these topics: in a pattern `*` stands for one word, a final `>` for one or more.
    pub fn new(topic: impl Into<String>) -> Self {
        let inner = wit::Subscription {
            topic: topic.into(),
            name: None,
            group: None,
            broadcast: false,
            priority: 0,
            filter: None,
            once: false,
            max_attempts: None,
            backoff: None,
            start: wit::Start::Latest,
        };
        Self { inner }
    }

    /// The name under which the cursor is kept, instead of the group's, else SERVICE/TOPIC.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.inner.name = Some(name.into());
        self
    }

    /// A group: of all its members, in whichever service, one gets each event.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.inner.group = Some(group.into());
        self
    }

    /// Each host of a cluster delivers each event, instead of one of them.
    pub fn broadcast(mut self) -> Self {
        self.inner.broadcast = true;
        self
    }

    /// Higher is served first; 0 unless this says otherwise.
    pub fn priority(mut self, priority: i32) -> Self {
        self.inner.priority = priority;
        self
    }

    /// Only events for which this [CEL](https://cel.dev) expression over `event` and `data` is true.
    pub fn filter(mut self, expression: impl Into<String>) -> Self {
        self.inner.filter = Some(expression.into());
        self
    }

    /// Ends with the first success.
    pub fn once(mut self) -> Self {
        self.inner.once = true;
        self
    }

    /// Attempts before the dead letter; 3 unless this says otherwise.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.inner.max_attempts = Some(attempts);
        self
    }

    /// Waits this long times the number of the attempt before the next one; the default, with 1 s.
    pub fn linear_backoff(mut self, delay: Duration) -> Self {
        self.inner.backoff = Some(wit::Backoff::Linear(milliseconds(delay)));
        self
    }

    /// Waits up to this long after the first attempt, twice as long after each further one, with full jitter.
    pub fn exponential_backoff(mut self, delay: Duration) -> Self {
        self.inner.backoff = Some(wit::Backoff::Exponential(milliseconds(delay)));
        self
    }

    /// Begins with the first event that is still kept, instead of the next one published.
    pub fn from_first(mut self) -> Self {
        self.inner.start = wit::Start::First;
        self
    }
}

impl From<Subscription> for wit::Subscription {
    fn from(subscription: Subscription) -> Self {
        subscription.inner
    }
}
