//! Who calls whom: calls of services to other services, and to hosts outside, counted for each pair.
//!
//! A call that has been made before costs one look-up without a lock, and one or two relaxed additions. A pair that is
//! new copies the table, which happens [`EDGES_MAX`] times at most.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use switchyard_core::name::ServiceName;

/// The most pairs that are told apart; calls of further ones are not counted here.
pub const EDGES_MAX: usize = 1_024;

/// The most of them that one service may have: one that calls hosts by made-up names leaves room for the others.
const CALLEES_MAX: usize = 128;

/// The calls of one service to another, or to a host outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeView {
    /// The service that calls.
    pub caller: ServiceName,
    /// What it calls.
    pub callee: Callee,
    /// Calls that have ended since the host started.
    pub calls: u64,
    /// Those of them that were answered with a status of 500 or more, or not at all.
    pub failures: u64,
}

/// What a service calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Callee {
    /// A service of this host.
    Service(Arc<str>),
    /// HOST:PORT over the network.
    Host(Arc<str>),
}

/// The table of all pairs.
#[derive(Default)]
pub(crate) struct Edges {
    known: ArcSwap<Known>,
    /// Held while a pair is added.
    adding: Mutex<()>,
}

/// The pairs by caller, and then by callee: a name, or HOST:PORT, which no name is.
type Known = HashMap<ServiceName, Arc<Callees>>;
type Callees = HashMap<Arc<str>, Arc<Edge>>;

#[derive(Default)]
struct Edge {
    calls: AtomicU64,
    failures: AtomicU64,
}

// === impl Edges ===

impl Edges {
    /// Counts a call. `is_live` says which services still call, when room has to be made for a pair that is new.
    pub(crate) fn record(
        &self,
        caller: &ServiceName,
        callee: &str,
        has_failed: bool,
        is_live: impl Fn(&ServiceName) -> bool,
    ) {
        let known = self.known.load();
        let edge = known.get(caller).and_then(|callees| callees.get(callee));
        match edge {
            Some(edge) => edge.record(has_failed),
            None => self.add(caller, callee, is_live).iter().for_each(|edge| edge.record(has_failed)),
        }
    }

    /// All pairs, by caller and callee.
    pub(crate) fn all(&self) -> Vec<EdgeView> {
        let known = self.known.load();
        let pairs = known.iter().flat_map(|(caller, callees)| callees.iter().map(move |pair| (caller, pair)));
        let mut all: Vec<EdgeView> = pairs.map(|(caller, (callee, edge))| edge.view(caller, callee)).collect();
        all.sort_by(|a, b| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)));
        all
    }

    /// The pair, added if there is room.
    fn add(&self, caller: &ServiceName, callee: &str, is_live: impl Fn(&ServiceName) -> bool) -> Option<Arc<Edge>> {
        let _turn = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.load();
        let own = known.get(caller);
        // Another thread may have added it just now.
        if let Some(edge) = own.and_then(|callees| callees.get(callee)) {
            return Some(Arc::clone(edge));
        }
        let is_full = known.values().map(|callees| callees.len()).sum::<usize>() >= EDGES_MAX;
        let stays = |one: &ServiceName| !is_full || one == caller || is_live(one);
        let has_room = !is_full || !known.keys().all(stays);
        if !has_room || own.is_some_and(|callees| callees.len() >= CALLEES_MAX) {
            return None;
        }
        let mut known = Known::clone(&known);
        known.retain(|one, _| stays(one));
        let edge = Arc::new(Edge::default());
        Arc::make_mut(known.entry(caller.clone()).or_default()).insert(callee.into(), Arc::clone(&edge));
        self.known.store(Arc::new(known));
        Some(edge)
    }
}

// === impl Edge ===

impl Edge {
    fn record(&self, has_failed: bool) {
        self.calls.fetch_add(1, Relaxed);
        if has_failed {
            self.failures.fetch_add(1, Relaxed);
        }
    }

    fn view(&self, caller: &ServiceName, callee: &Arc<str>) -> EdgeView {
        // Failures first: one that ends meanwhile is then among the calls.
        let failures = self.failures.load(Relaxed);
        let calls = self.calls.load(Relaxed);
        let callee = Arc::clone(callee);
        let callee = if callee.contains(':') { Callee::Host(callee) } else { Callee::Service(callee) };
        EdgeView { caller: caller.clone(), callee, calls, failures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ServiceName {
        text.parse().unwrap()
    }

    #[test]
    fn calls_are_counted_for_each_pair() {
        let edges = Edges::default();
        for (callee, has_failed) in [("b", false), ("b", true), ("example.com:443", false)] {
            edges.record(&name("a"), callee, has_failed, |_| true);
        }
        let all = edges.all();
        let figures: Vec<_> = all.iter().map(|edge| (&edge.callee, edge.calls, edge.failures)).collect();
        let (service, host) = (Callee::Service("b".into()), Callee::Host("example.com:443".into()));
        assert_eq!(figures, [(&service, 2, 1), (&host, 1, 0)]);
    }

    #[test]
    fn the_table_is_bounded_for_each_caller_and_in_all() {
        let edges = Edges::default();
        for caller in 0..EDGES_MAX {
            for callee in 0..CALLEES_MAX + 1 {
                edges.record(&name(&format!("s{caller}")), &format!("h{callee}:80"), false, |_| true);
            }
            if caller > 9 {
                break;
            }
        }
        let all = edges.all();
        assert_eq!(all.len(), EDGES_MAX);
        let of_first = all.iter().filter(|edge| edge.caller == name("s0"));
        assert_eq!(of_first.count(), CALLEES_MAX);
    }

    #[test]
    fn those_who_are_gone_make_room() {
        let edges = Edges::default();
        for caller in 0..EDGES_MAX {
            edges.record(&name(&format!("s{caller}")), "b", false, |_| true);
        }
        edges.record(&name("new"), "b", false, |_| true);
        assert!(edges.all().iter().all(|edge| edge.caller != name("new")));
        edges.record(&name("new"), "b", false, |caller| caller.as_str() == "s7");
        let callers: Vec<_> = edges.all().into_iter().map(|edge| edge.caller).collect();
        assert_eq!(callers, [name("new"), name("s7")]);
    }
}
