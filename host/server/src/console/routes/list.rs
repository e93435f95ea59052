//! The table of routes.

use maud::{Markup, Render, html};
use serde_json::Value;

use crate::console::{
    ask::path,
    page::View,
    parts::{self, Action, Row, row},
    show::tag,
    text::{plain, text},
};

/// The routes, each with what it asks of requests and does with them.
pub(super) fn table(view: &View<'_>, routes: &[Value]) -> Markup {
    let columns = ["Requests", "Lead to", "Rules", "From", ""];
    parts::table("Routes", &columns, routes.iter().map(|route| one(view, route)))
}

fn one(view: &View<'_>, route: &Value) -> Row {
    let (shown, id) = (plain(&route["path"]), plain(&route["id"]));
    let remove = Action::new(view, "route.remove", "Remove")
        .with("id", id.clone())
        .with("path", shown.clone())
        .titled(format!("Remove {shown}"))
        .asking(format!("Remove the route {shown}? Requests go to whatever else takes that path."));
    let origin = &route["origin"];
    let key = format!("{shown} {} {} {}", route["host"], route["methods"], route["headers"]);
    row(
        key,
        [
            requests(route),
            destinations(route),
            rules(route),
            html! { (layer(&plain(&origin["layer"]))) @let owner = plain(&origin["owner"]); @if !owner.is_empty() && owner != id { span.below { (text(&owner)) } } },
            html! { @if !id.is_empty() { (remove.render()) } },
        ],
    )
}

/// Which requests a route takes.
pub(super) fn requests(route: &Value) -> Markup {
    let methods = route["methods"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        span.signature.strong { @if let Some(host) = route["host"].as_str() { span.dim { (text(host)) } } (text(&plain(&route["path"]))) }
        span.below {
            @if methods.is_empty() { "all methods" } @for method in methods { (tag(&plain(method))) }
            @for (name, value) in route["headers"].as_object().into_iter().flatten() {
                (tag(&if value.is_boolean() { name.clone() } else { format!("{name}: {}", plain(value)) }))
            }
        }
    }
}

/// Where a route leads, as links.
pub(super) fn destinations(route: &Value) -> Markup {
    let link = |service: &str| html! { a href=(path(&["services", service])) { (text(service)) } };
    if let Some(split) = route["split"].as_array() {
        return html! {
            @for part in split {
                span.part { (link(&plain(&part["service"]))) @if let Some(version) = part["version"].as_str() { "@" (text(version)) } " " span.dim { "weight " (text(&plain(&part["weight"]))) } }
            }
        };
    }
    match route["service"].as_str() {
        Some(service) => link(service),
        None => html! { (tag("redirect")) (text(&destination(route))) },
    }
}

/// Where a route leads, in few words.
pub(super) fn destination(route: &Value) -> String {
    if let Some(split) = route["split"].as_array() {
        return split.iter().map(|part| plain(&part["service"])).collect::<Vec<_>>().join(", ");
    }
    let redirect = &route["redirect"];
    if redirect.is_object() {
        let scheme = redirect["scheme"].as_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
        let path = redirect["path"].as_str().or(redirect["prefix"].as_str()).unwrap_or_default();
        return format!("{} to {scheme}{}{path}", plain(&redirect["status"]), plain(&redirect["host"]));
    }
    plain(&route["service"])
}

/// What a route does beyond leading somewhere.
fn rules(route: &Value) -> Markup {
    let mut said: Vec<String> = Vec::new();
    let mut say = |label: &str, value: &Value| {
        if !value.is_null() {
            said.push(format!("{label} {}", plain(value)));
        }
    };
    say("strips", &route["stripPrefix"]);
    let rewrite = &route["rewrite"];
    say("becomes", if rewrite["path"].is_null() { &rewrite["prefix"] } else { &rewrite["path"] });
    say("timeout", &route["timeout"]);
    say("body up to", &route["bodyMax"]);
    if route["auth"].as_str().is_some_and(|auth| auth != "inherit") {
        say("auth", &route["auth"]);
    }
    let (limit, retry, mirror) = (&route["rateLimit"], &route["retry"], &route["mirror"]);
    if limit.is_object() {
        said.push(format!("{} requests in {}", plain(&limit["requests"]), plain(&limit["window"])));
    }
    if retry.is_object() {
        said.push(format!("{} attempts", plain(&retry["attempts"])));
    }
    if mirror.is_object() {
        said.push(format!("{} % mirrored to {}", plain(&mirror["percent"]), plain(&mirror["service"])));
    }
    said.extend(route["middleware"].as_array().into_iter().flatten().map(|name| format!("through {}", plain(name))));
    html! { @if said.is_empty() { span.dim { "–" } } @for rule in said { (tag(&rule)) } }
}

/// Who says so, in words.
fn layer(layer: &str) -> Markup {
    let words = match layer {
        "api" => "added here",
        "config" => "configuration",
        "manifest" => "plugin",
        "side-file" | "side" => "side file",
        other => return text(other),
    };
    html! { (words) }
}
