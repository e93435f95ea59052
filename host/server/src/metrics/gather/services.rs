//! Services: their guests, their instances, their breakers.

use switchyard_core::{breaker::State, health::CheckStatus};

use super::super::{
    catalog::services::{
        BREAKERS, CALLS, CPU, DURATIONS, EXHAUSTED, GUESTS, INSIDE, INSTANCES, MEMORY, MOVES, REJECTED, RETRIES,
        STREAMS, WAITING,
    },
    model::{Gathered, label, word},
};
use crate::admin::Sources;

/// Where a breaker can stand by itself: told of each service, also while none of its breakers does.
const OWN_STATES: [State; 3] = [State::Closed, State::Open, State::HalfOpen];

pub(super) fn gather(gathered: &mut Gathered, sources: &Sources) {
    guests(gathered, sources);
    instances(gathered, sources);
    breakers(gathered, sources);
}

fn guests(gathered: &mut Gathered, sources: &Sources) {
    let Some(runtime) = &sources.counted.runtime else { return };
    let figures = runtime.figures();
    let mut usage = figures.usage;
    usage.sort_by(|a, b| a.service.cmp(&b.service));
    let calls = gathered.family(&CALLS);
    for one in &usage {
        for (role, outcome, count) in &one.calls {
            calls.add([label(&one.service), word(role), word(outcome)], *count);
        }
    }
    let durations = gathered.family(&DURATIONS);
    for one in usage.iter().filter(|one| one.durations.count() > 0) {
        durations.add([label(&one.service)], one.durations);
    }
    let cpu = gathered.family(&CPU);
    usage.iter().for_each(|one| cpu.add([label(&one.service)], one.cpu));
    let memory = gathered.family(&MEMORY);
    usage.iter().for_each(|one| memory.add([label(&one.service)], one.memory));
    let guests = gathered.family(&GUESTS);
    usage.iter().for_each(|one| guests.add([label(&one.service)], one.guests));
    let inside = gathered.family(&INSIDE);
    figures.load.iter().for_each(|(service, load)| inside.add([label(service)], load.inside));
    let waiting = gathered.family(&WAITING);
    figures.load.iter().for_each(|(service, load)| waiting.add([label(service)], load.waiting));
    let streams = gathered.family(&STREAMS);
    figures.load.iter().for_each(|(service, load)| streams.add([label(service)], load.streams));
}

fn instances(gathered: &mut Gathered, sources: &Sources) {
    let snapshot = sources.dispatcher.snapshot();
    let instances = gathered.family(&INSTANCES);
    for service in snapshot.services.values() {
        for instance in service.every_instance() {
            let health = match service.status_of(instance) {
                CheckStatus::Healthy => "healthy",
                CheckStatus::Unhealthy => "unhealthy",
                CheckStatus::Unknown => "unknown",
            };
            instances.add([label(service.name()), word(health)], 1_u64);
        }
    }
    let retries = snapshot.services.values().map(|service| (service.name(), service.retries()));
    let retries: Vec<_> = retries.collect();
    let repeated = gathered.family(&RETRIES);
    retries.iter().for_each(|(name, counts)| repeated.add([label(name)], counts.repeated));
    let refused = gathered.family(&EXHAUSTED);
    retries.iter().for_each(|(name, counts)| refused.add([label(name)], counts.refused));
}

fn breakers(gathered: &mut Gathered, sources: &Sources) {
    let views = sources.dispatcher.breakers();
    let breakers = gathered.family(&BREAKERS);
    for view in &views {
        let state = |state: State| [label(&view.service), word(state.as_str())];
        breakers.add(state(view.state), 1_u64);
        OWN_STATES.into_iter().for_each(|own| breakers.add(state(own), 0_u64));
    }
    let mut moves = sources.dispatcher.breaker_moves();
    moves.sort_by(|((a, _), _), ((b, _), _)| a.cmp(b));
    let moved = gathered.family(&MOVES);
    for ((service, state), count) in moves {
        moved.add([label(service), word(state.as_str())], count);
    }
    let rejected = gathered.family(&REJECTED);
    views.iter().for_each(|view| rejected.add([label(&view.service)], view.metrics.rejected));
}
