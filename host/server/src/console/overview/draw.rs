//! The traffic map, drawn: boxes with the state, the breaker and the figures of each, and lines as wide as there are calls.

use maud::{Markup, html};

use super::map::{Edge, Map, NODE_HEIGHT, NODE_WIDTH, Node};
use crate::console::{
    parts::{row, table},
    show::{Tone, badge_as, count, decimal, millis},
    text::{attribute, text},
};

/// The most characters of a name that fit into a box.
const NAME_MAX: usize = 21;

/// The drawing; it keeps its size, and scrolls where there is too little room.
pub(super) fn map(map: &Map) -> Markup {
    html! {
        div.map tabindex="0" role="region" aria-label="Map of the traffic" {
            svg width=(num(map.width)) height=(num(map.height)) viewBox={ "0 0 " (num(map.width)) " " (num(map.height)) } role="group" aria-label="Who calls whom" {
                @for edge in &map.edges { (line(map, edge)) }
                @for edge in &map.edges { (label(map, edge)) }
                @for node in &map.nodes { (linked(node)) }
            }
        }
    }
}

/// The same as a list, for narrow screens.
pub(super) fn list(map: &Map) -> Markup {
    html! {
        ul.map-list { @for (at, node) in map.nodes.iter().enumerate() {
            li data-key=(attribute(&node.name)) {
                (badge_as(tone(node), &node.status))
                div {
                    @match &node.link { Some(link) => a.strong href=(link) { (text(&node.name)) }, None => span.strong { (text(&node.name)) } }
                    span.below { (figures(node)) @if let Some(breaker) = &node.breaker { ", breaker " (text(breaker)) } }
                    @for edge in map.edges.iter().filter(|edge| edge.from == at) {
                        span.below { "→ " (text(&map.nodes[edge.to].name)) " " (decimal(edge.rate)) "/s" @if edge.failure_rate > 0.0 { span.bad-text { ", " (decimal(edge.failure_rate)) " failed" } } }
                    }
                }
            }
        } }
    }
}

/// The same as a table.
pub(super) fn table_of(map: &Map) -> Markup {
    let rows = map.edges.iter().map(|edge| {
        let (from, to) = (&map.nodes[edge.from].name, &map.nodes[edge.to].name);
        row(
            format!("{from} {to}"),
            [
                text(from),
                text(to),
                html! { (decimal(edge.rate)) },
                html! { (decimal(edge.failure_rate)) },
                html! { (count(edge.calls)) },
                html! { (count(edge.failures)) },
            ],
        )
    });
    table("Who calls whom", &["From", "To", "#Calls a second", "#Failures a second", "#Calls", "#Failures"], rows)
}

/// A breaker as the switch that it is: its lever lies or is up.
pub(super) fn switch(state: &str) -> Markup {
    let (class, lever) = match state {
        "open" => ("bad", "M5 7 15 1.500"),
        "half-open" => ("watch", "M5 7 16 4.200"),
        "forced-open" => ("forced", "M5 7 15 1.500"),
        "forced-closed" | "measuring" => ("forced", "M5 7H17"),
        _ => ("good", "M5 7H17"),
    };
    html! {
        svg.switch.(class) width="22" height="10" viewBox="0 0 22 10" aria-hidden="true" {
            path d=(lever) {} circle cx="4" cy="7" r="2.2" {} circle cx="18" cy="7" r="2.2" {}
        }
    }
}

fn line(map: &Map, edge: &Edge) -> Markup {
    let path = curve(map, edge);
    let width = num(1.25 + (1.0 + edge.rate).log2().min(7.0) * 0.75);
    let class = match (edge.rate > 0.0, edge.failure_rate > 0.0) {
        (_, true) => "failing",
        (true, false) => "busy",
        (false, false) => "quiet",
    };
    let (from, to) = (&map.nodes[edge.from].name, &map.nodes[edge.to].name);
    html! {
        g.edge.(class) data-key=(attribute(&format!("{from}>{to}"))) {
            path d=(path) stroke-width=(width) {}
            @if edge.rate > 0.0 { path.flow d=(path) stroke-width=(width) {} }
        }
    }
}

/// How much goes along a line, at the end of who is called; nothing where nothing does, and nothing from the gateway: what
/// comes from there stands in the box.
fn label(map: &Map, edge: &Edge) -> Markup {
    let (from, to) = (&map.nodes[edge.from], &map.nodes[edge.to]);
    let (x1, y1, x2, y2) = ends(from, to);
    let (x, y) = (x2 - 8.0, curve_y(y1, y2, 0.9) - 5.0);
    let class = if edge.failure_rate > 0.0 { "failing" } else { "busy" };
    html! {
        @if edge.rate > 0.0 && x2 > x1 && from.kind != "gateway" {
            text.rate.(class) x=(num(x)) y=(num(y)) text-anchor="end" { (decimal(edge.rate)) "/s" }
        }
    }
}

