//! The traffic map, laid out: columns by how far from the gateway something is called, in an order with few crossings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::console::{ask::path, text::plain};

/// The most nodes that are drawn: the busiest.
const NODES_MAX: usize = 60;

/// The most columns; what is called from further away stands in the last one.
const COLUMNS_MAX: usize = 5;

/// Sizes, in the drawing's own units.
pub(super) const NODE_WIDTH: f64 = 192.0;
pub(super) const NODE_HEIGHT: f64 = 56.0;
const GAP_MIN: f64 = 96.0;
const GAP_MAX: f64 = 230.0;
/// What a page has room for.
const WIDTH: f64 = 1_210.0;
const GAP_Y: f64 = 18.0;
const MARGIN: f64 = 6.0;

/// The map, ready to be drawn.
pub(super) struct Map {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Somebody who calls, or is called.
pub(super) struct Node {
    id: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) breaker: Option<String>,
    pub(super) rate: f64,
    pub(super) failure_rate: f64,
    pub(super) p95: Option<f64>,
    /// The page about it.
    pub(super) link: Option<String>,
    pub(super) x: f64,
    pub(super) y: f64,
    column: usize,
}

/// Calls from one node to another, by their places in the list.
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) rate: f64,
    pub(super) failure_rate: f64,
}

// === impl Map ===

impl Map {
    /// The map of an overview.
    pub(super) fn of(overview: &Value) -> Self {
        let items = |name: &str| overview[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut nodes: Vec<_> = items("nodes").iter().map(Node::of).collect();
        // The gateway comes first whatever it does.
        nodes.sort_by(|a, b| {
            (b.kind == "gateway").cmp(&(a.kind == "gateway")).then(b.rate.total_cmp(&a.rate)).then(a.id.cmp(&b.id))
        });
        nodes.truncate(NODES_MAX);
        let places: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
        let edges: Vec<_> = items("edges").iter().filter_map(|edge| Edge::of(edge, &places)).collect();
        let mut map = Self { nodes, edges, width: 0.0, height: 0.0 };
        map.columns();
        map.place();
        map
    }

    /// Whether anybody has called anybody.
    pub(super) fn has_calls(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Puts each node one column behind the first who calls it, and what nobody calls beside what the gateway does.
    fn columns(&mut self) {
        let mut column: Vec<Option<usize>> =
            self.nodes.iter().map(|node| (node.kind == "gateway").then_some(0)).collect();
        let behind = |kind: &str| match kind {
            "upstream" => 2,
            "external" => COLUMNS_MAX - 1,
            _ => 1,
        };
        let mut reached: BTreeSet<usize> = (0..self.nodes.len()).filter(|at| column[*at].is_some()).collect();
        loop {
            let edges = self.edges.iter().filter(|edge| reached.contains(&edge.from) && column[edge.to].is_none());
            let next: BTreeMap<usize, usize> =
                edges.map(|edge| (edge.to, (column[edge.from].unwrap_or(0) + 1).min(COLUMNS_MAX - 1))).collect();
            if !next.is_empty() {
                reached.extend(next.keys());
                next.into_iter().for_each(|(at, of)| column[at] = Some(of));
                continue;
            }
            // What nobody calls so far: it may call others itself.
            let is_called = |at: usize| {
                self.edges.iter().any(|edge| edge.to == at && edge.from != at && column[edge.from].is_none())
            };
            let missing: Vec<_> = (0..self.nodes.len()).filter(|at| column[*at].is_none()).collect();
            let Some(first) = missing.iter().copied().find(|at| !is_called(*at)).or(missing.first().copied()) else {
                break;
            };
            column[first] = Some(behind(&self.nodes[first].kind));
            reached.insert(first);
        }
        // No column stays empty.
        let used: BTreeSet<usize> = column.iter().flatten().copied().collect();
        let dense: BTreeMap<usize, usize> = used.into_iter().enumerate().map(|(at, of)| (of, at)).collect();
        for (node, of) in self.nodes.iter_mut().zip(column) {
            node.column = dense[&of.unwrap_or(0)];
        }
    }

    /// Orders each column by where those stand who call it, and centres it.
    fn place(&mut self) {
        let columns = self.nodes.iter().map(|node| node.column + 1).max().unwrap_or(1);
        let mut order: Vec<Vec<usize>> = vec![Vec::new(); columns];
        (0..self.nodes.len()).for_each(|at| order[self.nodes[at].column].push(at));
        let mut row = vec![0.0; self.nodes.len()];
        for column in &mut order {
            let weight = |at: usize| {
                let callers: Vec<f64> = self
                    .edges
                    .iter()
                    .filter(|edge| edge.to == at && self.nodes[edge.from].column < self.nodes[at].column)
                    .map(|edge| row[edge.from])
                    .collect();
                // What nobody calls stands last.
                if callers.is_empty() { f64::MAX } else { callers.iter().sum::<f64>() / callers.len() as f64 }
            };
            let weights: BTreeMap<usize, f64> = column.iter().map(|at| (*at, weight(*at))).collect();
            column.sort_by(|a, b| {
                weights[a].total_cmp(&weights[b]).then_with(|| self.nodes[*a].name.cmp(&self.nodes[*b].name))
            });
            let middle = (column.len() as f64 - 1.0) / 2.0;
            column.iter().enumerate().for_each(|(at, node)| row[*node] = at as f64 - middle);
        }
        let most = order.iter().map(Vec::len).max().unwrap_or(1) as f64;
        self.height = most * (NODE_HEIGHT + GAP_Y) - GAP_Y + 2.0 * MARGIN;
        let gaps = columns.max(2) as f64 - 1.0;
        let gap = ((WIDTH - 2.0 * MARGIN - columns as f64 * NODE_WIDTH) / gaps).clamp(GAP_MIN, GAP_MAX);
        self.width = columns as f64 * (NODE_WIDTH + gap) - gap + 2.0 * MARGIN;
        for (at, node) in self.nodes.iter_mut().enumerate() {
            node.x = MARGIN + node.column as f64 * (NODE_WIDTH + gap);
            node.y = self.height / 2.0 + row[at] * (NODE_HEIGHT + GAP_Y) - NODE_HEIGHT / 2.0;
        }
    }
}

// === impl Node ===

impl Node {
    fn of(node: &Value) -> Self {
        let (kind, name) = (plain(&node["kind"]), plain(&node["name"]));
        let link = match kind.as_str() {
            "gateway" => Some("/routes".to_owned()),
            "service" => Some(path(&["services", &name])),
            "upstream" => node["service"].as_str().map(|service| path(&["services", service])),
            _ => None,
        };
        Self {
            id: plain(&node["id"]),
            kind,
            name,
            status: plain(&node["status"]),
            breaker: node["breaker"].as_str().map(str::to_owned),
            rate: node["rate"].as_f64().unwrap_or_default(),
            failure_rate: node["failureRate"].as_f64().unwrap_or_default(),
            p95: node["p95"].as_f64(),
            link,
            x: 0.0,
            y: 0.0,
            column: 0,
        }
    }
}

// === impl Edge ===

impl Edge {
    fn of(edge: &Value, places: &BTreeMap<&str, usize>) -> Option<Self> {
        let at = |member: &str| places.get(edge[member].as_str()?).copied();
        Some(Self {
            from: at("from")?,
            to: at("to")?,
            calls: edge["calls"].as_u64().unwrap_or_default(),
            failures: edge["failures"].as_u64().unwrap_or_default(),
            rate: edge["rate"].as_f64().unwrap_or_default(),
            failure_rate: edge["failureRate"].as_f64().unwrap_or_default(),
        })
    }
}
