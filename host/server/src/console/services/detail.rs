//! One service: what answers for it, how it fares, and how its calls are shared.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::{list::node, plugin_link, traffic, upstream};
use crate::console::{
    ask::encode,
    breakers,
    charts::spark,
    failure::Failure,
    page::{Page, View},
    parts::{Action, card, card_with, empty, facts, live, panel, row, table, tile, tiles, trouble},
    sections,
    show::{badge, count, decimal, figure, tag, time},
    text::{dash, member, plain, text},
};

/// `/services/NAME`.
pub(super) async fn page(view: &View<'_>, name: &str) -> Result<Page, Failure> {
    let service = view.api.get(&["services", name], &[("all", "true")]).await?;
    let traffic = view.api.get(&["services", name, "traffic"], &[]).await.unwrap_or_default();
    let history = view.api.get(&["overview", "history"], &[("service", name)]).await.unwrap_or_default();
    let overview = view.api.get(&["overview"], &[]).await.unwrap_or_default();
    let (routes, breakers) = (view.api.items(&["routes"]).await, view.api.items(&["breakers"]).await);
    let plugins = view.api.items(&["plugins"]).await;
    let plugins: Vec<_> = plugins.into_iter().filter(|plugin| plugin["service"] == name).collect();
    let mine: Vec<_> = breakers.into_iter().filter(|breaker| breaker["service"] == name).collect();
    let is_plugin = !plugins.is_empty();
    let body = html! {
        (live("figures", figures(&service, node(&overview, name), &history["services"][name])))
        (live("versions", html! {
            @for plugin in plugins.iter().filter(|plugin| plugin["error"].is_string()) {
                (trouble(&format!("The newest file of {} does not serve", plain(&plugin["name"])), &plain(&plugin["error"])))
            }
            @if is_plugin { (traffic::versions(&traffic)) (traffic::share(view, name, &traffic)) }
        }))
        (live("instances", html! {
            (card("What answers for it", instances(view, &service, &mine)))
            @if !mine.is_empty() { (card_with("Breakers", html! { a href={ "/breakers?q=" (encode(name)) } { "On their page" } }, breakers::all(view, &mine))) }
        }))
        div.columns {
            (live("routes", card_with("Routes", html! { a href="/routes" { "All routes" } }, leading(name, &routes))))
            (live("about", card("About", about(view, &service, &plugins))))
        }
        (panel("register", "Register an upstream for it", upstream::form(view, name)))
    };
    let aside =
        live("state", html! { (badge(&plain(&service["status"]))) " " span.dim { (member(&service, "version")) } });
    let logs = html! { (aside) a.button href={ "/logs?service=" (encode(name)) } { "Logs" } };
    Ok(Page::new(sections::SERVICES, name, body).below_section().beside(logs).every(2))
}

fn figures(service: &Value, node: &Value, history: &Value) -> Markup {
    let rate = node["rate"].as_f64().unwrap_or_default();
    let failing = node["failureRate"].as_f64().unwrap_or_default();
    let metrics = &service["metrics"];
    let points = |member: &str| history[member].as_array().into_iter().flatten().map(Value::as_f64).collect::<Vec<_>>();
    let in_flight: u64 =
        service["instances"].as_array().into_iter().flatten().filter_map(|one| one["inFlight"].as_u64()).sum();
    tiles(&[
        tile(
            "Calls a second",
            html! { (decimal(rate)) },
            html! { (figure(&metrics["requestCount"])) " in all" },
            spark("Calls a second, last 5 minutes", &points("rate"), "rate"),
        ),
        tile(
            "Failures a second",
            html! { span.bad-text[failing > 0.0] { (decimal(failing)) } },
            html! { (figure(&metrics["errorCount"])) " in all" },
            spark("Failures a second, last 5 minutes", &points("failureRate"), "errors"),
        ),
        tile(
            "95 % answered within",
            html! { @match node["p95"].as_f64() { Some(p95) => { (decimal(p95)) span.unit { " ms" } } None => "–" } },
            html! { "last 10 seconds" },
            spark("95th percentile in milliseconds, last 5 minutes", &points("p95"), "rate"),
        ),
        tile("Calls under way", html! { (count(in_flight)) }, html! { "now" }, html! {}),
    ])
}

