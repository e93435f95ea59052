//! Logs: the latest lines of services, the newest last, and more as they are written.

mod lines;

use maud::{Markup, html};
use serde_json::Value;

use super::{
    ask,
    failure::Failure,
    page::{Page, View},
    parts, sections,
};

/// Lines of one page.
const PAGE: &str = "200";

/// Levels, with what is shown of each.
const LEVELS: [(&str, &str); 4] =
    [("", "All"), ("info", "Info and graver"), ("warn", "Warnings and errors"), ("error", "Errors")];

/// The page of this section.
///
/// # Errors
/// With why there is no page.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    if !rest.is_empty() {
        return Err(Failure::no_such_page());
    }
    let asked: Vec<(&str, String)> =
        ["service", "level", "cursor"].into_iter().filter_map(|name| Some((name, view.asked(name)?))).collect();
    let mut query: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
    query.push(("limit", PAGE));
    let list = view.api.get(&["logs"], &query).await?;
    let found = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_newest = view.asked("cursor").is_none();
    let one = view.asked("service");
    let aside = html! {
        span { @if is_newest { "newest last" } @else { "older lines" } }
        @if is_newest { button.hold type="button" hidden data-hold="logs" { "Pause" } }
    };
    let body = html! {
        (filter(view).await)
        (parts::card_with("Lines", aside, html! {
            div.live id="logs" data-live="logs" data-follow=[is_newest.then(|| follow(&asked))] {
                @if found.is_empty() { (nothing(one.as_deref())) } @else { (lines::lines(found, one.is_none())) }
            }
        }))
        (older(view, &list, is_newest))
    };
    // What is written is told on a stream of its own; the pace is for when that ends.
    Ok(Page::new(sections::LOGS, "Logs", body).every(if is_newest { 5 } else { 3_600 }))
}

/// The stream that tells of further lines.
fn follow(asked: &[(&str, String)]) -> String {
    let members = asked.iter().map(|(name, value)| format!("&{name}={}", ask::encode(value)));
    format!("/api/v1/logs?follow=true{}", members.collect::<String>())
}

async fn filter(view: &View<'_>) -> Markup {
    let chosen = view.asked("service").unwrap_or_default();
    let (services, plugins) = (view.api.items(&["services"]).await, view.api.items(&["plugins"]).await);
    let named = |value: &Value, member: &str| value[member].as_str().map(str::to_owned);
    let mut names: Vec<String> = services.iter().filter_map(|service| named(service, "name")).collect();
    names.extend(plugins.iter().filter_map(|plugin| named(plugin, "service")));
    names.extend(Some(chosen.clone()).filter(|chosen| !chosen.is_empty()));
    names.sort_unstable();
    names.dedup();
    let mut options = vec![("", "All services")];
    options.extend(names.iter().map(|name| (name.as_str(), name.as_str())));
    let level = view.asked("level").unwrap_or_default();
    parts::filter(
        view,
        html! {
            (parts::choice("service", "Service", &chosen, &options))
            (parts::choice("level", "Level", &level, &LEVELS))
        },
    )
}

fn nothing(service: Option<&str>) -> Markup {
    let hint =
        "What services write to their log, to stdout and to stderr, and what the host says about them, appears here.";
    match service {
        Some(service) => {
            let title = format!("{service} has written nothing");
            parts::empty(&title, hint, None)
        }
        None => parts::empty("Nothing is written yet", hint, Some("switchyard logs --follow")),
    }
}

fn older(view: &View<'_>, list: &Value, is_newest: bool) -> Markup {
    let next = list["next"].as_str().map(|cursor| parts::with_query(view, "cursor", Some(cursor)));
    html! {
        @if next.is_some() || !is_newest {
            nav.pager aria-label="Pages of the log" {
                @if !is_newest { a.button href=(parts::with_query(view, "cursor", None)) { "Newest" } }
                @if let Some(next) = next { a.button href=(next) { "Older" } }
            }
        }
    }
}

#[cfg(test)]
mod tests;
