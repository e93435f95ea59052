//! The versions of a service: how its calls are shared between them, and the form that shares them anew.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::{plan::WEIGHT, plugin_link};
use crate::console::{
    charts::bar,
    page::View,
    parts::{Action, buttons, card, choice, number, panel, row, table},
    show::{Tone, badge_as, decimal, digest, figure, ms},
    text::{dash, plain, text},
};

/// The versions, with what each gets and how it fares.
pub(super) fn versions(traffic: &Value) -> Markup {
    let versions = list(traffic);
    let columns = ["Version", "Plugin", "Share of the calls", "#Requests", "#Failures", "#p50", "#p95", "Digest"];
    let (mirror, rollout) = (&traffic["mirror"], &traffic["rollout"]);
    // One alone is not counted apart: what stands above is all of it.
    let is_counted = versions.len() > 1;
    card(
        "Versions",
        html! {
            @if rollout.is_object() {
                p.callout {
                    (badge_as(Tone::Watch, "rollout")) " " strong { (text(&plain(&rollout["to"]))) } " replaces " (text(&plain(&rollout["from"])))
                    " step by step and gets " strong { (text(&plain(&rollout["percent"]))) " %" } " of the calls now."
                }
            }
            @if mirror.is_object() {
                p.callout { (badge_as(Tone::Plain, "mirror")) " copies of " strong { (text(&plain(&mirror["percent"]))) " %" } " of the calls go to " strong { (text(&plain(&mirror["version"]))) } "; its answers are thrown away." }
            }
            (table("Versions", &columns, versions.iter().map(|version| {
                let (name, share) = (plain(&version["version"]), version["share"].as_f64().unwrap_or_default());
                let (metrics, is_main) = (&version["metrics"], version["main"] == true);
                row(format!("{name} {}", plain(&version["plugin"])), [
                    html! { span.strong { (text(&name)) } @if is_main { " " (badge_as(Tone::Good, "main")) } @if version["plugin"].is_null() { " " (badge_as(Tone::Bad, "missing")) } },
                    plugin_link(&version["plugin"]),
                    html! { div.share { span { (decimal(share)) " %" } (bar(&format!("Share of {name}"), share / 100.0, "rate")) } },
                    if is_counted { figure(&metrics["requestCount"]) } else { dash() },
                    html! { @if is_counted { span.bad-text[version["failures"].as_u64() > Some(0)] { (figure(&version["failures"])) } } @else { (dash()) } },
                    if is_counted { ms(&metrics["p50"]) } else { dash() },
                    if is_counted { ms(&metrics["p95"]) } else { dash() },
                    digest(&version["digest"]),
                ])
            })))
        },
    )
}

/// The form that shares the calls anew.
pub(super) fn share(view: &View<'_>, service: &str, traffic: &Value) -> Markup {
    let versions = list(traffic);
    if versions.len() < 2 && traffic["changedAt"].is_null() {
        return html! { p.hint.aside { "Deploy " code { (text(service)) "@VERSION.wasm" } " to have a second version beside this one, and share the calls between them." } };
    }
    let names: Vec<String> = versions.iter().map(|version| plain(&version["version"])).collect();
    let mirror = &traffic["mirror"];
    let mut options = vec![("", "no version")];
    options.extend(names.iter().map(|name| (name.as_str(), name.as_str())));
    let form = Action::new(view, "service.traffic", "Share the calls").with("service", service).fields(html! {
        @for (version, name) in versions.iter().zip(&names) {
            (number(&format!("{WEIGHT}{name}"), &format!("Weight of {name}"), &plain(&version["weight"]), 0, 1_000_000))
        }
        (choice("mirror", "Copies go to", &plain(&mirror["version"]), &options))
        (number("percent", "Copies, in %", &plain(&mirror["percent"]), 1, 100))
    });
    let back = Action::new(view, "service.main", "All to the main version")
        .with("service", service)
        .asking(format!("Give all calls of {service} back to its main version?"));
    panel(
        "share",
        "Share the calls between versions",
        html! {
            p.hint { "Weights are relative: 9 and 1 are 90 % and 10 %." }
            (form.render())
            (buttons(vec![back.render()]))
        },
    )
}

fn list(traffic: &Value) -> &[Value] {
    traffic["versions"].as_array().map(Vec::as_slice).unwrap_or_default()
}