fn instances(view: &View<'_>, service: &Value, breakers: &[Value]) -> Markup {
    let all = service["instances"].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns = ["Instance", "Status", "Breaker", "#Weight", "#Under way", "Checked", ""];
    html! {
        @if all.is_empty() { (empty("Nothing answers for it", "Its plugin is gone, and no upstream is registered.", None)) }
        @else { (table("What answers", &columns, all.iter().map(|one| {
            let (id, source) = (plain(&one["id"]), plain(&one["source"]));
            let breaker = breakers.iter().find(|breaker| breaker["instance"] == *id || breaker["id"] == *id);
            let away = Action::new(view, "service.deregister", "Deregister").with("id", id.clone()).titled(format!("Deregister {id}"))
                .asking(format!("Deregister {id}? It gets no further calls."));
            row(id.clone(), [
                html! { span.strong { (text(&id)) } span.below { (place(one)) " " (tag(&source)) @for word in one["tags"].as_array().into_iter().flatten() { (tag(&plain(word))) } } },
                badge(&plain(&one["status"])),
                breaker.map_or_else(dash, breakers::state),
                figure(&one["weight"]),
                figure(&one["inFlight"]),
                checked(view, one),
                html! { @if source == "api" { (away.render()) } },
            ])
        }))) }
    }
}

fn place(one: &Value) -> Markup {
    html! {
        @if one["source"] == "plugin" { "version " (text(&plain(&one["version"]))) ", generation " (text(&plain(&one["generation"]))) }
        @else { code { (text(&plain(&one["scheme"]))) "://" (text(&plain(&one["address"]))) ":" (text(&plain(&one["port"]))) } }
    }
}

fn checked(view: &View<'_>, one: &Value) -> Markup {
    let check = &one["health"];
    html! {
        (time(&check["lastCheck"], view.now))
        @if check["error"].is_string() { span.below.bad-text.clamped { (text(&plain(&check["error"]))) } }
        @if one["lastHeartbeat"].is_string() { span.below { "heartbeat " (time(&one["lastHeartbeat"], view.now)) } }
    }
}

/// The routes that lead to a service, whole or in part.
fn leading(name: &str, routes: &[Value]) -> Markup {
    let leads = |route: &&Value| {
        route["service"] == name || route["split"].as_array().into_iter().flatten().any(|part| part["service"] == name)
    };
    let leading: Vec<_> = routes.iter().filter(leads).collect();
    html! {
        @if leading.is_empty() { (empty("No route leads here", "Other services reach it by its name; the gateway does not.", Some(&format!("switchyard routes add '/{name}/*' {name}")))) }
        @else { ul.asked { @for route in leading {
            li {
                @for method in route["methods"].as_array().into_iter().flatten() { (tag(&plain(method))) }
                code { @if let Some(host) = route["host"].as_str() { (text(host)) } (text(&plain(&route["path"]))) }
                @if route["split"].is_array() { span.dim { " with others" } }
            }
        } } }
    }
}

fn about(view: &View<'_>, service: &Value, plugins: &[Value]) -> Markup {
    let (tags, dependencies) = (service["tags"].as_array(), service["dependencies"].as_array());
    let mut all = vec![
        ("Description", member(service, "description")),
        (
            "Plugins",
            html! { @if plugins.is_empty() { (dash()) } @for (at, plugin) in plugins.iter().enumerate() { @if at > 0 { ", " } (plugin_link(&plugin["name"])) } },
        ),
        ("Since", time(&service["registeredAt"], view.now)),
        (
            "Tags",
            html! { @match tags { Some(tags) if !tags.is_empty() => { @for word in tags { (tag(&plain(word))) } } _ => (dash()) } },
        ),
        (
            "Needs",
            html! { @match dependencies { Some(needs) if !needs.is_empty() => { @for need in needs { (tag(&plain(&need["name"]))) } } _ => (dash()) } },
        ),
    ];
    for (name, value) in service["metadata"].as_object().into_iter().flatten() {
        all.push((name, text(&plain(value))));
    }
    facts(&all)
}
