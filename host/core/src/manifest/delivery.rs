//! What a plugin says of events, queues and the clock. Config and API take the same shapes.

use std::{ops::RangeInclusive, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    event::topic::{self, InvalidTopic, Pattern},
    message::{QUEUE_NAME_MAX, is_queue_name},
    schedule::{InvalidTimetable, Plan},
    units::HumanDuration,
};

/// The longest name of a subscription, group or schedule, in bytes.
const NAME_MAX: usize = 512;

/// The most attempts that can be asked for.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// The most messages that a consumer handles at once.
pub const CONCURRENCY_MAX: u32 = 1_024;

/// The delays between attempts that can be asked for.
const BACKOFF: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

/// The same as a pattern: no more than a day, in units in which that can be seen.
const DELAY: &str = r"^([1-9][0-9]{0,6} *ms|[1-9][0-9]{0,3} *s|[1-9][0-9]{0,2} *m|([1-9]|1[0-9]|2[0-4]) *h|1 *d)$";

/// How long a lease may last.
pub const VISIBILITY: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(12 * 3600);

/// A wish to be called for the events of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SubscriptionSpec {
    /// A topic pattern: `*` stands for one word, a final `>` for the rest.
    pub topic: String,
    /// The name under which cursor and statistics are kept; none means the group's, else SERVICE/TOPIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The group, whose members share one delivery; none means SERVICE/TOPIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether every host gets each event, instead of one of the group.
    #[serde(default)]
    pub broadcast: bool,
    /// Higher is served first. 0 is the default.
    #[serde(default)]
    pub priority: i32,
    /// A CEL expression over the envelope and `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Ends with the first success.
    #[serde(default)]
    pub once: bool,
    /// Attempts before the dead letter; none means 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Delay between attempts; none means linear of 1 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// Where a new cursor begins.
    #[serde(default)]
    pub start: Start,
}

/// How the delays between attempts grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Backoff {
    /// The delay times the number of the attempt.
    Linear(#[schemars(with = "String", regex(pattern = DELAY))] HumanDuration),
    /// The delay times two to the power of the attempt less one, with full jitter.
    Exponential(#[schemars(with = "String", regex(pattern = DELAY))] HumanDuration),
}

/// Where a new subscription begins to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Only events published from now on.
    #[default]
    Latest,
    /// Every event that is still kept.
    First,
}

/// A wish to be called for the messages of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConsumerSpec {
    /// The queue's name.
    pub queue: String,
    /// Messages handled at once; none means 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Failures before the dead letter; none means the queue's, else 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// How long a lease lasts before it must be extended; none means the queue's, else 30 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_timeout: Option<HumanDuration>,
    /// Who acknowledges.
    #[serde(default)]
    pub ack: Ack,
}

/// Who acknowledges a queue message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ack {
    /// The host, when the handler returns success.
    #[default]
    Auto,
    /// The guest, by id and token.
    Manual,
}

/// Something that happens by the clock, once per cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawSchedule", into = "RawSchedule")]
#[schemars(rename = "Schedule")]
pub struct ScheduleSpec {
    /// Unique within the plugin, or within the config.
    pub name: String,
    /// When.
    pub timetable: Timetable,
    /// What.
    pub target: Target,
    /// The data of the event or message; null means none.
    pub data: Value,
}

/// A schedule as it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Schedule")]
struct RawSchedule {
    /// Its name; no two have the same.
    name: String,
    /// Five fields, in UTC; or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// so often, at least 1s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<HumanDuration>,
    /// The topic of an event; or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// the queue of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    /// The data of the event or message.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    data: Value,
}

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timetable {
    /// A cron expression of five fields, in UTC.
    Cron(String),
    /// Every so often, counted from the first time that the host saw the schedule.
    Every(HumanDuration),
}

/// What a schedule makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// An event on this topic.
    Topic(String),
    /// A message in this queue.
    Queue(String),
}

