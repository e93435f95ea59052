//! The map of the traffic: the gateway, services, what answers for them outside, and hosts that they call; and who of
//! them calls whom.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    breaker::State,
    health::{CheckStatus, Status},
};
use switchyard_dispatch::{Callee, Service, Snapshot};

use super::{
    rates::Seen,
    window::{Figures, Window},
};
use crate::health::Checks;

/// The most nodes that are shown.
pub(super) const NODES_MAX: usize = 500;

/// The most edges that are shown.
pub(super) const EDGES_SHOWN_MAX: usize = 2_000;

/// The id of the gateway's node.
const GATEWAY: &str = "gateway";

/// The map at one moment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Map {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// Whether there are more of them than are shown.
    cut: bool,
}

/// What takes calls, or makes them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MapNode")]
#[serde(rename_all = "camelCase")]
struct Node {
    /// `gateway`, `service:NAME`, `upstream:INSTANCE` or `external:HOST:PORT`.
    id: String,
    kind: Kind,
    name: String,
    /// Of an upstream: the service that it answers for.
    service: Option<String>,
    /// As `/health` has it for the gateway; `healthy`, `unhealthy` or `unknown` for the others.
    #[schemars(with = "String")]
    status: HowIs,
    /// The worst of those of its instances; null when it has none.
    #[schemars(with = "Option<String>")]
    breaker: Option<State>,
    #[serde(flatten)]
    figures: Figures,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "MapNodeKind")]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Where clients come in.
    Gateway,
    Service,
    /// A server outside that answers for a service.
    Upstream,
    /// A host that services call.
    External,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum HowIs {
    Host(Status),
    Checked(CheckStatus),
}

/// Calls from one node to another.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MapEdge")]
#[serde(rename_all = "camelCase")]
struct Edge {
    from: String,
    to: String,
    /// Calls since the host started.
    calls: u64,
    /// Those of them that were answered with a status of 500 or more, or not at all.
    failures: u64,
    /// Calls a second, of the last ten.
    rate: f64,
    /// Failures a second, of the last ten.
    failure_rate: f64,
}

// === impl Map ===

impl Map {
    /// The map of what is live, with the figures of the latest look.
    pub(super) fn of(
        snapshot: &Snapshot,
        checks: &Checks,
        breakers: &BTreeMap<String, State>,
        gateway: Status,
        seen: &Seen,
    ) -> Self {
        let mut nodes = vec![Node::gateway(gateway, seen)];
        let mut edges = Vec::new();
        for (name, service) in &snapshot.services {
            nodes.push(Node::service(service, checks, breakers, seen.of_service(name)));
            let from_gateway = seen.from_gateway.get(name).filter(|window| window.totals().0 > 0);
            edges.extend(from_gateway.map(|window| Edge::of(GATEWAY.to_owned(), service_id(name.as_str()), window)));
            for upstream in service.upstreams.iter() {
                let window = seen.upstreams.get(upstream.id());
                let node = Node::upstream(service, upstream, breakers, window);
                edges.extend(window.map(|window| Edge::of(service_id(name.as_str()), node.id.clone(), window)));
                nodes.push(node);
            }
        }
        for ((caller, callee), window) in &seen.edges {
            // Who is gone is on the map no more, and neither is what it called.
            if !snapshot.services.contains_key(caller) {
                continue;
            }
            let to = match callee {
                Callee::Service(name) if name.parse().is_ok_and(|name| snapshot.services.contains_key(&name)) => {
                    service_id(name)
                }
                Callee::Service(_) => continue,
                Callee::Host(host) => external_id(host),
            };
            edges.push(Edge::of(service_id(caller.as_str()), to, window));
        }
        nodes.extend(externals(seen, snapshot));
        Self::bounded(nodes, edges)
    }

    /// As much of it as is shown: of all edges those with the most calls, and no edge without its nodes.
    fn bounded(mut nodes: Vec<Node>, mut edges: Vec<Edge>) -> Self {
        let cut = nodes.len() > NODES_MAX || edges.len() > EDGES_SHOWN_MAX;
        nodes.truncate(NODES_MAX);
        if cut {
            let is_there = |id: &str| nodes.iter().any(|node| node.id == id);
            edges.retain(|edge| is_there(&edge.from) && is_there(&edge.to));
            edges.sort_by_key(|edge| std::cmp::Reverse(edge.calls));
            edges.truncate(EDGES_SHOWN_MAX);
        }
        Self { nodes, edges, cut }
    }
}

fn service_id(name: &str) -> String {
    format!("service:{name}")
}

fn external_id(host: &str) -> String {
    format!("external:{host}")
}

/// The hosts that live services have called, with the figures of all of them together.
fn externals(seen: &Seen, snapshot: &Snapshot) -> Vec<Node> {
    let mut found = BTreeMap::<&str, Figures>::new();
    for ((caller, callee), window) in &seen.edges {
        if let Callee::Host(host) = callee
            && snapshot.services.contains_key(caller)
        {
            let (sum, own) = (found.entry(host).or_default(), window.now());
            *sum = Figures { rate: sum.rate + own.rate, failure_rate: sum.failure_rate + own.failure_rate, p95: None };
        }
    }
    let node = |(host, figures): (&str, Figures)| Node {
        id: external_id(host),
        kind: Kind::External,
        name: host.to_owned(),
        service: None,
        status: HowIs::Checked(CheckStatus::Unknown),
        breaker: None,
        figures,
    };
    found.into_iter().map(node).collect()
}

// === impl Node ===

impl Node {
    fn gateway(status: Status, seen: &Seen) -> Self {
        Self {
            id: GATEWAY.to_owned(),
            kind: Kind::Gateway,
            name: GATEWAY.to_owned(),
            service: None,
            status: HowIs::Host(status),
            breaker: None,
            figures: seen.gateway.now(),
        }
    }

    fn service(service: &Service, checks: &Checks, breakers: &BTreeMap<String, State>, figures: Figures) -> Self {
        let states = service.every_instance().filter_map(|instance| breakers.get(instance.id()).copied());
        Self {
            id: service_id(service.name().as_str()),
            kind: Kind::Service,
            name: service.name().to_string(),
            service: None,
            status: HowIs::Checked(service.health(checks.get(service.name()))),
            breaker: states.max_by_key(|state| gravity(*state)),
            figures,
        }
    }

    fn upstream(
        service: &Service,
        upstream: &switchyard_dispatch::Instance,
        breakers: &BTreeMap<String, State>,
        window: Option<&Window>,
    ) -> Self {
        Self {
            id: format!("upstream:{}", upstream.id()),
            kind: Kind::Upstream,
            name: upstream.id().to_owned(),
            service: Some(service.name().to_string()),
            status: HowIs::Checked(service.status_of(upstream)),
            breaker: breakers.get(upstream.id()).copied(),
            figures: window.map(Window::now).unwrap_or_default(),
        }
    }
}

/// How much worse one state is than another.
fn gravity(state: State) -> u8 {
    match state {
        State::Closed => 0,
        State::ForcedClosed => 1,
        State::Measuring => 2,
        State::HalfOpen => 3,
        State::Open => 4,
        State::ForcedOpen => 5,
    }
}

// === impl Edge ===

impl Edge {
    fn of(from: String, to: String, window: &Window) -> Self {
        let ((calls, failures), now) = (window.totals(), window.now());
        Self { from, to, calls, failures, rate: now.rate, failure_rate: now.failure_rate }
    }
}
