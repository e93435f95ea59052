//! What event middleware answers.

use super::Event;
use crate::bindings::event_middleware::exports::switchyard::plugin::event_middleware as wit;

/// What becomes of an event before it is stored. A middleware is a `fn(&Event) -> Verdict` named in
/// [`plugin!`](crate::plugin!), attached by `[events] middleware` of the host, and has 100 ms.
///
/// ```
/// use switchyard_sdk::{Event, Manifest, Verdict};
///
/// fn only_europe(event: &Event) -> Verdict {
///     match event.extension("region") {
///         Some("eu") => Verdict::Pass,
///         Some(other) => Verdict::reject(format!("no events of {other} here")),
///         None => Verdict::change(event.clone().with_extension("region", "eu")),
///     }
/// }
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!()
/// }
///
/// switchyard_sdk::plugin! { manifest: manifest, event_middleware: only_europe }
/// # fn main() {
/// let event = switchyard_sdk::testing::event(Event::new("a"));
/// assert!(matches!(only_europe(&event), Verdict::Change(_)));
/// # }
/// ```
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Goes on as it is.
    Pass,
    /// Goes on like this. The host keeps id, source and topic as they were.
    Change(Box<Event>),
    /// Is not stored; the publisher gets this text.
    Reject(String),
}

// === impl Verdict ===

impl Verdict {
    /// Goes on like this.
    pub fn change(event: Event) -> Self {
        Self::Change(Box::new(event))
    }

    /// Is not stored; the publisher gets this text.
    pub fn reject(why: impl Into<String>) -> Self {
        Self::Reject(why.into())
    }
}

impl From<Verdict> for wit::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Change(event) => Self::Change((*event).into()),
            Verdict::Reject(why) => Self::Reject(why),
        }
    }
}
