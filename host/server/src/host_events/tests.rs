//! What is told when something has changed, and what is not.

use switchyard_core::breaker::{Cause, State};
use switchyard_dispatch::BreakerChange;

use super::*;

fn instance(service: &str, generation: u64) -> Instance {
    Instance {
        service: service.parse().expect("a name"),
        id: format!("{service}-{generation}"),
        version: semver::Version::new(1, 0, generation),
        what: What::Plugin { generation: Generation(generation), digest: Digest::of(&[]) },
    }
}

fn plugin(state: PluginState, generation: u64, error: Option<&str>) -> PluginView {
    PluginView {
        generation: Some(Generation(generation)),
        error: error.map(str::to_owned),
        ..PluginView::empty("a", state)
    }
}

fn plugin_of(service: &str) -> Subject {
    Subject { service: service.parse().expect("a name"), upstream: None }
}

/// The topics that are told, with their subjects.
fn names(told: &[Told]) -> Vec<(&str, &str)> {
    told.iter().map(|told| (told.topic, told.subject.as_str())).collect()
}

#[test]
fn a_replacement_is_registered_before_the_old_one_is_deregistered() {
    let mut seen = Seen::default();
    let told = seen.instances([instance("a", 1), instance("b", 2)].into());
    assert_eq!(names(&told), [("registry.register", "a"), ("registry.register", "b")]);
    assert_eq!(told[0].data["version"], "1.0.1");
    let told = seen.instances([instance("a", 3), instance("b", 2)].into());
    assert_eq!(names(&told), [("registry.register", "a"), ("registry.deregister", "a")]);
    assert_eq!((&told[0].data["id"], &told[1].data["id"]), (&"a-3".into(), &"a-1".into()));
    assert!(seen.instances([instance("a", 3), instance("b", 2)].into()).is_empty());
    assert_eq!(names(&seen.instances(BTreeSet::new())), [("registry.deregister", "a"), ("registry.deregister", "b")]);
}

#[test]
fn plugins_are_told_by_what_is_new_about_them() {
    let mut seen = Seen::default();
    let mut tell = |views: &[PluginView]| seen.plugins(views).iter().map(|told| told.topic).collect::<Vec<_>>();
    assert!(tell(&[plugin(PluginState::Loading, 1, None)]).is_empty());
    assert_eq!(tell(&[plugin(PluginState::Active, 1, None)]), ["plugin.active"]);
    assert_eq!(tell(&[plugin(PluginState::Active, 1, Some("bad"))]), ["plugin.failed"]);
    assert!(tell(&[plugin(PluginState::Active, 1, Some("bad"))]).is_empty());
    assert_eq!(tell(&[plugin(PluginState::Active, 2, Some("worse"))]), ["plugin.failed", "plugin.active"]);
    assert!(tell(&[plugin(PluginState::Active, 2, None)]).is_empty());
    assert_eq!(tell(&[plugin(PluginState::Draining, 2, None)]), ["plugin.draining"]);
    assert_eq!(tell(&[]), ["plugin.removed"]);
}

#[test]
fn health_is_told_when_it_changes() {
    let mut seen = Seen::default();
    let mut tell = |status: CheckStatus, error: Option<&str>| {
        let (id, error) = ("a-1".to_owned(), error.map(str::to_owned));
        seen.health(&[(plugin_of("a"), Health { id, status, error, first: CheckStatus::Unknown })].into())
    };
    assert!(tell(CheckStatus::Unknown, None).is_empty());
    let told = tell(CheckStatus::Healthy, None);
    assert_eq!(names(&told), [("registry.status-change", "a")]);
    assert_eq!((&told[0].data["previousStatus"], &told[0].data["status"]), (&"unknown".into(), &"healthy".into()));
    assert!(tell(CheckStatus::Healthy, None).is_empty());
    assert_eq!(tell(CheckStatus::Unhealthy, Some("no"))[0].data["error"], "no");
}

#[test]
fn a_service_that_has_nothing_to_check_is_well_until_its_breaker_opens() {
    let mut seen = Seen::default();
    let mut tell = |status: CheckStatus| {
        let health = Health { id: "a-1".to_owned(), status, error: None, first: CheckStatus::Healthy };
        seen.health(&[(plugin_of("a"), health)].into())
    };
    assert!(tell(CheckStatus::Healthy).is_empty());
    assert_eq!(tell(CheckStatus::Unhealthy)[0].data["previousStatus"], "healthy");
    assert_eq!(tell(CheckStatus::Healthy)[0].data["status"], "healthy");
}

#[test]
fn each_move_of_a_breaker_is_told_and_what_is_only_measured_is_not() {
    let told = |from, to| {
        let service = "a".parse().expect("a name");
        let cause = Cause::InARow(5);
        breakers::told(&BreakerChange { id: "a-1".to_owned(), service, from, to, cause, next_attempt: None })
    };
    for (from, to, topic) in [
        (State::Closed, State::Open, "breaker.opened"),
        (State::Closed, State::ForcedOpen, "breaker.opened"),
        (State::Open, State::HalfOpen, "breaker.half-open"),
        (State::HalfOpen, State::Closed, "breaker.closed"),
        (State::ForcedOpen, State::ForcedClosed, "breaker.closed"),
        (State::Closed, State::Measuring, "breaker.closed"),
    ] {
        assert_eq!(told(from, to).map(|told| told.topic), Some(topic), "{from} to {to}");
    }
    assert_eq!(told(State::Measuring, State::Measuring), None);
    let told = told(State::Closed, State::Open).expect("it is told");
    assert_eq!(told.subject, "a");
    let expected = json!({
        "id": "a-1", "service": "a", "instance": "a-1", "state": "open", "previousState": "closed",
        "reason": "5 calls in a row failed", "nextAttempt": null,
    });
    assert_eq!(told.data, expected);
}
