//! How many there are of everything, and how they are.

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{breaker::State, health::CheckStatus, units::HumanDuration};
use switchyard_delivery::SagaStats;

use crate::{
    admin::{Sources, reply::Problem},
    reload::PluginState,
};

/// Plugins by their state.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plugins {
    total: usize,
    active: usize,
    loading: usize,
    draining: usize,
    failed: usize,
    /// Those, whatever their state, whose newest file does not serve.
    faulty: usize,
}

/// Services by how they are.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Services {
    total: usize,
    healthy: usize,
    unhealthy: usize,
    unknown: usize,
}

/// Breakers by their state.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Breakers {
    total: usize,
    closed: usize,
    open: usize,
    half_open: usize,
    forced_open: usize,
    forced_closed: usize,
    measuring: usize,
}

/// Topics and subscriptions.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Events {
    topics: usize,
    /// Events ever published.
    published: u64,
    subscriptions: usize,
    paused: usize,
    /// Those that cannot go on.
    blocked: usize,
    /// The most events that one of them has still to come to.
    lag: u64,
    /// Deliveries under way.
    in_flight: usize,
    /// Events that wait for another attempt.
    retrying: usize,
}

/// Queues.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queues {
    total: usize,
    /// Messages waiting and delayed.
    size: u64,
    /// Messages leased.
    in_flight: u64,
    /// Messages that can be leased only later.
    delayed: u64,
    /// How long the oldest of all waits that could be leased now; null when none does.
    oldest_age: Option<HumanDuration>,
}

/// All of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    plugins: Plugins,
    services: Services,
    breakers: Breakers,
    events: Events,
    queues: Queues,
    /// Dead letters of subscriptions and of queues.
    dead_letters: u64,
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    sagas: SagaStats,
}

// === impl Counts ===

impl Counts {
    /// As of now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn now(sources: &Sources) -> Result<Self, Problem> {
        let dead = sources.store.dead_counts().await.map_err(switchyard_delivery::Error::from)?;
        Ok(Self {
            plugins: plugins(sources),
            services: services(sources),
            breakers: breakers(sources),
            events: events(sources).await?,
            queues: queues(sources).await?,
            dead_letters: dead.subscriptions.values().chain(dead.queues.values()).sum(),
            sagas: sources.delivery.saga_stats().await?,
        })
    }
}

fn plugins(sources: &Sources) -> Plugins {
    let mut counts = Plugins::default();
    for plugin in sources.plugins.shown().plugins.iter() {
        counts.total += 1;
        counts.faulty += usize::from(plugin.error.is_some());
        match plugin.state {
            PluginState::Active => counts.active += 1,
            PluginState::Loading => counts.loading += 1,
            PluginState::Draining => counts.draining += 1,
            PluginState::Failed => counts.failed += 1,
            PluginState::Retired => {}
        }
    }
    counts
}

fn services(sources: &Sources) -> Services {
    let (mut counts, checks) = (Services::default(), sources.checks.borrow().clone());
    for service in sources.dispatcher.snapshot().services.values() {
        counts.total += 1;
        match service.health(checks.get(service.name())) {
            CheckStatus::Healthy => counts.healthy += 1,
            CheckStatus::Unhealthy => counts.unhealthy += 1,
            CheckStatus::Unknown => counts.unknown += 1,
        }
    }
    counts
}

fn breakers(sources: &Sources) -> Breakers {
    let mut counts = Breakers::default();
    for breaker in sources.dispatcher.breakers() {
        counts.total += 1;
        match breaker.state {
            State::Closed => counts.closed += 1,
            State::Open => counts.open += 1,
            State::HalfOpen => counts.half_open += 1,
            State::ForcedOpen => counts.forced_open += 1,
            State::ForcedClosed => counts.forced_closed += 1,
            State::Measuring => counts.measuring += 1,
        }
    }
    counts
}

async fn events(sources: &Sources) -> Result<Events, Problem> {
    let topics = sources.delivery.topics().await?;
    let published = topics.iter().map(|topic| topic.published).sum();
    let mut counts = Events { topics: topics.len(), published, ..Events::default() };
    for subscription in sources.delivery.subscriptions().await? {
        counts.subscriptions += 1;
        counts.paused += usize::from(subscription.state == "paused");
        counts.blocked += usize::from(subscription.state == "blocked");
        counts.lag = counts.lag.max(subscription.lag);
        counts.in_flight += subscription.in_flight;
        counts.retrying += subscription.retrying;
    }
    Ok(counts)
}

async fn queues(sources: &Sources) -> Result<Queues, Problem> {
    let mut counts = Queues::default();
    for queue in sources.delivery.queues().await? {
        counts.total += 1;
        counts.size += queue.current_size;
        counts.in_flight += queue.in_flight;
        counts.delayed += queue.delayed;
        counts.oldest_age = counts.oldest_age.max(queue.oldest_age);
    }
    Ok(counts)
}
