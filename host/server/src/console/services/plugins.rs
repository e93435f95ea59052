//! All plugins: the files of the folder, and how each fares.

use maud::{Markup, html};
use serde_json::Value;

use super::{deploy, pages};
use crate::console::{
    ask::path,
    failure::Failure,
    page::{Page, View},
    parts::{card, empty, filter, input, live, needed, pager, panel, row, table},
    sections,
    show::{badge, digest, figure, tag},
    text::{dash, member, plain, text},
};

/// `/plugins`.
pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let (cursor, searched) = (view.asked("cursor"), view.asked("q").unwrap_or_default());
    let query: Vec<_> = cursor.as_deref().map(|cursor| ("cursor", cursor)).into_iter().collect();
    let mut plugins = view.api.get(&["plugins"], &query).await?;
    let mut items = plugins["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    items.retain(|plugin| plain(&plugin["name"]).contains(&searched) || plain(&plugin["service"]).contains(&searched));
    let new = view.asked("new");
    let body = html! {
        (pages(view))
        @if let Some(new) = &new {
            (card(&format!("Deploy {new}"), deploy::form(view, new)))
        } @else {
            (panel("deploy", "Deploy a new plugin", html! {
                form.act.fields method="get" action="/plugins" {
                    (needed("new", "Name", "", "orders, or orders@2.0.0"))
                    button.main type="submit" { "Choose its file" }
                }
                p.hint { "A file NAME@VERSION.wasm waits beside the one that serves, and gets calls when its share says so." }
            }))
        }
        (filter(view, input("q", "Plugin or service", &searched, "orders")))
        (live("plugins", html! {
            @if items.is_empty() {
                (card("Plugins", empty("No plugin here", "Put a component into the plugins folder, or deploy one.", Some("switchyard deploy orders.wasm"))))
            } @else {
                (card("Plugins", all(&items)))
            }
            (pager(view, &plugins))
        }))
    };
    Ok(Page::new(sections::SERVICES, "Plugins", body).below_section())
}

/// Its state in words: what is loaded, but waits for its share, is staged.
pub(super) fn state(plugin: &Value) -> Markup {
    html! { (badge(&plain(&plugin["state"]))) @if plugin["staged"] == true { " " (tag("staged")) } }
}

pub(super) fn all(items: &[Value]) -> Markup {
    let columns = ["Plugin", "State", "Service", "Version", "Digest", "#Generation", "Code"];
    table("Plugins", &columns, items.iter().map(|plugin| {
        let (stem, service) = (plain(&plugin["name"]), plain(&plugin["service"]));
        row(stem.clone(), [
            html! {
                a.strong href=(path(&["plugins", &stem])) { (text(&stem)) }
                @if plugin["error"].is_string() { span.below.bad-text.clamped { (text(&plain(&plugin["error"]))) } }
            },
            state(plugin),
            if service.is_empty() { dash() } else { html! { a href=(path(&["services", &service])) { (text(&service)) } } },
            member(plugin, "version"),
            digest(&plugin["digest"]),
            figure(&plugin["generation"]),
            member(plugin, "tier"),
        ])
    }))
}
