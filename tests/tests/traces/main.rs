//! What a collector gets to see: whole traces, from the gateway to the last message that a request led to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod calls;
mod collectors;
mod order;

use std::collections::BTreeSet;

use switchyard_tests::otlp::{Span, tree};

/// A traceparent whose trace is recorded.
const RECORDED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The only span of this name.
#[track_caller]
fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name}:\n{}", tree(spans));
    found[0]
}

/// Checks what holds for each whole trace: one beginning, every parent is there, nobody ends before it began, and no id
/// comes twice.
#[track_caller]
fn check_whole(spans: &[Span]) {
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "{}", tree(spans));
    let roots = spans.iter().filter(|span| span.parent.is_empty()).count();
    assert_eq!(roots, 1, "{}", tree(spans));
    for span in spans {
        assert!(span.parent.is_empty() || ids.contains(span.parent.as_str()), "{span:?}\n{}", tree(spans));
        assert!(span.time.0 <= span.time.1, "{span:?}");
        assert_eq!((span.scope.as_str(), &span.resource["service.name"]), ("switchyard", &"switchyard".into()));
    }
}

/// Checks that a trace looks so: each line a span, as `NAME (KIND)`, indented below its parent. Siblings may come in any
/// order.
#[track_caller]
fn check_tree(spans: &[Span], expected: &str) {
    let sorted = |text: &str| paths(text);
    assert_eq!(sorted(&tree(spans)), sorted(expected), "\n{}", tree(spans));
}

/// Each line of a tree with all lines above it, sorted.
fn paths(text: &str) -> Vec<String> {
    let mut above: Vec<&str> = Vec::new();
    let mut paths = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let depth = (line.len() - line.trim_start().len()) / 2;
        above.truncate(depth);
        above.push(line.trim());
        paths.push(above.join(" > "));
    }
    paths.sort();
    paths
}