/// Why a subscription, a consumer or a schedule does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDelivery {
    /// Its topic, or pattern of topics.
    #[error(transparent)]
    Topic(#[from] InvalidTopic),
    /// A name.
    #[error("'{0}' is not a name: use 1 to {NAME_MAX} bytes without white space and control characters")]
    Name(String),
    /// The name of a queue.
    #[error("'{0}' is not a queue name: use 1 to {QUEUE_NAME_MAX} of letters, digits, '.', '_', '-' and ':'")]
    Queue(String),
    /// The number of attempts.
    #[error("max-attempts must be from 1 to {ATTEMPTS_MAX}")]
    Attempts,
    /// The delay between attempts.
    #[error("the backoff must be from 1ms to 1d")]
    Backoff,
    /// How many at once.
    #[error("concurrency must be from 1 to {CONCURRENCY_MAX}")]
    Concurrency,
    /// How long a lease lasts.
    #[error("visibility-timeout must be from 1s to 12h")]
    Visibility,
    /// The timetable.
    #[error(transparent)]
    Timetable(#[from] InvalidTimetable),
}

// === impl SubscriptionSpec ===

impl SubscriptionSpec {
    /// One to the events of this pattern that says nothing else.
    #[must_use]
    pub fn of_topic(topic: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            name: None,
            group: None,
            broadcast: false,
            priority: 0,
            filter: None,
            once: false,
            max_attempts: None,
            backoff: None,
            start: Start::default(),
        }
    }

    /// The name of its cursor and statistics: the one that is given, else the group's, else SERVICE/TOPIC.
    #[must_use]
    pub fn full_name(&self, service: &str) -> String {
        self.name.clone().or_else(|| self.group.clone()).unwrap_or_else(|| format!("{service}/{}", self.topic))
    }

    /// Checks everything but the filter.
    ///
    /// # Errors
    /// With the first member that does not hold.
    pub fn check(&self) -> Result<(), InvalidDelivery> {
        self.topic.parse::<Pattern>()?;
        [&self.name, &self.group].into_iter().flatten().try_for_each(|name| check_name(name))?;
        check_attempts(self.max_attempts)?;
        match self.backoff {
            Some(Backoff::Linear(HumanDuration(d)) | Backoff::Exponential(HumanDuration(d)))
                if !BACKOFF.contains(&d) =>
            {
                Err(InvalidDelivery::Backoff)
            }
            _ => Ok(()),
        }
    }
}

// === impl ConsumerSpec ===

impl ConsumerSpec {
    /// Checks everything.
    ///
    /// # Errors
    /// With the first member that does not hold.
    pub fn check(&self) -> Result<(), InvalidDelivery> {
        check_queue(&self.queue)?;
        check_attempts(self.max_attempts)?;
        if self.concurrency.is_some_and(|n| !(1..=CONCURRENCY_MAX).contains(&n)) {
            return Err(InvalidDelivery::Concurrency);
        }
        match self.visibility_timeout {
            Some(HumanDuration(timeout)) if !VISIBILITY.contains(&timeout) => Err(InvalidDelivery::Visibility),
            _ => Ok(()),
        }
    }
}

// === impl ScheduleSpec ===

impl ScheduleSpec {
    /// Checks everything.
    ///
    /// # Errors
    /// With the first member that does not hold.
    pub fn check(&self) -> Result<(), InvalidDelivery> {
        check_name(&self.name)?;
        match &self.target {
            Target::Topic(name) => topic::check(name)?,
            Target::Queue(name) => check_queue(name)?,
        }
        Plan::new(&self.timetable)?;
        Ok(())
    }
}

impl TryFrom<RawSchedule> for ScheduleSpec {
    type Error = String;

    fn try_from(raw: RawSchedule) -> Result<Self, Self::Error> {
        let timetable = match (raw.cron, raw.every) {
            (Some(cron), None) => Timetable::Cron(cron),
            (None, Some(every)) => Timetable::Every(every),
            _ => return Err("a schedule says either cron or every".to_owned()),
        };
        let target = match (raw.topic, raw.queue) {
            (Some(topic), None) => Target::Topic(topic),
            (None, Some(queue)) => Target::Queue(queue),
            _ => return Err("a schedule says either topic or queue".to_owned()),
        };
        Ok(Self { name: raw.name, timetable, target, data: raw.data })
    }
}

impl From<ScheduleSpec> for RawSchedule {
    fn from(spec: ScheduleSpec) -> Self {
        let (cron, every) = match spec.timetable {
            Timetable::Cron(cron) => (Some(cron), None),
            Timetable::Every(every) => (None, Some(every)),
        };
        let (topic, queue) = match spec.target {
            Target::Topic(topic) => (Some(topic), None),
            Target::Queue(queue) => (None, Some(queue)),
        };
        Self { name: spec.name, cron, every, topic, queue, data: spec.data }
    }
}

