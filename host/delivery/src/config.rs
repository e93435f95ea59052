//! What the operator says of events, queues and the clock; it is replaced as a whole while the host runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use switchyard_core::{
    manifest::{ScheduleSpec, SubscriptionSpec},
    name::ServiceName,
};

/// How long events are kept: 7 days.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a source and id, or a deduplication id, is remembered: 1 day, or the topic's retention if shorter.
pub const DEDUPLICATION: Duration = Duration::from_secs(24 * 3600);

/// How long the cursor of a subscription is kept whose plugin is gone: 7 days.
pub const CURSOR_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Messages that a queue may hold, waiting and delayed ones: 1,000.
pub const QUEUE_SIZE: u64 = 1_000;

/// Failures before a dead letter: 3.
pub const MAX_ATTEMPTS: u32 = 3;

/// Leases of one message that may run out before it is a dead letter: 20.
pub const MAX_EXPIRIES: u32 = 20;

/// How long a lease lasts: 30 s.
pub const VISIBILITY: Duration = Duration::from_secs(30);

/// How long the lowest lane, or the least subscription, waits at most behind busier ones: 10 s.
pub const LANE_WAIT_MAX: Duration = Duration::from_secs(10);

/// Deliveries under way at once in the whole host: 256.
pub const DELIVERIES_MAX: usize = 256;

/// Deliveries under way at once for one subscription, and to one service from all of its subscriptions and queues: 64,
/// as many as a service takes calls.
pub const IN_FLIGHT_MAX: usize = 64;

/// What the operator says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `[events] middleware`: services whose event-middleware sees each event, in this order.
    pub middleware: Vec<ServiceName>,
    /// `[events] on-error`: what happens to an event when a middleware fails, or is not there.
    pub on_error: OnError,
    /// `[topics.NAME]`.
    pub topics: BTreeMap<String, Topic>,
    /// `[queues.NAME]`.
    pub queues: BTreeMap<String, Queue>,
    /// `[[subscription]]`.
    pub subscriptions: Vec<ConfiguredSubscription>,
    /// `[[schedule]]`.
    pub schedules: Vec<ScheduleSpec>,
    /// `[plugins] grants`.
    pub grants: Grants,
    /// `[services.NAME] grants`: what each service may use when grants are explicit.
    pub granted: BTreeMap<ServiceName, BTreeSet<Grant>>,
}

/// What happens to an event when a middleware fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// It goes on as it was.
    #[default]
    Pass,
    /// It is refused.
    Reject,
}

/// `[topics.NAME]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// When publishing is answered.
    pub durability: TopicDurability,
    /// How long its events are kept.
    pub retention: Duration,
}

/// When publishing to a topic is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TopicDurability {
    /// Once the event is on disk.
    #[default]
    Durable,
    /// Once it is applied: a crash may lose the last moments.
    Relaxed,
    /// As relaxed, and forgotten when the host starts again.
    Memory,
}

/// `[queues.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Messages waiting and delayed that it may hold.
    pub max_size: u64,
    /// Failures before the dead letter.
    pub max_attempts: u32,
    /// How long a lease lasts.
    pub visibility_timeout: Duration,
    /// Where dead letters go; none means the store of dead letters.
    pub dead_letter_queue: Option<String>,
}

/// `[[subscription]]`, or what the API was asked for.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ConfiguredSubscription {
    /// What is wished for.
    pub spec: SubscriptionSpec,
    /// Who is called.
    pub endpoint: Endpoint,
}

/// Who is called with the events of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// A service's event handler.
    Service(ServiceName),
    /// An HTTP endpoint: events are posted to it as CloudEvents in binary mode. Whoever subscribes it is an operator and
    /// names it, so its own host and port are allowed however private they are; nothing else is, not by a redirect.
    Url(String),
    /// The host itself, for its sagas; nobody can ask for it.
    #[serde(skip_deserializing)]
    Sagas,
}

/// Whether topics, queues and sagas are open to plugins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grants {
    /// Every plugin may use every topic, queue and saga.
    #[default]
    Open,
    /// Only those that are granted.
    Explicit,
}

/// Something that a service may use: `publish:PATTERN`, `subscribe:PATTERN`, `queue:NAME` or `saga:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Publish to the topics of a pattern.
    Publish(switchyard_core::event::topic::Pattern),
    /// Get the events of a pattern, and of those that it covers.
    Subscribe(switchyard_core::event::topic::Pattern),
    /// Enqueue to a queue, lease from it and consume it.
    Queue(String),
    /// Start, look at, signal and cancel the sagas of a definition.
    Saga(String),
}

// === impl Topic ===

impl Default for Topic {
    fn default() -> Self {
        Self { durability: TopicDurability::Durable, retention: RETENTION }
    }
}

// === impl Queue ===

impl Default for Queue {
    fn default() -> Self {
        Self {
            max_size: QUEUE_SIZE,
            max_attempts: MAX_ATTEMPTS,
            visibility_timeout: VISIBILITY,
            dead_letter_queue: None,
        }
    }
}
