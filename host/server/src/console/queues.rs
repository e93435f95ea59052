//! Queues: what waits in each, how long, and a form that enqueues.

mod detail;
mod list;

use maud::{Markup, html};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{
    action::{Plan, Planned},
    ask::{self, Call},
    charts,
    failure::Failure,
    form::Form,
    page::{Page, View},
    parts::{self, Action},
    show, text,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New {
    data: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedup_id: Option<String>,
}

/// The pages of this section.
///
/// # Errors
/// With why there is no page.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => list::page(view).await,
        [name] => detail::page(view, name).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// `queue.VERB`.
pub(super) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    (verb == "enqueue").then(|| enqueue(form))
}

fn enqueue(form: &Form) -> Planned {
    let queue = form.need("queue", "The queue")?;
    let missing = || Failure::of_form("The data is missing; null is data too.");
    let new = New {
        data: form.raw_json("data", "The data")?.ok_or_else(missing)?,
        priority: form.number("priority", "The priority")?,
        delay: form.text("delay"),
        dedup_id: form.text("dedupId"),
    };
    let plan = Plan::new(Call::post(&["queues", &queue, "messages"]).body_of(&new), "");
    let to = form.text("then");
    let said = move |answer: &Value| format!("A message is in {queue}: {}.", answer["id"].as_str().unwrap_or_default());
    let plan = plan.saying(said);
    Ok(match to {
        Some(path) => plan.to(path),
        None => plan,
    })
}

/// A form that enqueues, into this queue or into one that is typed.
fn form(view: &View<'_>, queue: Option<&str>) -> Markup {
    let action = Action::new(view, "queue.enqueue", "Enqueue");
    let action = match queue {
        Some(queue) => action.with("queue", queue),
        None => action,
    };
    let fields = html! {
        @if queue.is_none() { (parts::needed("queue", "Queue", "", "emails")) }
        (parts::number("priority", "Priority, 9 first", "0", 0, 9))
        (parts::input("delay", "Delay", "", "30s"))
        (parts::input("dedupId", "Deduplication id", "", "once a day"))
        (parts::area("data", "Data, any JSON", "", "{\"to\": \"ann@example.com\"}"))
    };
    html! { (action.fields(fields)) }
}

/// How full it is.
fn filled(queue: &Value) -> Markup {
    let (size, max) =
        (queue["currentSize"].as_f64().unwrap_or_default(), queue["maxSize"].as_f64().unwrap_or_default());
    let share = if max > 0.0 { size / max } else { 0.0 };
    let class = match share {
        share if share >= 0.9 => "bad",
        share if share >= 0.6 => "watch",
        _ => "plain",
    };
    charts::bar(&format!("{size} of {max}"), share, class)
}

/// A duration of the API, in its largest unit; a dash when there is none.
fn lasting(value: &Value) -> Markup {
    let duration = value.as_str().and_then(|text| text.parse::<switchyard_core::units::HumanDuration>().ok());
    match duration {
        Some(duration) => html! { (show::span(duration.0)) },
        None => text::dash(),
    }
}

/// The page of one.
fn path(name: &str) -> String {
    ask::path(&["queues", name])
}

#[cfg(test)]
mod tests;
