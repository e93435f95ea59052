//! One event of the log.

use maud::html;
use serde_json::Value;

use super::{chain, envelope, path, publish};
use crate::console::{
    failure::Failure,
    page::{Page, View},
    parts, sections, text,
};

pub(super) async fn page(view: &View<'_>, sequence: &str) -> Result<Page, Failure> {
    let number: u64 = sequence.parse().map_err(|_| Failure::no_such_page())?;
    let list = view.api.get(&["events"], &[("from", sequence), ("limit", "1")]).await?;
    let event = list["items"].as_array().and_then(|items| items.first()).filter(|event| event["sequence"] == number);
    let Some(event) = event else {
        let gone = "It was never there, or is kept no more: the log has gaps, and forgets.";
        return Err(Failure::new(http::StatusCode::NOT_FOUND, format!("There is no event {number}"), gone));
    };
    let correlation = text::plain(&event["correlationid"]);
    let from = number.saturating_sub(chain::BEFORE).max(1).to_string();
    let chain = chain::read(view, &correlation, Some(&from)).await?;
    let body = html! {
        div.columns {
            (parts::card("Payload", envelope::data(event)))
            (parts::card("Attributes", envelope::attributes(event, view)))
        }
        (parts::live("chain", parts::card_with(
            "Of the same correlation",
            html! { a href=(envelope::correlated(event)) { "On a page of its own" } },
            chain::tree(&chain, Some(number)),
        )))
        (parts::panel("again", "Publish one like this", publish::form(view, &like(event))))
        nav.pager aria-label="Neighbours" {
            @if number > 1 { a.button href={ "/events?from=" (number.saturating_sub(25).max(1)) } { "Around it in the log" } }
            a.button href=(path(number + 1)) { "Next event" }
        }
    };
    Ok(Page::new(sections::EVENTS, text::plain(&event["type"]), body)
        .below_section()
        .beside(html! { span.dim { "event " (number) } }))
}

/// What a form is filled in with.
fn like(event: &Value) -> publish::Filled {
    let data = match &event["data"] {
        Value::Null => String::new(),
        Value::String(text) if !publish::is_json(event) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    let member = |name: &str| text::plain(&event[name]);
    publish::Filled {
        topic: member("type"),
        subject: member("subject"),
        key: member("partitionkey"),
        is_text: !publish::is_json(event),
        data,
    }
}
