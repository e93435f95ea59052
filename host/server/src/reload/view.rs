//! Plugins as the admin API shows them.

mod delivery;
mod rollout;
mod sagas;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    describe::Role,
    folder::Wanted,
    manifest::{Manifest, RouteSpec},
    name::{Digest, Generation, ServiceName},
};

use super::{
    refused::Refusals,
    stem::{Active, Leaving, Past, Stem},
};
use delivery::{ConsumerView, ScheduleView, SubscriptionView};
use sagas::SagaView;

pub(crate) use rollout::{RolledBackView, RolloutView};

/// One plugin.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PluginView {
    /// The file's stem.
    pub(crate) name: String,
    /// Null until it was described.
    pub(crate) service: Option<ServiceName>,
    pub(crate) version: Option<semver::Version>,
    /// Of what serves; else of the file.
    pub(crate) digest: Option<Digest>,
    pub(crate) generation: Option<Generation>,
    pub(crate) state: State,
    /// Loaded, but another file of the same service takes the traffic.
    pub(crate) staged: bool,
    /// Why the newest file does not serve; beside `active` it is an older one that does.
    pub(crate) error: Option<String>,
    pub(crate) roles: Vec<Role>,
    pub(crate) routes: Vec<RouteView>,
    pub(crate) subscriptions: Vec<SubscriptionView>,
    pub(crate) queues: Vec<ConsumerView>,
    pub(crate) schedules: Vec<ScheduleView>,
    pub(crate) commands: Vec<String>,
    pub(crate) sagas: Vec<SagaView>,
    /// What of all that it does not get.
    #[serde(flatten)]
    pub(crate) refused: Refusals,
    pub(crate) tier: Option<Tier>,
    /// A newer generation that takes a growing share of its calls.
    pub(crate) rollout: Option<RolloutView>,
    /// The latest one that did worse, until a newer one comes.
    pub(crate) rolled_back: Option<RolledBackView>,
    /// Earlier generations, newest first.
    pub(crate) previous: Vec<Previous>,
}

/// Where a generation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "PluginState")]
pub(crate) enum State {
    Loading,
    Active,
    Draining,
    Retired,
    Failed,
}

/// Which compiler made the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CodeTier")]
pub(crate) enum Tier {
    /// Winch: made at once, to be live at once.
    Quick,
    /// Cranelift.
    Optimised,
}

/// A route that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PluginRoute")]
pub(crate) struct RouteView {
    pub(crate) path: String,
    /// Empty means all.
    pub(crate) methods: Vec<String>,
    pub(crate) host: Option<String>,
    pub(crate) strip_prefix: Option<String>,
    pub(crate) timeout: Option<String>,
}

/// An earlier generation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PreviousGeneration")]
pub(crate) struct Previous {
    pub(crate) generation: Generation,
    pub(crate) digest: Digest,
    pub(crate) version: semver::Version,
    pub(crate) state: State,
}

/// All plugins by name; a removed one is there until it has drained.
pub(super) fn plugins(
    stems: &BTreeMap<String, Stem>,
    tried: &BTreeMap<String, Wanted>,
    leaving: &[Leaving],
) -> Vec<PluginView> {
    let current = stems.iter().map(|(name, stem)| plugin(name, stem, tried.get(name), leaving));
    let removed = leaving
        .iter()
        .filter(|left| left.is_removed && !stems.contains_key(&left.stem))
        .map(|left| PluginView::of(&left.stem, Some(&left.active), State::Draining));
    let mut views: Vec<_> = current.chain(removed).collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    views
}

fn plugin(name: &str, stem: &Stem, tried: Option<&Wanted>, leaving: &[Leaving]) -> PluginView {
    let state = match (&stem.serving, &stem.loading) {
        (Some(_), _) => State::Active,
        (None, Some(_)) => State::Loading,
        (None, None) => State::Failed,
    };
    let draining = leaving.iter().filter(|left| left.stem == name && !left.is_removed);
    let previous = draining.map(|left| Previous::draining(&left.active)).chain(stem.past.iter().map(Previous::retired));
    let of_file = match tried {
        Some(Wanted::Load(source)) => Some(source.digest),
        _ => None,
    };
    let view = PluginView::of(name, stem.serving.as_ref(), state);
    PluginView {
        digest: view.digest.or(of_file),
        staged: stem.is_staged,
        error: stem.error.clone(),
        refused: stem.refused.clone(),
        rollout: stem.candidate.as_ref().map(RolloutView::of),
        rolled_back: stem.rolled_back.as_ref().map(RolledBackView::of),
        previous: previous.collect(),
        ..view
    }
}

// === impl PluginView ===

impl PluginView {
    /// One of which nothing is known but its name.
    #[cfg(test)]
    pub(crate) fn empty(name: &str, state: State) -> Self {
        Self::of(name, None, state)
    }

    fn of(name: &str, active: Option<&Active>, state: State) -> Self {
        let manifest = active.map(|active| &*active.manifest);
        Self {
            name: name.to_owned(),
            service: manifest.map(|manifest| manifest.name.clone()),
            version: manifest.map(|manifest| manifest.version.clone()),
            digest: active.map(|active| active.source.digest),
            generation: active.map(|active| active.generation),
            state,
            staged: false,
            error: None,
            roles: active.iter().flat_map(|active| active.description.roles.iter().copied()).collect(),
            routes: manifest.iter().flat_map(|manifest| manifest.routes.iter().map(RouteView::of)).collect(),
            subscriptions: manifest.map(subscriptions).unwrap_or_default(),
            queues: manifest.iter().flat_map(|manifest| manifest.queues.iter().map(ConsumerView::of)).collect(),
            schedules: manifest.iter().flat_map(|manifest| manifest.schedules.iter().map(ScheduleView::of)).collect(),
            commands: manifest.map(|manifest| manifest.commands.clone()).unwrap_or_default(),
            sagas: manifest.iter().flat_map(|manifest| manifest.sagas.iter().map(SagaView::of)).collect(),
            refused: Refusals::default(),
            tier: active.map(|active| if active.optimised { Tier::Optimised } else { Tier::Quick }),
            rollout: None,
            rolled_back: None,
            previous: Vec::new(),
        }
    }
}

fn subscriptions(manifest: &Manifest) -> Vec<SubscriptionView> {
    manifest.subscriptions.iter().map(|spec| SubscriptionView::of(&manifest.name, spec)).collect()
}

impl RouteView {
    /// A route as it was asked for.
    pub(crate) fn of(spec: &RouteSpec) -> Self {
        Self {
            path: spec.path.clone(),
            methods: spec.methods.clone(),
            host: spec.host.clone(),
            strip_prefix: spec.strip_prefix.clone(),
            timeout: spec.timeout.map(|timeout| timeout.to_string()),
        }
    }
}

impl Previous {
    fn draining(active: &Active) -> Self {
        let version = active.manifest.version.clone();
        Self { generation: active.generation, digest: active.source.digest, version, state: State::Draining }
    }

    fn retired(past: &Past) -> Self {
        Self { generation: past.generation, digest: past.digest, version: past.version.clone(), state: State::Retired }
    }
}
