//! All dead letters, oldest first, cut by where they come from.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::{CUTS, path};
use crate::console::{
    ask,
    failure::Failure,
    page::{Page, View},
    parts::{self, Action, Row},
    sections, show, text,
};

const COLUMNS: [&str; 6] = ["What", "From", "Error", "#Attempts", "Failed", ""];

/// Dead letters of one page.
const PAGE: &str = "50";

pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let cuts: Vec<(&str, String)> = CUTS.into_iter().filter_map(|(name, _)| Some((name, view.asked(name)?))).collect();
    let cursor = view.asked("cursor");
    let mut query: Vec<(&str, &str)> = cuts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    query.push(("limit", PAGE));
    query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let list = view.api.get(&["dead-letters"], &query).await?;
    let letters = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body = html! {
        (parts::filter(view, html! {
            @for (name, label) in CUTS {
                (parts::input(name, label, &view.asked(name).unwrap_or_default(), if name == "topic" { "order.created" } else { "any" }))
            }
        }))
        (parts::live("dead-letters", html! {
            @if letters.is_empty() {
                (nothing(!view.raw_query.is_empty()))
            } @else {
                div.card { (parts::table("Dead letters", &COLUMNS, letters.iter().map(|letter| row(view, letter)))) }
                (parts::pager(view, &list))
            }
        }))
        @if !letters.is_empty() { (parts::panel("redrive-many", redrive_title(&cuts), redrive(view, &cuts))) }
    };
    Ok(Page::new(sections::DEAD_LETTERS, "Dead letters", body))
}

fn nothing(is_cut: bool) -> Markup {
    if is_cut {
        return parts::empty("No such dead letter", "Nothing that was cut out here could not be delivered.", None);
    }
    parts::empty(
        "No dead letters",
        "What fails for good, or runs out of attempts, waits here with its error and payload.",
        None,
    )
}

fn row(view: &View<'_>, letter: &Value) -> Row {
    let id = text::plain(&letter["id"]);
    let what = text::plain(letter.get("topic").or(letter.get("queue")).unwrap_or(&Value::Null));
    let error = text::plain(&letter["error"]);
    let act = |name, label: &'static str| {
        Action::new(view, name, label).with("id", &*id).titled(format!("{label} {what} {id}"))
    };
    let cells = vec![
        html! {
            a.strong href=(path(&id)) { (text::text(&what)) }
            " " (show::tag(letter["kind"].as_str().unwrap_or("letter")))
        },
        from(letter),
        html! { span.clamp title=(text::attribute(&error)) { (text::text(&error)) } },
        show::figure(&letter["attempts"]),
        show::time(&letter["failedAt"], view.now),
        parts::buttons(vec![
            act("dead-letter.redrive", "Redrive").render(),
            act("dead-letter.discard", "Discard")
                .asking(format!("Discard this dead letter of {what}? Nobody will have it."))
                .render(),
        ]),
    ];
    parts::row(id, cells)
}

/// Where one comes from: the subscription that was to get it, or the queue.
pub(super) fn from(letter: &Value) -> Markup {
    let link = |path: String, name: &str| html! { a href=(path) { (text::text(name)) } };
    match (letter["subscription"].as_str(), letter["queue"].as_str()) {
        (Some(name), _) => link(ask::path(&["subscriptions", name]), name),
        (_, Some(name)) => link(ask::path(&["queues", name]), name),
        _ => text::dash(),
    }
}

fn redrive_title(cuts: &[(&str, String)]) -> &'static str {
    if cuts.is_empty() { "Redrive many" } else { "Redrive all that are shown here" }
}

fn redrive(view: &View<'_>, cuts: &[(&str, String)]) -> Markup {
    let form = Action::new(view, "dead-letter.redrive-many", "Redrive");
    let form = cuts.iter().fold(form, |form, (name, value)| form.with(name, value.as_str()));
    let fields = html! {
        (parts::number("limit", "At most", "1000", 1, 1_000))
        (parts::number("perSecond", "A second", "100", 1, 10_000))
    };
    html! {
        p.hint {
            "Each goes to the subscription or queue that it comes from, the oldest first"
            @for (name, value) in cuts { ", of the " (name) " " strong { (text::text(value)) } }
            "."
        }
        (form.fields(fields))
    }
}
