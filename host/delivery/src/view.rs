//! What the admin API shows of events and queues. Members are camelCase, durations in text, moments RFC 3339.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use switchyard_core::{timestamp::Timestamp, units::HumanDuration};

use crate::config::Endpoint;

/// A topic.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Topic")]
pub struct TopicView {
    /// Its name.
    pub name: String,
    /// `durable`, `relaxed` or `memory`.
    pub durability: &'static str,
    /// How long its events are kept.
    pub retention: HumanDuration,
    /// Events kept now.
    pub events: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Events ever published.
    pub published: u64,
    /// The newest event's sequence.
    pub last_sequence: u64,
    /// When it was published; null when none was since the topic was emptied.
    pub last_published: Option<Timestamp>,
    /// Subscriptions whose pattern it matches.
    pub subscribers: usize,
    /// The most of its events that one of them has not come to yet: an upper bound, since some may be settled already.
    pub lag: u64,
    /// Deliveries of its events under way.
    pub in_flight: usize,
    /// Sums over those subscriptions, of events of this topic.
    #[serde(flatten)]
    pub handled: Handled,
}

/// What became of deliveries since the host started.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DeliveryFigures")]
pub struct Handled {
    /// Deliveries that succeeded.
    pub processed: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// Events that a filter left out because it could not be evaluated.
    pub filter_errors: u64,
    /// Dead letters that wait to be looked at.
    pub dead_letters: u64,
    /// When one succeeded last.
    pub last_processed: Option<Timestamp>,
}

/// A subscription.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Subscription")]
pub struct SubscriptionView {
    /// How it is addressed in paths.
    pub id: String,
    /// Its name, which its cursor goes by.
    pub name: String,
    /// The topic pattern.
    pub topic: String,
    /// Who is called.
    pub endpoint: Endpoint,
    /// Further members of the group, who are called in turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Endpoint>,
    /// Who asked for it: `manifest`, `config` or `api`.
    pub origin: &'static str,
    /// `active`, `paused`, `waiting` (its service is not there), `ended` (once, or 410), `blocked` (too many retries).
    pub state: &'static str,
    /// Why it cannot go on, when it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The group, when other than the name.
    pub group: Option<String>,
    /// Whether every host gets each event.
    pub broadcast: bool,
    /// Its priority.
    pub priority: i32,
    /// Its filter.
    pub filter: Option<String>,
    /// Whether it ends with the first success.
    pub once: bool,
    /// Attempts before the dead letter.
    pub max_attempts: u32,
    /// Everything up to this sequence is settled or waits for a retry.
    pub cursor: u64,
    /// Events of the log after the cursor, of whatever topic: an upper bound of what is still to come.
    pub lag: u64,
    /// Deliveries under way.
    pub in_flight: usize,
    /// Events that wait for another attempt.
    pub retrying: usize,
    /// What became of deliveries.
    #[serde(flatten)]
    pub handled: Handled,
}

/// A dead letter.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DeadLetter")]
pub struct DeadLetterView {
    /// Its id.
    pub id: String,
    /// `event` or `message`.
    pub kind: &'static str,
    /// The subscription, for an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// The topic, for an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The queue, for a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The event as a CloudEvent in JSON, for an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_event: Option<Value>,
    /// The message {id, data, priority, enqueuedAt}, for a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_message: Option<Value>,
    /// How many attempts failed.
    pub attempts: u32,
    /// Why the last one did.
    pub error: String,
    /// When.
    pub failed_at: Timestamp,
}

/// A queue.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Queue")]
pub struct QueueView {
    /// Its name.
    pub name: String,
    /// Messages ever enqueued.
    pub enqueued: u64,
    /// Messages ever done.
    pub dequeued: u64,
    /// Messages that ever became dead letters.
    pub failed: u64,
    /// Messages waiting and delayed.
    pub current_size: u64,
    /// Messages leased.
    pub in_flight: u64,
    /// Messages that can be leased only later.
    pub delayed: u64,
    /// How long the oldest waits that could be leased now; null when none does.
    pub oldest_age: Option<HumanDuration>,
    /// From ready to leased, on average over all first leases.
    pub average_wait_time: HumanDuration,
    /// How many messages it may hold.
    pub max_size: u64,
    /// Failures before the dead letter.
    pub max_attempts: u32,
    /// How long a lease lasts.
    pub visibility_timeout: HumanDuration,
    /// Where dead letters go.
    pub dead_letter_queue: Option<String>,
    /// Dead letters in the store that came from it.
    pub dead_letters: u64,
    /// Services that consume it.
    pub consumers: Vec<String>,
}
