//! Requests at the gateway, and to upstreams.

use switchyard_dispatch::{End, Meter, RequestKind, Target};

use super::super::{
    catalog::http::{ACCEPTED, ACTIVE, CONNECTIONS, LINES_DROPPED, MIRRORED, REFUSALS, REQUESTS, UPSTREAMS},
    model::{Gathered, Label, Series, label, word},
};
use crate::admin::Sources;

pub(super) fn gather(gathered: &mut Gathered, sources: &Sources) {
    let (dispatcher, gateway) = (&sources.dispatcher, sources.gateway.as_ref());
    let requests = gathered.family(&REQUESTS);
    for (pattern, meter) in dispatcher.route_meters() {
        of_route(requests, &label(pattern), &meter);
    }
    for (path, meter) in gateway.into_iter().flat_map(switchyard_gateway::Handle::own_paths) {
        of_route(requests, &word(path), meter);
    }
    of_route(requests, &None, dispatcher.unmatched());

    let Some(gateway) = gateway else { return };
    let active = gathered.family(&ACTIVE);
    for kind in gateway.active_requests() {
        active.add([word(kind.method), word(kind.scheme)], kind.count);
    }
    let refusals = gathered.family(&REFUSALS);
    for (code, count) in gateway.refusals() {
        refusals.add([word(code.as_str())], count);
    }
    let connections = gateway.connections();
    gathered.sole(&CONNECTIONS, connections.open);
    gathered.sole(&ACCEPTED, connections.accepted);
    gathered.sole(&LINES_DROPPED, gateway.access_log_dropped());
    of_upstreams(gathered.family(&UPSTREAMS), sources);

    let (mirrors, mirrored) = (dispatcher.mirrors(), gathered.family(&MIRRORED));
    for (outcome, count) in [("sent", mirrors.sent), ("dropped", mirrors.dropped), ("unheld", gateway.unmirrored())] {
        mirrored.add([word(outcome)], count);
    }
}

fn of_route(requests: &mut Series, route: &Label, meter: &Meter) {
    for (kind, durations) in meter.read() {
        let RequestKind { method, scheme, end } = kind;
        requests.add([word(method), status(end), route.clone(), word(scheme)], durations);
    }
    if let Some(others) = meter.others() {
        requests.add_to_overflow(others);
    }
}

fn of_upstreams(requests: &mut Series, sources: &Sources) {
    let snapshot = sources.dispatcher.snapshot();
    for service in snapshot.services.values() {
        for instance in service.upstreams.iter() {
            let Target::Upstream(client) = instance.target() else { continue };
            let origin = &client.upstream().origin;
            for (kind, durations) in instance.meter().read() {
                let error = match kind.end {
                    End::Status(_) => None,
                    End::Error(why) => word(why),
                };
                let (address, port) = (label(&origin.host), label(origin.port));
                let service = label(service.name());
                let labels = [word(kind.method), status(kind.end), error, address, port, word(kind.scheme), service];
                requests.add(labels, durations);
            }
            if let Some(others) = instance.meter().others() {
                requests.add_to_overflow(others);
            }
        }
    }
}

fn status(end: End) -> Label {
    match end {
        End::Status(status) => label(status),
        End::Error(_) => None,
    }
}
