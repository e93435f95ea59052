//! Routes: which paths lead where, who says so, and which one would take a request.

mod add;
mod list;
mod tried;

use maud::html;

use super::{
    action::{Plan, Planned},
    ask::Call,
    failure::Failure,
    form::Form,
    page::{Page, View},
    parts::{card, empty, filter, input, live, pager},
    sections,
    text::plain,
};

/// `/routes`.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    if !rest.is_empty() {
        return Err(Failure::no_such_page());
    }
    let (cursor, searched) = (view.asked("cursor"), view.asked("q").unwrap_or_default());
    let query: Vec<_> = cursor.as_deref().map(|cursor| ("cursor", cursor)).into_iter().collect();
    let mut routes = view.api.get(&["routes"], &query).await?;
    let mut items = routes["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    items.retain(|route| plain(&route["path"]).contains(&searched) || list::destination(route).contains(&searched));
    let tried = tried::card(view).await;
    let body = html! {
        (tried)
        (filter(view, input("q", "Path or service", &searched, "/orders")))
        (live("routes", html! {
            @if items.is_empty() {
                (card("Routes", empty("No route here", "Plugins ask for routes in their manifest; the configuration and this page add others.",
                    Some("switchyard routes add '/shop/*' shop"))))
            } @else {
                (card("Routes", list::table(view, &items)))
            }
            (pager(view, &routes))
        }))
        (add::panels(view))
    };
    Ok(Page::new(sections::ROUTES, "Routes", body))
}

/// What an action does.
pub(super) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    match verb {
        "add" => Some(add::add(form)),
        "add-json" => Some(add::add_json(form)),
        "remove" => Some(form.need("id", "The route").map(|id| {
            let said = format!("The route {} is removed.", form.text("path").unwrap_or_else(|| id.clone()));
            Plan::new(Call::delete(&["routes", &id]), said)
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
