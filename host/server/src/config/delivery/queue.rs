//! `[queues.NAME]`.

use std::collections::{BTreeMap, BTreeSet};

use switchyard_core::{
    manifest::{ATTEMPTS_MAX, InvalidDelivery, VISIBILITY},
    message::is_queue_name,
};
use switchyard_delivery::config::Queue;

use super::super::{
    check::{Wrong, duration, number, wrong},
    raw,
    spanned::Spanned,
};

/// Checks all queues.
pub(super) fn queues(raw: BTreeMap<Spanned<String>, raw::Queue>) -> Result<BTreeMap<String, Queue>, Wrong> {
    let dead: BTreeMap<String, Spanned<String>> = raw
        .iter()
        .filter_map(|(name, queue)| Some((name.as_ref().clone(), queue.dead_letter_queue.clone()?)))
        .collect();
    let queues = raw.into_iter().map(queue).collect::<Result<_, _>>()?;
    no_circle(&dead)?;
    Ok(queues)
}

fn queue((name, raw): (Spanned<String>, raw::Queue)) -> Result<(String, Queue), Wrong> {
    check_name(&name)?;
    raw.dead_letter_queue.as_ref().map_or(Ok(()), check_name)?;
    if let Some(timeout) = raw.visibility_timeout.as_ref().filter(|timeout| !VISIBILITY.contains(&timeout.as_ref().0)) {
        return wrong(timeout, InvalidDelivery::Visibility.to_string());
    }
    if let Some(attempts) = raw.max_attempts.as_ref().filter(|attempts| *attempts.as_ref() > ATTEMPTS_MAX) {
        return wrong(attempts, InvalidDelivery::Attempts.to_string());
    }
    let defaults = Queue::default();
    let queue = Queue {
        max_size: number(raw.max_size)?.map_or(defaults.max_size, u64::from),
        max_attempts: number(raw.max_attempts)?.unwrap_or(defaults.max_attempts),
        visibility_timeout: duration(raw.visibility_timeout)?.unwrap_or(defaults.visibility_timeout),
        dead_letter_queue: raw.dead_letter_queue.map(Spanned::into_inner),
    };
    Ok((name.into_inner(), queue))
}

fn check_name(name: &Spanned<String>) -> Result<(), Wrong> {
    if is_queue_name(name.as_ref()) {
        return Ok(());
    }
    wrong(name, InvalidDelivery::Queue(name.as_ref().clone()).to_string())
}

/// A message that nobody can handle must come to rest somewhere.
fn no_circle(dead: &BTreeMap<String, Spanned<String>>) -> Result<(), Wrong> {
    for (first, next) in dead {
        let (mut seen, mut at) = (BTreeSet::from([first.as_str()]), next);
        while seen.insert(at.as_ref()) {
            match dead.get(at.as_ref()) {
                Some(next) => at = next,
                None => break,
            }
        }
        if at.as_ref() == first {
            let message = format!("dead letters of '{first}' would come back to it; name another queue, or none");
            return wrong(next, message);
        }
    }
    Ok(())
}
