//! Events, queues and sagas.

use switchyard_delivery::{Delivery, Error, SubscriptionView};

use super::super::{
    catalog::delivery::{
        COMMANDS, DELAYED, DEQUEUED, ENQUEUED, ERRORS, EVENT_LETTERS, FILTER_ERRORS, HAPPENED, IN_FLIGHT, KEPT,
        KEPT_BYTES, LAG, LEASED, LETTERS, OLDEST, PROCESSED, PUBLISHED, QUEUE_FAILED, RETRYING, SIZE, STANDING,
        SUBSCRIPTIONS,
    },
    model::{Family, Gathered, Point, label, word},
};
use crate::admin::Sources;

pub(super) async fn gather(gathered: &mut Gathered, sources: &Sources) -> Result<(), Error> {
    let delivery = &sources.delivery;
    topics(gathered, delivery).await?;
    subscriptions(gathered, delivery).await?;
    letters(gathered, sources).await?;
    queues(gathered, delivery).await?;
    sagas(gathered, delivery).await
}

/// Puts in a figure of each of some things that have a name.
fn each<T>(
    gathered: &mut Gathered,
    family: &'static Family,
    all: &[T],
    name: impl Fn(&T) -> &str,
    figure: impl Fn(&T) -> Point,
) {
    let series = gathered.family(family);
    all.iter().for_each(|one| series.add([label(name(one))], figure(one)));
}

async fn topics(gathered: &mut Gathered, delivery: &Delivery) -> Result<(), Error> {
    let topics = delivery.topics().await?;
    each(gathered, &PUBLISHED, &topics, |topic| &topic.name, |topic| topic.published.into());
    each(gathered, &KEPT, &topics, |topic| &topic.name, |topic| topic.events.into());
    each(gathered, &KEPT_BYTES, &topics, |topic| &topic.name, |topic| topic.bytes.into());
    Ok(())
}

async fn subscriptions(gathered: &mut Gathered, delivery: &Delivery) -> Result<(), Error> {
    let all = delivery.subscriptions().await?;
    let mut put =
        |family, figure: fn(&SubscriptionView) -> Point| each(gathered, family, &all, |one| &one.name, figure);
    put(&PROCESSED, |one| one.handled.processed.into());
    put(&ERRORS, |one| one.handled.errors.into());
    put(&FILTER_ERRORS, |one| one.handled.filter_errors.into());
    put(&LAG, |one| one.lag.into());
    put(&IN_FLIGHT, |one| one.in_flight.into());
    put(&RETRYING, |one| one.retrying.into());
    let states = gathered.family(&SUBSCRIPTIONS);
    all.iter().for_each(|one| states.add([word(one.state)], 1_u64));
    Ok(())
}

async fn letters(gathered: &mut Gathered, sources: &Sources) -> Result<(), Error> {
    let counts: Vec<_> = sources.store.dead_counts().await?.subscriptions.into_iter().collect();
    each(gathered, &EVENT_LETTERS, &counts, |(name, _)| name, |(_, count)| (*count).into());
    Ok(())
}

async fn queues(gathered: &mut Gathered, delivery: &Delivery) -> Result<(), Error> {
    let queues = delivery.queues().await?;
    each(gathered, &ENQUEUED, &queues, |queue| &queue.name, |queue| queue.enqueued.into());
    each(gathered, &DEQUEUED, &queues, |queue| &queue.name, |queue| queue.dequeued.into());
    each(gathered, &QUEUE_FAILED, &queues, |queue| &queue.name, |queue| queue.failed.into());
    each(gathered, &SIZE, &queues, |queue| &queue.name, |queue| queue.current_size.into());
    each(gathered, &LEASED, &queues, |queue| &queue.name, |queue| queue.in_flight.into());
    each(gathered, &DELAYED, &queues, |queue| &queue.name, |queue| queue.delayed.into());
    let age = |queue: &switchyard_delivery::QueueView| queue.oldest_age.map(|age| age.0).unwrap_or_default().into();
    each(gathered, &OLDEST, &queues, |queue| &queue.name, age);
    each(gathered, &LETTERS, &queues, |queue| &queue.name, |queue| queue.dead_letters.into());
    Ok(())
}

async fn sagas(gathered: &mut Gathered, delivery: &Delivery) -> Result<(), Error> {
    let stats = delivery.saga_stats().await?;
    let standing = gathered.family(&STANDING);
    for (status, count) in [
        ("running", stats.running as u64),
        ("waiting", stats.waiting as u64),
        ("compensating", stats.compensating as u64),
        ("stuck", stats.stuck),
        ("completed", stats.completed),
        ("failed", stats.failed),
    ] {
        standing.add([word(status)], count);
    }
    let happened = gathered.family(&HAPPENED);
    for count in delivery.saga_counts() {
        happened.add([label(count.name), word(count.topic)], count.count);
    }
    gathered.sole(&COMMANDS, stats.commands_in_flight);
    Ok(())
}
