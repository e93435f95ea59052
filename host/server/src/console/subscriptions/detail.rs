//! One subscription.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::{badge, endpoint, list};
use crate::console::{
    ask,
    events::topics::{dead, warned},
    failure::Failure,
    page::{Page, View},
    parts::{self, Action},
    sections, show, text,
};

pub(super) async fn page(view: &View<'_>, id: &str) -> Result<Page, Failure> {
    let one = view.api.get(&["subscriptions", id], &[]).await?;
    let name = text::plain(&one["name"]);
    let body = html! {
        (parts::live("subscription", html! {
            @if let Some(error) = one["error"].as_str() { (parts::trouble("It cannot go on", error)) }
            (figures(view, &one, &name))
        }))
        (parts::live("subscription-actions", actions(view, &one, &name)))
        (parts::live("subscription-about", parts::card("What it is", parts::facts(&about(&one)))))
        (parts::panel("seek", "Move the cursor", seek(view, &one)))
    };
    let state = parts::live("subscription-state", badge(&one));
    Ok(Page::new(sections::SUBSCRIPTIONS, name, body).below_section().beside(state))
}

fn figures(view: &View<'_>, one: &Value, name: &str) -> Markup {
    let tile = |label, figure: Markup, note: Markup| parts::tile(label, figure, note, html! {});
    parts::tiles(&[
        tile("Lag", warned(&one["lag"], "watch-text"), html! { "events after its cursor, at most" }),
        tile(
            "In flight",
            show::figure(&one["inFlight"]),
            html! { (show::figure(&one["retrying"])) " wait for another attempt" },
        ),
        tile(
            "Processed",
            show::figure(&one["processed"]),
            html! { @if one["lastProcessed"].is_string() { "the last " (show::time(&one["lastProcessed"], view.now)) } @else { "none since the host started" } },
        ),
        tile("Errors", warned(&one["errors"], "bad-text"), html! { "attempts that failed" }),
        tile("Dead letters", dead(&one["deadLetters"], "subscription", name), html! { "wait to be looked at" }),
    ])
}

fn actions(view: &View<'_>, one: &Value, name: &str) -> Markup {
    let topic = text::plain(&one["topic"]);
    let tail = format!("/events?topic={}", ask::encode(&topic));
    let mut buttons = vec![list::switch(view, one), html! { a.button href=(tail) { "Its events" } }];
    if one["origin"] == "api" {
        let id = text::plain(&one["id"]);
        let question = format!("End the subscription {name}? Its cursor is forgotten.");
        buttons.push(Action::new(view, "subscription.delete", "End").with("id", id).asking(question).render());
    }
    parts::buttons(buttons)
}

fn about(one: &Value) -> Vec<(&'static str, Markup)> {
    let mut facts = vec![
        ("Topic", html! { code { (text::member(one, "topic")) } }),
        ("Calls", endpoint(&one["endpoint"])),
        ("Asked for by", html! { (origin(one["origin"].as_str().unwrap_or_default())) }),
        ("Cursor", html! { "event " (show::figure(&one["cursor"])) }),
        ("Attempts", show::figure(&one["maxAttempts"])),
        ("Priority", text::member(one, "priority")),
        ("Id", html! { code { (text::member(one, "id")) } }),
    ];
    if let Some(members) = one["members"].as_array().filter(|members| !members.is_empty()) {
        facts.push(("Also calls", html! { @for member in members { div { (endpoint(member)) } } }));
    }
    if let Some(filter) = one["filter"].as_str() {
        facts.push(("Filter", html! { code { (text::text(filter)) } }));
        facts.push(("Filter errors", show::figure(&one["filterErrors"])));
    }
    if let Some(group) = one["group"].as_str() {
        facts.push(("Group", text::text(group)));
    }
    for (member, label) in [("broadcast", "every host gets each event"), ("once", "ends with the first success")] {
        if one[member] == true {
            facts.push(("Kind", html! { (label) }));
        }
    }
    facts
}

fn origin(origin: &str) -> Markup {
    match origin {
        "manifest" => html! { "its plugin" },
        "config" => html! { "switchyard.toml" },
        "api" => html! { "an operator" },
        "host" => html! { "the host" },
        other => text::text(other),
    }
}

fn seek(view: &View<'_>, one: &Value) -> Markup {
    let places = [
        ("", "this sequence or time"),
        ("first", "the first event that is kept"),
        ("latest", "the latest: skip what waits"),
    ];
    let fields = html! {
        (parts::choice("place", "To", "", &places))
        (parts::input("to", "Sequence or time", "", "17, or 2026-01-31T12:00:00Z"))
    };
    let question = format!(
        "Move the cursor of {}? Events before it are not delivered; those after it are, again.",
        text::plain(&one["name"])
    );
    html! { (Action::new(view, "subscription.seek", "Move").with("id", text::plain(&one["id"])).fields(fields).asking(question)) }
}
