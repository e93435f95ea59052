//! `[[schedule]]`.

use std::{collections::BTreeSet, ops::Range};

use switchyard_core::manifest::{InvalidDelivery, ScheduleSpec, Target, Timetable};

use super::super::{
    check::{Wrong, wrong},
    raw,
    spanned::Spanned,
};

/// Checks all schedules.
pub(super) fn schedules(raw: Vec<Spanned<raw::Schedule>>) -> Result<Vec<ScheduleSpec>, Wrong> {
    let mut names = BTreeSet::new();
    let mut schedules = Vec::with_capacity(raw.len());
    for raw in raw {
        let name = raw.as_ref().name.clone();
        if !names.insert(name.as_ref().clone()) {
            return wrong(&name, format!("two schedules are named '{}'; rename one", name.as_ref()));
        }
        schedules.push(schedule(raw)?);
    }
    Ok(schedules)
}

fn schedule(raw: Spanned<raw::Schedule>) -> Result<ScheduleSpec, Wrong> {
    let table = raw.span();
    let raw = raw.into_inner();
    let name = raw.name.span();
    let (at_time, timetable) = match (raw.cron, raw.every) {
        (Some(cron), None) => (cron.span(), Timetable::Cron(cron.into_inner())),
        (None, Some(every)) => (every.span(), Timetable::Every(every.into_inner())),
        (_, second) => return either("cron or every", second.map_or(table, |every| every.span())),
    };
    let (at_target, target) = match (raw.topic, raw.queue) {
        (Some(topic), None) => (topic.span(), Target::Topic(topic.into_inner())),
        (None, Some(queue)) => (queue.span(), Target::Queue(queue.into_inner())),
        (_, second) => return either("topic or queue", second.map_or(table, |queue| queue.span())),
    };
    let schedule = ScheduleSpec { name: raw.name.into_inner(), timetable, target, data: raw.data };
    match schedule.check() {
        Ok(()) => Ok(schedule),
        Err(invalid) => {
            let span = match &invalid {
                InvalidDelivery::Name(_) => name,
                InvalidDelivery::Timetable(_) => at_time,
                _ => at_target,
            };
            Err(Wrong { span, message: invalid.to_string() })
        }
    }
}

/// Neither of two members is there, or both are.
fn either<T>(members: &str, span: Range<usize>) -> Result<T, Wrong> {
    Err(Wrong { span, message: format!("a schedule says either {members}") })
}
