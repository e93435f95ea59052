//! Services: their guests, their instances, their breakers.

use super::{SERVICE, counter, durations, level};
use crate::metrics::model::Family;

pub(crate) static CALLS: Family = counter(
    "switchyard.service.calls",
    "{call}",
    &[SERVICE, "switchyard.role", "switchyard.outcome"],
    "Calls of guests, those of health paths too, by role (http, http-middleware, authenticator, event, \
     event-middleware, message, command) and by how they ended: ok, whatever the answer was; failed, by a trap or for want of memory; timeout; refused, for want of a \
     place; cancelled, by a caller that went away; request-incomplete; not-loaded",
);

pub(crate) static DURATIONS: Family = durations(
    "switchyard.service.call.duration",
    &[SERVICE],
    "The same calls, from when somebody wanted them; of HTTP to the head of the response",
);

pub(crate) static INSIDE: Family =
    level("switchyard.service.active_calls", "{call}", &[SERVICE], "Calls inside of guests");

pub(crate) static WAITING: Family =
    level("switchyard.service.waiting_calls", "{call}", &[SERVICE], "Calls that wait for a place (concurrency-max)");

pub(crate) static STREAMS: Family =
    level("switchyard.service.open_streams", "{stream}", &[SERVICE], "Responses of guests on their way (streams-max)");

pub(crate) static CPU: Family = counter(
    "switchyard.service.cpu.time",
    "s",
    &[SERVICE],
    "CPU time that guests have used; of 0.3 components by sampling, each 10 ms",
);

pub(crate) static MEMORY: Family =
    level("switchyard.service.memory.usage", "By", &[SERVICE], "Linear memories of a service's guests");

pub(crate) static GUESTS: Family =
    level("switchyard.service.guests", "{guest}", &[SERVICE], "Guests that there are, those that wait for a call too");

pub(crate) static INSTANCES: Family = level(
    "switchyard.service.instances",
    "{instance}",
    &[SERVICE, "switchyard.health"],
    "What can answer for a service, plugins and upstreams, by how it is: healthy, unhealthy, unknown",
);

pub(crate) static RETRIES: Family =
    counter("switchyard.service.retries", "{attempt}", &[SERVICE], "Attempts beyond the first of a call");

pub(crate) static EXHAUSTED: Family = counter(
    "switchyard.service.retries.refused",
    "{attempt}",
    &[SERVICE],
    "Attempts that the retry budget did not allow",
);

pub(crate) static BREAKERS: Family = level(
    "switchyard.breakers",
    "{breaker}",
    &[SERVICE, "switchyard.breaker.state"],
    "Breakers of a service's instances by where they stand: closed, open, half-open, forced-open, forced-closed, measuring",
);

pub(crate) static MOVES: Family = counter(
    "switchyard.breaker.transitions",
    "{transition}",
    &[SERVICE, "switchyard.breaker.state"],
    "How often a breaker of the service has come to stand there",
);

pub(crate) static REJECTED: Family = counter(
    "switchyard.breaker.rejected",
    "{call}",
    &[SERVICE],
    "Calls that breakers refused, of those instances that are live",
);

#[cfg(test)]
pub(crate) const ALL: &[&Family] = &[
    &CALLS, &DURATIONS, &INSIDE, &WAITING, &STREAMS, &CPU, &MEMORY, &GUESTS, &INSTANCES, &RETRIES, &EXHAUSTED,
    &BREAKERS, &MOVES, &REJECTED,
];
