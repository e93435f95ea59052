//! One dead letter: its error, and what could not be delivered.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::list;
use crate::console::{
    ask,
    events::envelope,
    failure::Failure,
    page::{Page, View},
    parts::{self, Action},
    sections, show,
    strip::strip,
    text,
};

pub(super) async fn page(view: &View<'_>, id: &str) -> Result<Page, Failure> {
    let letter = view.api.get(&["dead-letters", id], &[]).await?;
    let what = text::plain(letter.get("topic").or(letter.get("queue")).unwrap_or(&Value::Null));
    let body = html! {
        (parts::trouble("Why it was not delivered", letter["error"].as_str().unwrap_or_default()))
        (strip(&facts(view, &letter)))
        (actions(view, id, &what))
        @if letter["originalEvent"].is_object() {
            @let event = &letter["originalEvent"];
            div.columns {
                (parts::card("Payload", envelope::data(event)))
                (parts::card("Event", envelope::attributes(event, view)))
            }
        } @else {
            @let message = &letter["originalMessage"];
            div.columns {
                (parts::card("Payload", text::json(&message["data"])))
                (parts::card("Message", parts::facts(&[
                    ("Id", html! { code { (text::member(message, "id")) } }),
                    ("Priority", text::member(message, "priority")),
                    ("Enqueued", show::time(&message["enqueuedAt"], view.now)),
                ])))
            }
        }
    };
    Ok(Page::new(sections::DEAD_LETTERS, what, body)
        .below_section()
        .beside(show::tag(letter["kind"].as_str().unwrap_or("letter"))))
}

fn facts<'a>(view: &View<'_>, letter: &Value) -> Vec<(&'a str, Markup)> {
    let origin = if letter["queue"].is_string() { "Queue" } else { "Subscription" };
    let mut facts = vec![(origin, list::from(letter))];
    if let Some(topic) = letter["topic"].as_str() {
        facts.push(("Topic", html! { a href={ "/events?topic=" (ask::encode(topic)) } { (text::text(topic)) } }));
    }
    facts.push(("Attempts", show::figure(&letter["attempts"])));
    facts.push(("Failed", show::time(&letter["failedAt"], view.now)));
    facts.push(("Id", html! { code { (text::member(letter, "id")) } }));
    facts
}

fn actions(view: &View<'_>, id: &str, what: &str) -> Markup {
    // Once it is done there is no such page any more.
    let act = |name, label| Action::new(view, name, label).with("id", id).with("then", "/dead-letters");
    parts::buttons(vec![
        act("dead-letter.redrive", "Redrive").main().render(),
        act("dead-letter.discard", "Discard")
            .asking(format!("Discard this dead letter of {what}? Nobody will have it."))
            .render(),
    ])
}
