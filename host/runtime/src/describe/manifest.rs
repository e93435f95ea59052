//! Asking a component what it is: `manifest.describe`, with every import stubbed, little memory and little time.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use futures_util::FutureExt;
use serde_json::Value;
use switchyard_core::{
    manifest::{
        Ack, Backoff, ConsumerSpec, Dependency, Guests, Manifest, RouteSpec, ScheduleSpec, Start, SubscriptionSpec,
        Target, Timetable,
    },
    name::ServiceName,
    saga::Definition,
    units::HumanDuration,
};
use wasmtime::{
    Store,
    component::{Component, Linker},
};

use super::{
    clock::{self, Clock},
    fault,
};
use crate::{limiter::MemoryBudget, settings::Limits};

use self::bindings::exports::switchyard::plugin::manifest as wit;

/// The CPU time that `manifest.describe` may take, instantiation included.
pub(crate) const DESCRIBE_TIME_MAX: Duration = Duration::from_secs(1);

/// The memory that `manifest.describe` may use.
pub(crate) const DESCRIBE_MEMORY_MAX: u64 = 64 << 20;

#[allow(missing_docs, reason = "generated; the WIT is documented")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package host:describe; world described { export switchyard:plugin/manifest@0.1.0; }",
        world: "host:describe/described",
        exports: { default: async },
    });
}

/// Calls `describe` of a component.
pub(super) fn ask(component: &Component) -> anyhow::Result<Manifest> {
    let engine = component.engine().clone();
    let mut linker = Linker::<MemoryBudget>::new(&engine);
    linker.define_unknown_imports_as_traps(component)?;
    let limits = Limits { memory_max: DESCRIBE_MEMORY_MAX, ..Limits::default() };
    let mut store = Store::new(&engine, MemoryBudget::new(&limits));
    store.limiter(|budget| budget);
    clock::limit(&mut store, DESCRIBE_TIME_MAX);
    let _clock = Clock::start(&engine);
    // A component of WASI 0.3 whose imports are async can be called in no other way. All of them trap, so there is nothing to
    // wait for, and it ends in one go.
    let asked = async {
        let described = bindings::Described::instantiate_async(&mut store, component, &linker).await?;
        described.switchyard_plugin_manifest().call_describe(&mut store).await
    };
    let said = asked.now_or_never().unwrap_or_else(|| Err(wasmtime::format_err!("it waits")));
    if store.data().refused.is_some() {
        bail!("it takes more than the {} MiB of memory that there are for it", DESCRIBE_MEMORY_MAX >> 20);
    }
    let said = said
        .map_err(|error| anyhow!("{}; it must call nothing and always answer the same", fault::in_one_line(&error)))?;
    let manifest = checked(said)?;
    manifest.check_counts()?;
    Ok(manifest)
}

/// A manifest of ours. What is no more than text there is read; whether the rest holds is checked with the side file.
fn checked(said: wit::Description) -> anyhow::Result<Manifest> {
    let name: ServiceName = said.name.parse()?;
    let Ok(version) = said.version.parse() else {
        bail!("its version '{}' is not semantic; write MAJOR.MINOR.PATCH", said.version);
    };
    Ok(Manifest {
        version,
        description: said.description,
        tags: said.tags,
        metadata: said.metadata.into_iter().collect(),
        routes: said.routes.into_iter().map(route).collect(),
        subscriptions: said.subscriptions.into_iter().map(subscription).collect(),
        queues: said.queues.into_iter().map(consumer).collect(),
        schedules: said.schedules.into_iter().map(schedule).collect::<anyhow::Result<_>>()?,
        commands: said.commands,
        sagas: (0..).zip(&said.sagas).map(|(place, text)| saga(place, text)).collect::<anyhow::Result<_>>()?,
        dependencies: said.dependencies.into_iter().map(dependency).collect(),
        health: said.health,
        guests: said.guests.map(guests),
        ..Manifest::of_file(name, None)
    })
}

