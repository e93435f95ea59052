//! What a plugin says of itself, built beside its handlers.

mod consumer;
mod dependency;
mod route;
mod schedule;
mod subscription;

pub use consumer::Consumer;
pub use dependency::Dependency;
pub use route::Route;
pub use schedule::{Schedule, Timetable};
pub use subscription::Subscription;

use crate::Participant;
use crate::bindings::manifest::exports::switchyard::plugin::manifest as wit;

/// What a plugin is. [`manifest!`](crate::manifest!) begins one from `Cargo.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    description: wit::Description,
}

/// How instances serve requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// Up to 1,000 requests each, one at a time. The default here: it is twice as fast.
    Reused,
    /// One request each: nothing leaks from one to the next.
    Fresh,
}

/// A [`Manifest`] with the name, version and description of the crate that it stands in.
#[macro_export]
macro_rules! manifest {
    () => {
        $crate::Manifest::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .description(env!("CARGO_PKG_DESCRIPTION"))
    };
}

// === impl Manifest ===

impl Manifest {
    /// A service of this name (`[a-z0-9-]{1,63}`) and semantic version. If it serves HTTP and has no route, it gets
    /// `/NAME/*` with `/NAME` stripped.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            description: wit::Description {
                name: name.into(),
                version: version.into(),
                description: String::new(),
                tags: Vec::new(),
                metadata: Vec::new(),
                routes: Vec::new(),
                subscriptions: Vec::new(),
                queues: Vec::new(),
                schedules: Vec::new(),
                commands: Vec::new(),
                sagas: Vec::new(),
                dependencies: Vec::new(),
                health: None,
                guests: Some(wit::Guests::Reused),
            },
        }
    }

    /// One sentence for people.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description.description = text.into();
        self
    }

    /// A word to discover it by.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.description.tags.push(tag.into());
        self
    }

    /// A further fact.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.description.metadata.push((name.into(), value.into()));
        self
    }

    /// A route of the gateway to this service.
    pub fn route(mut self, route: Route) -> Self {
        self.description.routes.push(route.into());
        self
    }

    /// Something that it needs.
    pub fn dependency(mut self, dependency: Dependency) -> Self {
        self.description.dependencies.push(dependency.into());
        self
    }

    /// Events that it wants, which the role `events` of [`plugin!`](crate::plugin!) handles.
    pub fn subscription(mut self, subscription: Subscription) -> Self {
        self.description.subscriptions.push(subscription.into());
        self
    }

    /// A queue that it consumes, whose messages the role `queues` of [`plugin!`](crate::plugin!) handles.
    pub fn queue(mut self, consumer: Consumer) -> Self {
        self.description.queues.push(consumer.into());
        self
    }

    /// Something that it wants done by the clock.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.description.schedules.push(schedule.into());
        self
    }

    /// A saga command that it carries out; the role `commands` of [`plugin!`](crate::plugin!) handles it. Those that a
    /// [`Participant`] names are listed by themselves.
    pub fn command(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if !self.description.commands.contains(&name) {
            self.description.commands.push(name);
        }
        self
    }

    /// A saga definition, a JSON document, as of `include_str!("process-order.json")`. Services start it by the name in
    /// it; the host refuses a plugin with one that does not hold, and says why.
    pub fn saga(mut self, definition: impl Into<String>) -> Self {
        self.description.sagas.push(definition.into());
        self
    }

    /// With the commands of a participant.
    #[doc(hidden)]
    pub fn commands_of(self, participant: &Participant) -> Self {
        participant.commands().fold(self, Self::command)
    }

    /// A path that answers 2xx while the service is well; the host calls it in process, past the gateway.
    pub fn health(mut self, path: impl Into<String>) -> Self {
        self.description.health = Some(path.into());
        self
    }

    /// How instances serve requests; reused unless this says otherwise. The host's config wins.
    pub fn guests(mut self, guests: Guests) -> Self {
        self.description.guests = Some(match guests {
            Guests::Reused => wit::Guests::Reused,
            Guests::Fresh => wit::Guests::Fresh,
        });
        self
    }
}

impl From<Manifest> for wit::Description {
    fn from(manifest: Manifest) -> Self {
        manifest.description
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn guests_are_reused_unless_told_otherwise() {
        let described = |manifest: Manifest| wit::Description::from(manifest).guests;
        assert!(matches!(described(Manifest::new("a", "1.0.0")), Some(wit::Guests::Reused)));
        assert!(matches!(described(Manifest::new("a", "1.0.0").guests(Guests::Fresh)), Some(wit::Guests::Fresh)));
    }

    #[test]
    fn the_macro_takes_name_and_version_from_the_crate() {
        let described = wit::Description::from(crate::manifest!());
        assert_eq!((described.name.as_str(), described.version.as_str()), ("switchyard-sdk", "0.1.0"));
    }

    #[test]
    fn the_commands_of_a_participant_are_listed_once() {
        let done = |_: &crate::Command| Ok::<(), crate::Failure>(());
        let participant = Participant::new().on("pay", done).on("refund", done);
        let manifest = Manifest::new("a", "1.0.0").command("refund").command("other").saga(r#"{"name":"trip"}"#);
        let described = wit::Description::from(manifest.commands_of(&participant));
        assert_eq!(described.commands, ["refund", "other", "pay"]);
        assert_eq!(described.sagas, [r#"{"name":"trip"}"#]);
    }

    #[test]
    fn what_it_wants_goes_into_the_description() {
        let described = wit::Description::from(
            Manifest::new("a", "1.0.0")
                .subscription(
                    Subscription::new("order.*").group("g").linear_backoff(Duration::from_secs(2)).from_first(),
                )
                .queue(Consumer::new("emails").concurrency(4).manual_ack())
                .schedule(Schedule::every("sweep", Duration::from_secs(5)).queue("q").data(serde_json::json!([1])))
                .schedule(Schedule::cron("nightly", "0 3 * * *").topic("t")),
        );
        let subscription = &described.subscriptions[0];
        assert_eq!((subscription.topic.as_str(), subscription.group.as_deref()), ("order.*", Some("g")));
        assert!(matches!(subscription.backoff, Some(wit::Backoff::Linear(2_000))));
        assert!(matches!(subscription.start, wit::Start::First));
        assert!(matches!((described.queues[0].concurrency, described.queues[0].ack), (Some(4), wit::AckMode::Manual)));
        let (sweep, nightly) = (&described.schedules[0], &described.schedules[1]);
        assert!(matches!(sweep.timetable, wit::Timetable::Every(5_000)) && sweep.data == "[1]");
        assert!(
            matches!(&nightly.target, wit::ScheduleTarget::Topic(topic) if topic == "t") && nightly.data.is_empty()
        );
    }
}
