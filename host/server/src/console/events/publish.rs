//! A form that publishes an event.

use maud::{Markup, html};
use serde_json::{Value, json};
use switchyard_core::event::binding;

use super::{pages, path};
use crate::console::{
    action::{Plan, Planned},
    ask::Call,
    form::Form,
    page::{Page, View},
    parts::{self, Action},
    sections,
};

/// What a form is filled in with.
#[derive(Clone, Debug, Default)]
pub(super) struct Filled {
    pub(super) topic: String,
    pub(super) subject: String,
    pub(super) key: String,
    /// Whether its data is text, and not JSON.
    pub(super) is_text: bool,
    pub(super) data: String,
}

pub(super) fn page(view: &View<'_>) -> Page {
    let filled = Filled { topic: view.asked("topic").unwrap_or_default(), ..Filled::default() };
    let body = html! {
        (pages(view))
        (parts::card("Publish an event", html! {
            p { "It is durable when this says so. Source, id, time and correlation are filled in by the host." }
            (form(view, &filled))
        }))
    };
    Page::new(sections::EVENTS, "Publish", body).below_section()
}

/// Whether the payload of an event is JSON.
pub(super) fn is_json(event: &Value) -> bool {
    let media = event["datacontenttype"].as_str().unwrap_or("application/json");
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media.ends_with("/json") || media.ends_with("+json")
}

pub(super) fn form(view: &View<'_>, filled: &Filled) -> Markup {
    let kind = if filled.is_text { "text" } else { "json" };
    let fields = html! {
        (parts::needed("topic", "Topic", &filled.topic, "order.created"))
        (parts::input("subject", "Subject", &filled.subject, "what it is about"))
        (parts::input("key", "Partition key", &filled.key, "keeps the order of its events"))
        (parts::choice("kind", "Data is", kind, &[("json", "JSON"), ("text", "Text")]))
        (parts::area("data", "Data", &filled.data, "{\"orderId\": \"17\"}"))
    };
    html! { (Action::new(view, "event.publish", "Publish").fields(fields)) }
}

/// `event.VERB`.
pub(in crate::console) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    (verb == "publish").then(|| publish(form))
}

fn publish(form: &Form) -> Planned {
    let topic = form.need("topic", "The topic")?;
    let mut event = json!({"specversion": "1.0", "type": topic});
    for (field, attribute) in [("subject", "subject"), ("key", "partitionkey")] {
        if let Some(value) = form.text(field) {
            event[attribute] = value.into();
        }
    }
    if form.text("kind").as_deref() == Some("text") {
        event["datacontenttype"] = "text/plain".into();
        event["data"] = form.raw("data").into();
    } else if let Some(data) = form.json("data", "The data")? {
        event["data"] = data;
    }
    let sequence = |answer: &Value| answer["sequence"].as_u64().unwrap_or_default();
    let said = move |answer: &Value| format!("{topic} is published, as event {}.", sequence(answer));
    let call = Call::post(&["events"]).bytes(binding::STRUCTURED, event.to_string());
    Ok(Plan::new(call, "").saying(said).leading(move |answer| path(sequence(answer))))
}