fn route(said: wit::Route) -> RouteSpec {
    RouteSpec {
        path: said.path,
        methods: said.methods,
        strip_prefix: said.strip_prefix,
        host: said.host,
        timeout: said.timeout.map(duration),
    }
}

fn subscription(said: wit::Subscription) -> SubscriptionSpec {
    SubscriptionSpec {
        topic: said.topic,
        name: said.name,
        group: said.group,
        broadcast: said.broadcast,
        priority: said.priority,
        filter: said.filter,
        once: said.once,
        max_attempts: said.max_attempts,
        backoff: said.backoff.map(|backoff| match backoff {
            wit::Backoff::Linear(delay) => Backoff::Linear(duration(delay)),
            wit::Backoff::Exponential(delay) => Backoff::Exponential(duration(delay)),
        }),
        start: match said.start {
            wit::Start::Latest => Start::Latest,
            wit::Start::First => Start::First,
        },
    }
}

fn consumer(said: wit::QueueConsumer) -> ConsumerSpec {
    ConsumerSpec {
        queue: said.queue,
        concurrency: said.concurrency,
        max_attempts: said.max_attempts,
        visibility_timeout: said.visibility_timeout.map(duration),
        ack: match said.ack {
            wit::AckMode::Auto => Ack::Auto,
            wit::AckMode::Manual => Ack::Manual,
        },
    }
}

fn schedule(said: wit::Schedule) -> anyhow::Result<ScheduleSpec> {
    let data = match said.data.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text)
            .with_context(|| format!("the data of the schedule '{}' is not JSON", said.name))?,
    };
    Ok(ScheduleSpec {
        name: said.name,
        timetable: match said.timetable {
            wit::Timetable::Cron(expression) => Timetable::Cron(expression),
            wit::Timetable::Every(interval) => Timetable::Every(duration(interval)),
        },
        target: match said.target {
            wit::ScheduleTarget::Topic(topic) => Target::Topic(topic),
            wit::ScheduleTarget::Queue(queue) => Target::Queue(queue),
        },
        data,
    })
}

/// A definition from its text. One that is refused is named by its name, as far as that can be made out.
fn saga(place: usize, text: &str) -> anyhow::Result<Definition> {
    let read: Value =
        serde_json::from_str(text).with_context(|| format!("the definition {place} of its sagas is not JSON"))?;
    let name = match read["name"].as_str() {
        Some(name) => format!("the saga '{name}'"),
        None => format!("the definition {place} of its sagas"),
    };
    serde_json::from_value(read).context(name)
}

fn dependency(said: wit::Dependency) -> Dependency {
    Dependency { name: said.name, health_url: said.health_url, timeout: said.timeout.map(duration) }
}

fn guests(said: wit::Guests) -> Guests {
    match said {
        wit::Guests::Fresh => Guests::Fresh,
        wit::Guests::Reused => Guests::Reused,
    }
}

