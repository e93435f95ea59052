//! What a plugin wants done by the clock.

use std::time::Duration;

use serde_json::Value;

use crate::bindings::manifest::exports::switchyard::plugin::manifest as wit;
use crate::clock::milliseconds;

/// An event or a message that the host makes by the clock, once per cluster. What was missed while the host was down
/// is made up for once, however much it was.
///
/// ```
/// use std::time::Duration;
/// use switchyard_sdk::{Manifest, Schedule};
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!()
///         .schedule(Schedule::cron("nightly", "0 3 * * *").topic("report.due"))
///         .schedule(Schedule::every("sweep", Duration::from_secs(60)).queue("sweeps").data("deep".into()))
/// }
/// # manifest();
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    inner: wit::Schedule,
}

/// When a schedule fires, of which is still to be said what it makes.
#[derive(Debug, Clone)]
#[must_use = "a schedule makes an event on a `topic` or a message in a `queue`"]
pub struct Timetable {
    name: String,
    inner: wit::Timetable,
}

// === impl Schedule ===

impl Schedule {
    /// By a cron expression of five fields, in UTC. The name is unique within the plugin.
    pub fn cron(name: impl Into<String>, expression: impl Into<String>) -> Timetable {
        Timetable { name: name.into(), inner: wit::Timetable::Cron(expression.into()) }
    }

    /// Every so often. The name is unique within the plugin.
    pub fn every(name: impl Into<String>, interval: Duration) -> Timetable {
        Timetable { name: name.into(), inner: wit::Timetable::Every(milliseconds(interval)) }
    }

    /// The data of the event or message; without it, there is none.
    pub fn data(mut self, data: Value) -> Self {
        self.inner.data = data.to_string();
        self
    }
}

impl From<Schedule> for wit::Schedule {
    fn from(schedule: Schedule) -> Self {
        schedule.inner
    }
}

// === impl Timetable ===

impl Timetable {
    /// Publishes an event on this topic.
    pub fn topic(self, topic: impl Into<String>) -> Schedule {
        self.target(wit::ScheduleTarget::Topic(topic.into()))
    }

    /// Enqueues a message in this queue.
    pub fn queue(self, queue: impl Into<String>) -> Schedule {
        self.target(wit::ScheduleTarget::Queue(queue.into()))
    }

    fn target(self, target: wit::ScheduleTarget) -> Schedule {
        let Self { name, inner: timetable } = self;
        Schedule { inner: wit::Schedule { name, timetable, target, data: String::new() } }
    }
}
