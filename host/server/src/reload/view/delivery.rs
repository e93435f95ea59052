//! What a plugin asks for of events, queues and the clock, as the admin API shows it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use switchyard_core::{
    manifest::{Ack, Backoff, ConsumerSpec, ScheduleSpec, Start, SubscriptionSpec, Target, Timetable},
    name::ServiceName,
    units::HumanDuration,
};

/// A subscription that a plugin asks for; what is null is left to the host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PluginSubscription")]
pub(crate) struct SubscriptionView {
    pub(crate) name: String,
    pub(crate) topic: String,
    group: Option<String>,
    broadcast: bool,
    priority: i32,
    filter: Option<String>,
    once: bool,
    max_attempts: Option<u32>,
    backoff: Option<Backoff>,
    start: Start,
}

/// A queue that a plugin consumes; what is null is left to the queue.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PluginQueue")]
pub(crate) struct ConsumerView {
    pub(crate) queue: String,
    concurrency: Option<u32>,
    max_attempts: Option<u32>,
    visibility_timeout: Option<HumanDuration>,
    ack: Ack,
}

/// Something that a plugin wants done by the clock: by `cron` or `every`, as an event of `topic` or a message of
/// `queue`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PluginSchedule")]
pub(crate) struct ScheduleView {
    pub(crate) name: String,
    cron: Option<String>,
    every: Option<HumanDuration>,
    topic: Option<String>,
    queue: Option<String>,
    data: Value,
}

// === impl SubscriptionView ===

impl SubscriptionView {
    /// A subscription of this service, under the name that its cursor goes by.
    pub(crate) fn of(service: &ServiceName, spec: &SubscriptionSpec) -> Self {
        Self {
            name: spec.full_name(service.as_str()),
            topic: spec.topic.clone(),
            group: spec.group.clone(),
            broadcast: spec.broadcast,
            priority: spec.priority,
            filter: spec.filter.clone(),
            once: spec.once,
            max_attempts: spec.max_attempts,
            backoff: spec.backoff,
            start: spec.start,
        }
    }
}

// === impl ConsumerView ===

impl ConsumerView {
    pub(crate) fn of(spec: &ConsumerSpec) -> Self {
        Self {
            queue: spec.queue.clone(),
            concurrency: spec.concurrency,
            max_attempts: spec.max_attempts,
            visibility_timeout: spec.visibility_timeout,
            ack: spec.ack,
        }
    }
}

// === impl ScheduleView ===

impl ScheduleView {
    pub(crate) fn of(spec: &ScheduleSpec) -> Self {
        let (cron, every) = match &spec.timetable {
            Timetable::Cron(cron) => (Some(cron.clone()), None),
            Timetable::Every(every) => (None, Some(*every)),
        };
        let (topic, queue) = match &spec.target {
            Target::Topic(topic) => (Some(topic.clone()), None),
            Target::Queue(queue) => (None, Some(queue.clone())),
        };
        Self { name: spec.name.clone(), cron, every, topic, queue, data: spec.data.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_camel_case_and_names_complete() {
        let spec = serde_json::from_str(r#"{"topic":"a.*","backoff":{"linear":"2s"}}"#).expect("a subscription");
        let view = SubscriptionView::of(&"shop".parse().expect("a name"), &spec);
        let json = serde_json::to_value(view).expect("it serialises");
        assert_eq!((&json["name"], &json["maxAttempts"]), (&"shop/a.*".into(), &Value::Null));
        assert_eq!((&json["backoff"]["linear"], &json["start"]), (&"2s".into(), &"latest".into()));

        let spec = serde_json::from_str(r#"{"name":"n","every":"5s","queue":"q"}"#).expect("a schedule");
        let json = serde_json::to_value(ScheduleView::of(&spec)).expect("it serialises");
        assert_eq!((&json["every"], &json["cron"], &json["queue"]), (&"5s".into(), &Value::Null, &"q".into()));
    }
}
