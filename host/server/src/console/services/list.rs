//! All services, with what they are asked for now.

use maud::{Markup, html};
use serde_json::Value;

use super::{pages, upstream};
use crate::console::{
    ask::path,
    charts::spark,
    failure::Failure,
    page::{Page, View},
    parts::{card, empty, filter, input, live, pager, panel, row, table},
    sections,
    show::{badge, count, decimal, figure, ms, tag},
    text::{dash, plain, text},
};

/// The most tags of a service that the list shows.
const TAGS_SHOWN: usize = 4;

/// `/services`.
pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let (cursor, searched, tagged) = (view.asked("cursor"), view.asked("q").unwrap_or_default(), view.asked("tag"));
    let mut query = vec![("all", "true")];
    query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    query.extend(tagged.as_deref().map(|tag| ("tag", tag)));
    let mut services = view.api.get(&["services"], &query).await?;
    let mut items = services["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    items.retain(|service| plain(&service["name"]).contains(&searched));
    let names: Vec<String> = items.iter().map(|service| plain(&service["name"])).collect();
    let history = view
        .api
        .get(&["overview", "history"], &names.iter().map(|name| ("service", name.as_str())).collect::<Vec<_>>())
        .await;
    let overview = view.api.get(&["overview"], &[]).await.unwrap_or_default();
    let history = history.unwrap_or_default();
    let body = html! {
        (pages(view))
        (filter(view, html! {
            (input("q", "Name", &searched, "orders"))
            (input("tag", "Tag", tagged.as_deref().unwrap_or_default(), "payments"))
        }))
        (live("services", html! {
            @if items.is_empty() {
                (card("Services", empty("No service here", "A component in the plugins folder is a service, and so is an upstream that is registered.", Some("switchyard deploy orders.wasm"))))
            } @else {
                (card("Services", all(&items, &history, &overview)))
            }
            (pager(view, &services))
        }))
        (panel("register", "Register an upstream", upstream::form(view, "")))
    };
    Ok(Page::new(sections::SERVICES, "Services", body))
}

pub(super) fn all(items: &[Value], history: &Value, overview: &Value) -> Markup {
    let columns = ["Service", "Status", "Calls a second", "#p95", "#Calls", "#Errors", "Instances"];
    table("Services", &columns, items.iter().map(|service| {
        let name = plain(&service["name"]);
        let node = node(overview, &name);
        let metrics = &service["metrics"];
        let failing = node["failureRate"].as_f64().unwrap_or_default();
        row(name.clone(), [
            html! {
                a.strong href=(path(&["services", &name])) { (text(&name)) } " " span.dim { (text(&plain(&service["version"]))) }
                @let about = plain(&service["description"]);
                @if !about.is_empty() { span.below.clamped { (text(&about)) } }
                (tags(service))
            },
            badge(&plain(&service["status"])),
            rate(&history["services"][&name], node),
            ms(&node["p95"]),
            figure(&metrics["requestCount"]),
            html! { (figure(&metrics["errorCount"])) @if failing > 0.0 { span.below.bad-text { (decimal(failing)) " a second" } } },
            instances(service),
        ])
    }))
}

/// The first tags of a service, and how many more there are.
fn tags(service: &Value) -> Markup {
    let tags = service["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @for word in tags.iter().take(TAGS_SHOWN) { (tag(&plain(word))) }
        @if tags.len() > TAGS_SHOWN { span.dim { "+" (count((tags.len() - TAGS_SHOWN) as u64)) } }
    }
}

/// The rate, with its chart.
fn rate(history: &Value, node: &Value) -> Markup {
    let points: Vec<_> = history["rate"].as_array().into_iter().flatten().map(Value::as_f64).collect();
    html! {
        div.rate-cell {
            span.rate-figure { (decimal(node["rate"].as_f64().unwrap_or_default())) }
            @if !points.is_empty() { (spark("Calls a second, last 5 minutes", &points, "small")) }
        }
    }
}

fn instances(service: &Value) -> Markup {
    let all = service["instances"].as_array().map(Vec::as_slice).unwrap_or_default();
    let bad = all.iter().filter(|instance| instance["status"] == "unhealthy").count();
    let plugins = all.iter().filter(|instance| instance["source"] == "plugin").count();
    let upstreams = all.len() - plugins;
    html! {
        @if all.is_empty() { (dash()) }
        @if plugins > 0 { "plugin" }
        @if plugins > 0 && upstreams > 0 { ", " }
        @if upstreams > 0 { span.whole { (count(upstreams as u64)) @if upstreams == 1 { " upstream" } @else { " upstreams" } } }
        @if bad > 0 { span.below.bad-text { (count(bad as u64)) " unhealthy" } }
    }
}

/// The node of a service on the map.
pub(super) fn node<'a>(overview: &'a Value, name: &str) -> &'a Value {
    let id = format!("service:{name}");
    let nodes = overview["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    nodes.iter().find(|node| node["id"] == *id).unwrap_or(&Value::Null)
}