fn duration(milliseconds: u64) -> HumanDuration {
    HumanDuration(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> wit::Description {
        wit::Description {
            name: "shop".to_owned(),
            version: "1.2.3".to_owned(),
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
            guests: None,
        }
    }

    fn every_minute(data: &str) -> wit::Schedule {
        wit::Schedule {
            name: "tick".to_owned(),
            timetable: wit::Timetable::Every(60_000),
            target: wit::ScheduleTarget::Queue("ticks".to_owned()),
            data: data.to_owned(),
        }
    }

    #[test]
    fn what_a_component_says_of_deliveries_is_taken_over() {
        let subscription = wit::Subscription {
            topic: "order.*".to_owned(),
            name: Some("mine".to_owned()),
            group: Some("billing".to_owned()),
            broadcast: true,
            priority: -1,
            filter: Some("data.total > 10".to_owned()),
            once: true,
            max_attempts: Some(5),
            backoff: Some(wit::Backoff::Exponential(2_000)),
            start: wit::Start::First,
        };
        let consumer = wit::QueueConsumer {
            queue: "emails".to_owned(),
            concurrency: Some(4),
            max_attempts: Some(2),
            visibility_timeout: Some(5_000),
            ack: wit::AckMode::Manual,
        };
        let said = wit::Description {
            subscriptions: vec![subscription],
            queues: vec![consumer],
            schedules: vec![every_minute("{\"a\":1}")],
            ..said()
        };
        let manifest = checked(said).unwrap();
        let seconds = |seconds| HumanDuration(Duration::from_secs(seconds));
        let expected = SubscriptionSpec {
            topic: "order.*".to_owned(),
            name: Some("mine".to_owned()),
            group: Some("billing".to_owned()),
            broadcast: true,
            priority: -1,
            filter: Some("data.total > 10".to_owned()),
            once: true,
            max_attempts: Some(5),
            backoff: Some(Backoff::Exponential(seconds(2))),
            start: Start::First,
        };
        assert_eq!(manifest.subscriptions, [expected]);
        let expected = ConsumerSpec {
            queue: "emails".to_owned(),
            concurrency: Some(4),
            max_attempts: Some(2),
            visibility_timeout: Some(seconds(5)),
            ack: Ack::Manual,
        };
        assert_eq!(manifest.queues, [expected]);
        let expected = ScheduleSpec {
            name: "tick".to_owned(),
            timetable: Timetable::Every(seconds(60)),
            target: Target::Queue("ticks".to_owned()),
            data: serde_json::json!({"a": 1}),
        };
        assert_eq!(manifest.schedules, [expected]);
        assert_eq!((manifest.routes.len(), manifest.check()), (0, Ok(())));
    }

    #[test]
    fn commands_and_definitions_are_taken_over() {
        let text = r#"{"name": "order", "steps": [{"command": "pay", "compensation": "refund", "timeout": "5s"}]}"#;
        let said = wit::Description { commands: vec!["pay".to_owned()], sagas: vec![text.to_owned()], ..said() };
        let manifest = checked(said).unwrap();
        assert_eq!((manifest.commands.as_slice(), manifest.check()), (&["pay".to_owned()][..], Ok(())));
        assert_eq!(manifest.sagas[0].name(), "order");
        assert_eq!(manifest.sagas[0].command_step(0).unwrap().timeout, Duration::from_secs(5));
    }

    #[track_caller]
    fn refused(definition: &str, expected: &str) {
        let good = r#"{"name": "good", "steps": [{"command": "a", "irreversible": true}]}"#;
        let error = checked(wit::Description { sagas: vec![good.to_owned(), definition.to_owned()], ..said() });
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_definition_that_is_none_is_refused_by_name() {
        refused("{", "the definition 1 of its sagas is not JSON: EOF while parsing");
        refused(r#""order""#, "the definition 1 of its sagas: invalid type");
        refused(r#"{"steps": []}"#, "the definition 1 of its sagas: missing field `name`");
        refused(r#"{"name": "order", "steps": [{"comand": "a"}]}"#, "the saga 'order': unknown field `comand`");
        refused(r#"{"name": "order", "steps": [{}]}"#, "the saga 'order': the step 0 (''): say exactly one of");
        let steps = |steps: &str| {
            checked(wit::Description { sagas: vec![format!(r#"{{"name": "order", "steps": {steps}}}"#)], ..said() })
        };
        let error = steps(r#"[{"command": "a"}]"#).unwrap().check().unwrap_err().to_string();
        assert!(error.starts_with("the saga 'order': the step 0 ('a'): it comes before the pivot"), "{error}");
    }

    #[test]
    fn data_of_a_schedule_is_json_or_nothing() {
        let of = |data: &str| checked(wit::Description { schedules: vec![every_minute(data)], ..said() });
        assert_eq!(of("").unwrap().schedules[0].data, Value::Null);
        assert!(of("{").unwrap_err().to_string().contains("the schedule 'tick' is not JSON"));
    }
}
