//! The overview of values that nobody hoped for.

use serde_json::json;

use super::{draw, figures, map::Map};

#[test]
fn the_map_goes_from_the_gateway_to_what_is_called_last() {
    let node = |id: &str, kind: &str| json!({"id": id, "kind": kind, "name": id, "status": "healthy", "breaker": "open", "rate": 1.5, "failureRate": 0.0, "p95": 3.0});
    let edge = |from: &str, to: &str| json!({"from": from, "to": to, "calls": 3, "failures": 1, "rate": 1.0, "failureRate": 0.1});
    let overview = json!({
        "nodes": [node("c", "service"), node("gateway", "gateway"), node("a", "service"), node("b", "service"), node("x", "external"), node("alone", "service")],
        // A circle, and an edge to somebody who is not there.
        "edges": [edge("gateway", "a"), edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("b", "x"), edge("a", "gone")],
    });
    let map = Map::of(&overview);
    let x = |name: &str| map.nodes.iter().find(|node| node.name == name).expect("it is there").x;
    assert!(x("gateway") < x("a") && x("a") < x("b") && x("b") < x("c"));
    assert_eq!((x("c"), x("alone")), (x("x"), x("a")));
    assert_eq!(map.edges.len(), 5);
    let drawn = draw::map(&map).into_string();
    assert!(!drawn.contains("NaN") && !drawn.contains("style="), "{drawn}");
}

#[test]
fn names_on_the_map_are_text() {
    let hostile = "<img src=x onerror=alert(1)>\u{202e}";
    let overview = json!({
        "nodes": [{"id": "service:x", "kind": hostile, "name": hostile, "status": hostile, "breaker": hostile, "rate": "x", "p95": null}, null, 3],
        "edges": [{"from": "service:x", "to": "service:x", "rate": 1e300}, [], null],
        "requests": {"rate": -1, "failureRate": f64::MAX, "calls": "many"}, "deadLetters": -1,
    });
    let map = Map::of(&overview);
    for drawn in [
        draw::map(&map),
        draw::table_of(&map),
        figures::tiles(&overview, &json!({"gateway": {"rate": [null, "x", 1e308]}})),
    ] {
        let drawn = drawn.into_string();
        assert!(!drawn.contains("<img"), "{drawn}");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
    let nothing = Map::of(&json!({}));
    assert!(nothing.nodes.is_empty() && draw::map(&nothing).into_string().contains("svg"));
}
