//! Requests at the gateway, and to upstreams.

use super::{SERVICE, counter, durations, level};
use crate::metrics::model::Family;

pub(crate) static REQUESTS: Family = durations(
    "http.server.request.duration",
    &["http.request.method", "http.response.status_code", "http.route", "url.scheme"],
    "Requests to the gateway, from the request's head to the response's; without `http.route` those that no route takes",
);

pub(crate) static ACTIVE: Family = level(
    "http.server.active_requests",
    "{request}",
    &["http.request.method", "url.scheme"],
    "Requests under way, until the last byte of their response",
);

pub(crate) static REFUSALS: Family = counter(
    "switchyard.gateway.refusals",
    "{request}",
    &["error.type"],
    "Requests that the gateway refused or got no answer for, by the code of the problem: SY1007 is the rate limit, SY1008 \
     and SY1009 are wrong credentials",
);

pub(crate) static CONNECTIONS: Family =
    level("switchyard.gateway.connections", "{connection}", &[], "Connections of clients that are open");

pub(crate) static ACCEPTED: Family =
    counter("switchyard.gateway.connections.accepted", "{connection}", &[], "Connections that clients have made");

pub(crate) static LINES_DROPPED: Family = counter(
    "switchyard.gateway.access_log.dropped",
    "{line}",
    &[],
    "Lines of the access log that were dropped since whoever reads them was too slow",
);

pub(crate) static UPSTREAMS: Family = durations(
    "http.client.request.duration",
    &[
        "http.request.method",
        "http.response.status_code",
        "error.type",
        "server.address",
        "server.port",
        "url.scheme",
        SERVICE,
    ],
    "Requests to upstreams, each attempt apart, to the response's head; `error.type` where there was none: busy, \
     unreachable, broken, timeout, upload",
);

pub(crate) static MIRRORED: Family = counter(
    "switchyard.mirror.requests",
    "{request}",
    &["switchyard.outcome"],
    "Copies of requests for mirrors: sent; dropped, since 64 were under way; unheld, since the body was too long or of \
     unknown length",
);

#[cfg(test)]
pub(crate) const ALL: &[&Family] =
    &[&REQUESTS, &ACTIVE, &REFUSALS, &CONNECTIONS, &ACCEPTED, &LINES_DROPPED, &UPSTREAMS, &MIRRORED];