fn check_name(name: &str) -> Result<(), InvalidDelivery> {
    let holds = (1..=NAME_MAX).contains(&name.len()) && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    if holds { Ok(()) } else { Err(InvalidDelivery::Name(name.to_owned())) }
}

fn check_queue(name: &str) -> Result<(), InvalidDelivery> {
    if is_queue_name(name) { Ok(()) } else { Err(InvalidDelivery::Queue(name.to_owned())) }
}

fn check_attempts(attempts: Option<u32>) -> Result<(), InvalidDelivery> {
    let holds = attempts.is_none_or(|attempts| (1..=ATTEMPTS_MAX).contains(&attempts));
    if holds { Ok(()) } else { Err(InvalidDelivery::Attempts) }
}

// === impl Backoff ===

impl Default for Backoff {
    fn default() -> Self {
        Self::Linear(HumanDuration(Duration::from_secs(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        subscriptions: Vec<SubscriptionSpec>,
        #[serde(default)]
        queues: Vec<ConsumerSpec>,
        #[serde(default)]
        schedules: Vec<ScheduleSpec>,
    }

    fn check(text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        file.subscriptions.iter().try_for_each(SubscriptionSpec::check).map_err(|error| error.to_string())?;
        file.queues.iter().try_for_each(ConsumerSpec::check).map_err(|error| error.to_string())?;
        file.schedules.iter().try_for_each(ScheduleSpec::check).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn wrong(text: &str, expected: &str) {
        let error = check(text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn members_are_checked() {
        let right = "subscriptions = [{ topic = 'a.>', backoff = { exponential = '2s' }, start = 'first' }]
            queues = [{ queue = 'emails', ack = 'manual', concurrency = 4 }]
            schedules = [{ name = 'n', cron = '0 3 * * *', topic = 'a', data = { x = 1 } },
                         { name = 'm', every = '5s', queue = 'emails' }]";
        assert_eq!(check(right), Ok(()));
        wrong("subscriptions = [{ topic = 'a..b' }]", "'a..b' is not a topic pattern");
        wrong("subscriptions = [{ topic = 'a', group = 'x y' }]", "'x y' is not a name");
        wrong("subscriptions = [{ topic = 'a', max-attempts = 0 }]", "max-attempts must be");
        wrong("subscriptions = [{ topic = 'a', backoff = { linear = '0ms' } }]", "the backoff must be");
        wrong("subscriptions = [{ topic = 'a', prio = 1 }]", "unknown field `prio`");
        wrong("queues = [{ queue = 'a b' }]", "'a b' is not a queue name");
        wrong("queues = [{ queue = 'a', concurrency = 0 }]", "concurrency must be");
        wrong("queues = [{ queue = 'a', visibility-timeout = '1ms' }]", "visibility-timeout must be");
        wrong("schedules = [{ name = 'a', topic = 'a' }]", "either cron or every");
        wrong("schedules = [{ name = 'a', every = '1s', topic = 'a', queue = 'b' }]", "either topic or queue");
        wrong("schedules = [{ name = 'a', cron = 'x', topic = 'a' }]", "'x' is not a cron expression");
        wrong("schedules = [{ name = 'a', every = '1s', topic = 'a', often = 1 }]", "unknown field `often`");
    }

    #[test]
    fn what_is_kept_reads_back_the_same() {
        let schedule = ScheduleSpec {
            name: "n".to_owned(),
            timetable: Timetable::Every(HumanDuration(Duration::from_secs(5))),
            target: Target::Queue("q".to_owned()),
            data: serde_json::json!({"a": [1, null]}),
        };
        let text = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<ScheduleSpec>(&text).unwrap(), schedule);
    }

    #[test]
    fn the_name_is_the_given_one_or_the_groups_or_made() {
        let mut spec: SubscriptionSpec = serde_json::from_str(r#"{"topic":"order.*"}"#).unwrap();
        assert_eq!(spec.full_name("shop"), "shop/order.*");
        spec.group = Some("billing".to_owned());
        assert_eq!(spec.full_name("shop"), "billing");
        spec.name = Some("mine".to_owned());
        assert_eq!(spec.full_name("shop"), "mine");
    }
}
