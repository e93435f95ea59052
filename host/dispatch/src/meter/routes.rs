//! The meters of all routes, which go on from one snapshot to the next.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Meter;
use crate::{dispatcher::Dispatcher, snapshot::Snapshot};

/// The meters by the routes' patterns. Routes of the same pattern, for several hosts or methods, have one between them, as
/// they have one name in traces.
#[derive(Default)]
pub(crate) struct Routes {
    live: Mutex<BTreeMap<Arc<str>, Arc<Meter>>>,
    /// Of requests that no route takes.
    unmatched: Meter,
}

// === impl Routes ===

impl Routes {
    /// Gives a snapshot's routes their meters, before it is the live one. What was counted of routes that are gone is
    /// forgotten.
    pub(crate) fn adopt(&self, snapshot: &Snapshot) {
        let mut live = self.live();
        let mut next = BTreeMap::new();
        for rule in snapshot.routes.rules() {
            let pattern = &rule.target.pattern;
            let meter: &Arc<Meter> =
                next.entry(Arc::clone(pattern)).or_insert_with(|| live.get(pattern).cloned().unwrap_or_default());
            rule.target.meter.get_or_init(|| Arc::clone(meter));
        }
        *live = next;
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Meter>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// What was counted of the gateway's requests, by the pattern of their route.
    pub fn route_meters(&self) -> Vec<(Arc<str>, Arc<Meter>)> {
        self.routes.live().iter().map(|(pattern, meter)| (Arc::clone(pattern), Arc::clone(meter))).collect()
    }

    /// What was counted of those that no route took.
    pub fn unmatched(&self) -> &Meter {
        &self.routes.unmatched
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, StatusCode};
    use switchyard_core::route::{
        Layer, Origin, RouteRule, RouteTable,
        action::{Destination, Redirect, Rules},
    };

    use super::*;
    use crate::{meter::Kind, snapshot::RouteTarget};

    /// A snapshot with redirects for these hosts and paths.
    fn snapshot(routes: &[(Option<&str>, &str)]) -> Snapshot {
        let rules = routes.iter().map(|(host, path)| RouteRule {
            pattern: path.parse().unwrap(),
            host: host.map(str::to_owned),
            methods: vec![],
            headers: vec![],
            target: RouteTarget {
                to: Destination::Redirect(Redirect { scheme: None, host: None, path: None, status: 302 }),
                mirror: None,
                rules: Arc::new(Rules::default()),
                id: (*path).into(),
                prefix: "".into(),
                pattern: (*path).into(),
                meter: std::sync::OnceLock::new(),
            },
            origin: Origin { layer: Layer::Config, owner: "test".to_owned() },
        });
        Snapshot { routes: RouteTable::build(rules.collect::<Vec<_>>()).0, ..Snapshot::default() }
    }

    #[test]
    fn a_route_counts_on_in_the_next_snapshot_and_is_forgotten_when_it_is_gone() {
        let dispatcher = Dispatcher::new();
        let counted = || {
            let meters = dispatcher.route_meters();
            let counts = meters.iter().map(|(pattern, meter)| {
                (pattern.to_string(), meter.read().iter().map(|(_, durations)| durations.count()).sum::<u64>())
            });
            counts.collect::<Vec<_>>()
        };
        dispatcher.publish(snapshot(&[(None, "/a/*"), (Some("b.test"), "/a/*"), (None, "/c")]));
        let kind = Kind::answered(&Method::GET, "http", StatusCode::OK);
        for rule in dispatcher.snapshot().routes.rules() {
            rule.target.meter.get().unwrap().record(kind, Duration::ZERO);
        }
        assert_eq!(counted(), [("/a/*".to_owned(), 2), ("/c".to_owned(), 1)]);
        dispatcher.publish(snapshot(&[(None, "/a/*"), (None, "/d")]));
        assert_eq!(counted(), [("/a/*".to_owned(), 2), ("/d".to_owned(), 0)]);
    }
}
