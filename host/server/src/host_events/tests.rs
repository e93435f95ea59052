//! What is told when something has changed, and what is not.

use std::time::Duration;

use switchyard_core::{health::Check, timestamp::Timestamp};

use super::*;

fn instance(service: &str, generation: u64) -> Instance {
    Instance {
        service: service.parse().expect("a name"),
        generation: Generation(generation),
        version: semver::Version::new(1, 0, generation),
        digest: Digest::of(&[]),
    }
}

fn plugin(state: PluginState, generation: u64, error: Option<&str>) -> PluginView {
    PluginView {
        generation: Some(Generation(generation)),
        error: error.map(str::to_owned),
        ..PluginView::empty("a", state)
    }
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
        let check = Check::of(status, Timestamp(0), Duration::ZERO, error.map(str::to_owned));
        seen.health(&Checks::new([("a".parse().expect("a name"), check)].into()))
    };
    assert!(tell(CheckStatus::Unknown, None).is_empty());
    let told = tell(CheckStatus::Healthy, None);
    assert_eq!(names(&told), [("registry.status-change", "a")]);
    assert_eq!((&told[0].data["previousStatus"], &told[0].data["status"]), (&"unknown".into(), &"healthy".into()));
    assert!(tell(CheckStatus::Healthy, None).is_empty());
    assert_eq!(tell(CheckStatus::Unhealthy, Some("no"))[0].data["error"], "no");
}
