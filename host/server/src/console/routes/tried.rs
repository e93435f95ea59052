//! "Which route takes this request?"

use maud::{Markup, html};

use super::list;
use crate::console::{
    page::View,
    parts::{card as framed, choice, input, needed},
    show::{Tone, badge_as},
    text::{plain, text},
};

/// The methods that can be chosen.
const METHODS: [(&str, &str); 7] = [
    ("GET", "GET"),
    ("HEAD", "HEAD"),
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("PATCH", "PATCH"),
    ("DELETE", "DELETE"),
    ("OPTIONS", "OPTIONS"),
];

/// The form, and what it found.
pub(super) async fn card(view: &View<'_>) -> Markup {
    let asked = |name: &str| view.asked(name).unwrap_or_default();
    let (path, method, host, header) = (asked("path"), asked("method"), asked("host"), asked("header"));
    let found = if path.is_empty() {
        html! {}
    } else {
        found(view, &path, &method, &host, &header).await
    };
    framed(
        "Which route takes this request?",
        html! {
            form.filter method="get" action="/routes" {
                (choice("method", "Method", &method, &METHODS))
                (needed("path", "Path", &path, "/orders/17"))
                (input("host", "Host", &host, "any"))
                (input("header", "Header", &header, "x-tenant: blue"))
                button type="submit" { "Find" }
                @if !path.is_empty() { a.quiet href="/routes" { "Clear" } }
            }
            (found)
        },
    )
}

async fn found(view: &View<'_>, path: &str, method: &str, host: &str, header: &str) -> Markup {
    let method = if method.is_empty() { "GET" } else { method };
    let mut query = vec![("path", path), ("method", method), ("host", host)];
    if !header.is_empty() {
        query.push(("header", header));
    }
    let matched = match view.api.get(&["routes", "match"], &query).await {
        Ok(matched) => matched,
        Err(failure) => {
            return html! { p.callout role="status" { (badge_as(Tone::Bad, "refused")) " " (text(&failure.line())) } };
        }
    };
    html! {
        div.callout role="status" {
            @match matched["outcome"].as_str() {
                Some("found") => {
                    @let route = &matched["route"];
                    (badge_as(Tone::Good, "found")) " " (list::requests(route)) div.leads { "leads to " (list::destinations(route)) }
                }
                Some("method-not-allowed") => { (badge_as(Tone::Watch, "405")) " The path is known, the method is not: it takes " (text(&plain(&matched["allow"]))) "." }
                _ => { (badge_as(Tone::Bad, "404")) " No route takes this path and host." }
            }
        }
    }
}