fn linked(node: &Node) -> Markup {
    html! {
        @match &node.link {
            Some(link) => a href=(link) data-key=(attribute(&node.name)) { (drawn(node)) }
            None => g data-key=(attribute(&node.name)) role="img" aria-label=(said(node)) { (drawn(node)) }
        }
    }
}

fn drawn(node: &Node) -> Markup {
    let (x, y) = (node.x, node.y);
    html! {
        g.node.(node_class(node)) transform={ "translate(" (num(x)) " " (num(y)) ")" } {
            title { (said(node)) }
            rect.box width=(num(NODE_WIDTH)) height=(num(NODE_HEIGHT)) rx="8" {}
            path.state.(tone(node).class()) d=(tone(node).shape()) transform="translate(12 13)" {}
            text.name x="30" y="23" { (shown_name(node).0) }
            " "
            text.figures x="30" y="42" { (figures(node)) }
            @if let Some(breaker) = &node.breaker { (switch_at(breaker, NODE_WIDTH - 32.0, NODE_HEIGHT - 20.0)) }
        }
    }
}

/// What a box says, in words: what is seen comes first, as it is seen.
fn said(node: &Node) -> String {
    let breaker = node.breaker.as_ref().map(|state| format!(", breaker {state}")).unwrap_or_default();
    let (shown, is_cut) = shown_name(node);
    let whole = if is_cut { format!(", {}", attribute(&node.name)) } else { String::new() };
    attribute(&format!("{shown} {}, {}{breaker}, {}{whole}", figures(node), node.status, node.kind))
}

/// The name as it fits into a box, and whether it is cut.
fn shown_name(node: &Node) -> (String, bool) {
    let is_cut = node.name.chars().count() > NAME_MAX;
    let shown: String = node.name.chars().take(if is_cut { NAME_MAX - 1 } else { NAME_MAX }).collect();
    (format!("{}{}", attribute(&shown), if is_cut { "…" } else { "" }), is_cut)
}

fn figures(node: &Node) -> String {
    let p95 = node.p95.filter(|_| node.rate > 0.0).map(|p95| format!(" · {}", millis(p95))).unwrap_or_default();
    match node.rate > 0.0 {
        true => format!("{}/s{p95}", decimal(node.rate)),
        false if node.kind == "external" => "outside".to_owned(),
        false => "quiet".to_owned(),
    }
}

fn tone(node: &Node) -> Tone {
    match node.status.as_str() {
        "healthy" if node.failure_rate > 0.0 => Tone::Watch,
        status => Tone::of(status),
    }
}

fn node_class(node: &Node) -> &'static str {
    match node.kind.as_str() {
        "gateway" => "gateway",
        "external" => "external",
        _ if node.rate > 0.0 => "busy",
        _ => "quiet",
    }
}

fn switch_at(state: &str, x: f64, y: f64) -> Markup {
    html! { g transform={ "translate(" (num(x)) " " (num(y)) ")" } { (switch(state)) } }
}

fn ends(from: &Node, to: &Node) -> (f64, f64, f64, f64) {
    let middle = NODE_HEIGHT / 2.0;
    (from.x + NODE_WIDTH, from.y + middle, to.x, to.y + middle)
}

fn curve(map: &Map, edge: &Edge) -> String {
    let (from, to) = (&map.nodes[edge.from], &map.nodes[edge.to]);
    let (x1, y1, x2, y2) = ends(from, to);
    if x2 > x1 {
        let bend = (x2 - x1) / 2.0;
        return format!(
            "M{} {}C{} {} {} {} {} {}",
            num(x1),
            num(y1),
            num(x1 + bend),
            num(y1),
            num(x2 - bend),
            num(y2),
            num(x2),
            num(y2)
        );
    }
    // Back, or to one of the same column: around the left side.
    let out = 34.0 + (y2 - y1).abs() / 8.0;
    let (left, right) = (from.x.min(to.x), from.x);
    format!(
        "M{} {}C{} {} {} {} {} {}",
        num(right),
        num(y1),
        num(left - out),
        num(y1),
        num(left - out),
        num(y2),
        num(x2),
        num(y2)
    )
}

/// The height of a curve at a part of its way.
fn curve_y(y1: f64, y2: f64, t: f64) -> f64 {
    let (a, b) = ((1.0 - t).powi(3) + 3.0 * (1.0 - t).powi(2) * t, 3.0 * (1.0 - t) * t * t + t.powi(3));
    a * y1 + b * y2
}

fn num(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
