//! Definitions, drawn as the way that a saga goes: steps one after the other, those of a group below each other.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::{ask, parts, show, text};

pub(super) fn definitions(definitions: &[Value]) -> Markup {
    if definitions.is_empty() {
        return parts::empty(
            "No definitions",
            "A service declares sagas in its manifest, or in the side file beside its component.",
            None,
        );
    }
    html! {
        @for definition in definitions {
            article.definition {
                header {
                    h3 { (text::member(definition, "name")) }
                    span.dim {
                        "of "
                        @match definition["service"].as_str() {
                            Some(service) => a href=(ask::path(&["services", service])) { (text::text(service)) },
                            None => "the host",
                        }
                        " · " (show::digest(&definition["digest"]))
                        @if definition["onFailure"] == "stuck" { " · a failure leaves it stuck" }
                    }
                }
                ol.pipeline tabindex="0" aria-label={ "Steps of " (text::attribute(&text::plain(&definition["name"]))) } {
                    @for step in definition["steps"].as_array().map(Vec::as_slice).unwrap_or_default() {
                        li { @match step["parallel"].as_array() {
                            Some(members) => ul.together aria-label="at the same time" { @for member in members { li { (command(member)) } } },
                            None => (command(step)),
                        } }
                    }
                }
            }
        }
    }
}

fn command(step: &Value) -> Markup {
    if step["wait"].is_object() {
        return wait(step);
    }
    let name = step["name"].as_str().or(step["command"].as_str()).unwrap_or_default();
    let is_pivot = step["pivot"] == true;
    html! {
        div.pipe-step.pivot[is_pivot] {
            span.pipe-name { (text::text(name)) }
            span.pipe-note {
                @if is_pivot { "pivot: no way back" }
                @else if let Some(undo) = step["compensation"].as_str() { "↩ " (text::text(undo)) }
                @else { "is not undone" }
            }
            @if let Some(via) = step["via"].as_str().filter(|via| *via != "component") {
                span.pipe-note { "via " (text::text(via)) }
            }
        }
    }
}

fn wait(step: &Value) -> Markup {
    let wait = &step["wait"];
    html! {
        div.pipe-step.waits {
            @match (wait["signal"].as_str(), wait["timer"].as_str()) {
                (Some(signal), _) => {
                    span.pipe-name { "signal " (text::text(signal)) }
                    span.pipe-note { @if let Some(limit) = wait["timeout"].as_str() { "at most " (text::text(limit)) } @else { "waits for it" } }
                }
                (_, Some(timer)) => { span.pipe-name { "timer " (text::text(timer)) } span.pipe-note { "waits so long" } }
                _ => span.pipe-name { "wait" },
            }
        }
    }
}
