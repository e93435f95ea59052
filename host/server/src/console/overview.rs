//! The overview: how the host is, at one look, and who calls whom.

mod activity;
mod attention;
mod draw;
mod figures;
mod map;

use maud::{Markup, html};
use serde_json::Value;

use super::{
    failure::Failure,
    page::{Page, View},
    parts::{card, card_with, facts, live},
    sections,
    show::{self, badge, time},
    text::{dash, member, plain, text},
};

/// `/`.
pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let overview = view.api.get(&["overview"], &[]).await?;
    let history = view.api.get(&["overview", "history"], &[]).await.unwrap_or_default();
    let body = live(
        "overview",
        html! {
            (figures::tiles(&overview, &history))
            (attention::list(view, &overview).await)
            (traffic(&overview))
            div.columns {
                (card_with("Recent activity", html! { a href="/events" { "All events" } }, activity::list(view).await))
                (card("This host", host(view, &overview)))
            }
        },
    );
    let aside = live("status", html! { (badge(&plain(&overview["status"]))) });
    Ok(Page::new(sections::OVERVIEW, "Overview", body).beside(aside).every(2))
}

fn traffic(overview: &Value) -> Markup {
    let map = map::Map::of(overview);
    let legend = html! {
        span.legend { span.legend-line {} "calls" } span.legend { span.legend-line.failing {} "with failures" }
        span.legend { (draw::switch("closed")) "breaker closed" } span.legend { (draw::switch("open")) "open" }
    };
    card_with(
        "Live traffic",
        legend,
        html! {
            (draw::map(&map))
            (draw::list(&map))
            @if map.has_calls() { details.as-table id="traffic-table" { summary { "As a table" } (draw::table_of(&map)) } }
            @if overview["cut"] == true { p.hint { "There are more services and calls than are shown: the busiest are." } }
        },
    )
}

fn host(view: &View<'_>, overview: &Value) -> Markup {
    let store = &overview["store"];
    let size = |value: &Value| value.as_u64().map_or_else(dash, |size| html! { (show::bytes(size)) });
    let url = |value: &Value| match value.as_str() {
        Some(url) => html! { code { (text(url)) } },
        None => dash(),
    };
    facts(&[
        ("Node", member(overview, "node")),
        ("Version", member(overview, "version")),
        ("Started", time(&overview["startedAt"], view.now)),
        ("Gateway", url(&overview["listeners"]["gateway"])),
        ("Admin", url(&overview["listeners"]["admin"])),
        ("Store", html! { (member(store, "kind")) ", " (size(&store["bytes"])) }),
        ("Disk free", size(&store["diskFree"])),
        ("Data", html! { code { (member(store, "path")) } }),
        ("API", html! { a href="/openapi.json" { "OpenAPI" } " · " a href="/metrics" { "Metrics" } }),
    ])
}

#[cfg(test)]
mod tests;
