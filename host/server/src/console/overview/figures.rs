//! The figures at the top: what is asked of the host, and what it has to do.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::{
    charts::spark,
    parts::{self, tile},
    show::{Tone, badge_as, count, decimal, duration},
};

/// The figures of an overview, with charts of the last minutes where there are some.
pub(super) fn tiles(overview: &Value, history: &Value) -> Markup {
    let (requests, events, sagas) = (&overview["requests"], &overview["events"], &overview["sagas"]);
    let figure = |value: &Value| html! { (count(value.as_u64().unwrap_or_default())) };
    let failing = requests["failureRate"].as_f64().unwrap_or_default();
    let p95 = requests["p95"].as_f64();
    let gateway = &history["gateway"];
    html! {
        (parts::tiles(&[
            tile("Requests a second", html! { (decimal(requests["rate"].as_f64().unwrap_or_default())) },
                html! { (figure(&requests["calls"])) " since the start" },
                chart(gateway, "rate", "Requests a second, last 5 minutes", "rate")),
            tile("Failures a second", html! { span.bad-text[failing > 0.0] { (decimal(failing)) } },
                html! { (figure(&requests["failures"])) " since the start" },
                chart(gateway, "failureRate", "Failures a second, last 5 minutes", "errors")),
            tile("95 % answered within", html! { @if let Some(p95) = p95 { (decimal(p95)) span.unit { " ms" } } @else { "–" } },
                html! { "last 10 seconds" },
                chart(gateway, "p95", "95th percentile of the time to answer in milliseconds, last 5 minutes", "rate")),
        ]))
        div.counts {
            (counted("/services", "Services", &overview["services"], &[("unhealthy", "unhealthy", Tone::Bad)], "all well"))
            (counted("/services", "Plugins", &overview["plugins"], &[("faulty", "with an error", Tone::Bad), ("loading", "loading", Tone::Watch)], "all loaded"))
            (counted("/breakers", "Breakers", &overview["breakers"],
                &[("open", "open", Tone::Bad), ("forcedOpen", "forced-open", Tone::Forced), ("halfOpen", "half-open", Tone::Watch)], "all closed"))
            (linked("/subscriptions", "Events waiting", &events["lag"], number(&events["lag"]) > 0, html! { "to be delivered" }, "none"))
            (linked("/queues", "Messages queued", &overview["queues"]["size"], number(&overview["queues"]["size"]) > 0, waited(overview), "none"))
            (counted_of("/sagas", "Sagas open", &sagas["open"], sagas, &[("stuck", "stuck", Tone::Bad), ("compensating", "compensating", Tone::Watch)], "none stuck"))
            (dead(&overview["deadLetters"]))
        }
    }
}

/// A line of what one member of a history was; nothing without one.
pub(in crate::console) fn chart(history: &Value, member: &str, what: &str, class: &'static str) -> Markup {
    match history[member].as_array() {
        Some(points) if !points.is_empty() => spark(what, &points.iter().map(Value::as_f64).collect::<Vec<_>>(), class),
        _ => html! {},
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn waited(overview: &Value) -> Markup {
    let oldest = &overview["queues"]["oldestAge"];
    html! { @if oldest.is_string() { "the oldest for " (duration(oldest)) } @else { "waiting" } }
}

fn linked(path: &str, label: &str, figure: &Value, is_some: bool, said: Markup, none: &str) -> Markup {
    html! {
        a.count href=(path) {
            span.count-label { (label) }
            span.count-figure { (count(number(figure))) }
            span.count-note { @if is_some { (said) } @else { (none) } }
        }
    }
}

/// How many there are, and the worst that is to be said of them.
fn counted(path: &str, label: &str, of: &Value, states: &[(&str, &str, Tone)], well: &str) -> Markup {
    counted_of(path, label, &of["total"], of, states, well)
}

fn counted_of(path: &str, label: &str, total: &Value, of: &Value, states: &[(&str, &str, Tone)], well: &str) -> Markup {
    let worst = states.iter().find(|(member, ..)| number(&of[*member]) > 0);
    html! {
        a.count href=(path) {
            span.count-label { (label) }
            span.count-figure { (count(number(total))) }
            span.count-note {
                @match worst {
                    Some((member, said, tone)) => (badge_as(*tone, &format!("{} {said}", count(number(&of[*member])))))
                    None if number(total) == 0 => "none"
                    None => (badge_as(Tone::Good, well))
                }
            }
        }
    }
}

fn dead(letters: &Value) -> Markup {
    let letters = number(letters);
    html! {
        a.count href="/dead-letters" {
            span.count-label { "Dead letters" }
            span.count-figure { (count(letters)) }
            span.count-note { @if letters > 0 { (badge_as(Tone::Bad, "to be looked at")) } @else { (badge_as(Tone::Good, "none")) } }
        }
    }
}
