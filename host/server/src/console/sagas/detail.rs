//! One saga: its timeline, its data, its journal, and what may be done about it.

use maud::{Markup, html};
use serde_json::Value;

use super::{badge, history, shape::Shape, story::moment, timeline};
use crate::console::{
    ask,
    failure::Failure,
    page::{Page, View},
    parts::{self, Action},
    sections, show,
    strip::strip,
    text,
};

/// The lines of a journal that a page shows, and its timeline is drawn from.
const LINES: &str = "1000";

pub(super) async fn page(view: &View<'_>, id: &str) -> Result<Page, Failure> {
    let saga = view.api.get(&["sagas", id], &[]).await?;
    let journal = view.api.get(&["sagas", id, "history"], &[("limit", LINES)]).await.unwrap_or_default();
    let lines = journal["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let definitions = view.api.items(&["sagas", "definitions"]).await;
    let shape = definitions.iter().find(|definition| definition["digest"] == saga["definition"]).map(Shape::of);
    let status = text::plain(&saga["status"]);
    let body = html! {
        (parts::live("saga", html! {
            @if let Some(error) = saga["error"].as_str() { (parts::trouble(verdict(&status), error)) }
            (about(view, &saga, shape.is_some()))
        }))
        (parts::live("saga-actions", actions(view, id, &saga, shape.as_ref())))
        (parts::live("saga-timeline", parts::card("Timeline", timeline::timeline(&saga, lines, shape.as_ref(), view.now))))
        (parts::live("saga-data", parts::card("Data", text::json(&saga["data"]))))
        (parts::live("saga-journal", history::journal(&saga, lines, journal["next"].is_string())))
    };
    let is_open = matches!(&*status, "running" | "waiting" | "compensating");
    let state = html! { (parts::live("saga-state", badge(&status))) };
    Ok(Page::new(sections::SAGAS, id, body).below_section().beside(state).every(if is_open { 2 } else { 10 }))
}

/// What an error means for a saga that stands there.
fn verdict(status: &str) -> &'static str {
    match status {
        "stuck" => "It is stuck, and waits for you",
        "failed" => "It failed, and all that it had done is undone",
        "compensating" => "It turned back, and is being undone",
        _ => "Something went wrong on its way",
    }
}

fn about(view: &View<'_>, saga: &Value, is_current: bool) -> Markup {
    let (started, ended) = (moment(saga, "startedAt"), moment(saga, "endedAt"));
    let correlation = text::plain(&saga["correlationId"]);
    let mut facts = vec![
        (
            "Definition",
            html! {
                (text::member(saga, "sagaName")) " " (show::digest(&saga["definition"]))
                @if !is_current { " " (show::tag("no longer declared")) }
            },
        ),
        ("Started", show::time(&saga["startedAt"], view.now)),
    ];
    if let (Some(started), ended) = (started, ended) {
        let took = show::span(ended.unwrap_or(view.now).since(started));
        facts.push((if ended.is_some() { "Took" } else { "Since then" }, html! { (took) }));
    }
    if !correlation.is_empty() {
        let since = text::plain(&saga["startedAt"]);
        let link = format!("/events?correlation={}&from={}", ask::encode(&correlation), ask::encode(&since));
        facts.push(("Correlation", html! { a href=(link) { (text::text(&correlation)) } }));
    }
    if saga["lateAnswers"].as_u64().is_some_and(|late| late > 0) {
        facts.push(("Late answers", show::figure(&saga["lateAnswers"])));
    }
    strip(&facts)
}

fn actions(view: &View<'_>, id: &str, saga: &Value, shape: Option<&Shape>) -> Markup {
    let act = |name, label| Action::new(view, name, label).with("id", id);
    match saga["status"].as_str().unwrap_or_default() {
        "stuck" => html! {
            (parts::buttons(vec![
                html! { (act("saga.retry", "Retry").main()) },
                html! { (act("saga.compensate", "Undo").asking(format!("Undo what the saga {id} has done?"))) },
            ]))
            (parts::panel("retry-with", "Retry with other data", html! {
                (act("saga.retry", "Retry with this data").fields(parts::area("data", "Data, a JSON object", &pretty(&saga["data"]), "{}")))
            }))
        },
        "running" | "waiting" => html! {
            (parts::buttons(vec![html! {
                (act("saga.cancel", "Cancel").asking(format!("Cancel the saga {id}? What it has done is undone.")))
            }]))
            @if let Some((signal, waits)) = awaited(saga, shape) {
                @let title = if waits { format!("Send the signal that it waits for: {signal}") } else { "Send a signal".to_owned() };
                (parts::panel("signal", &title, html! {
                    (act("saga.signal", "Send").fields(html! {
                        (parts::needed("name", "Signal", signal, "approved"))
                        (parts::area("data", "Data, any JSON", "", "null"))
                    }))
                }))
            }
        },
        _ => html! {},
    }
}

/// The signal that a step waits for, or will; and whether it does so now.
fn awaited<'a>(saga: &'a Value, shape: Option<&'a Shape>) -> Option<(&'a str, bool)> {
    let steps = saga["steps"].as_array()?;
    // Without its definition, a step that waits still tells by its name, unless it was given one.
    let named = |step: &'a Value| step["name"].as_str()?.strip_prefix("signal ");
    let signal = |step: &'a Value| match shape {
        Some(shape) => shape.signal(step["index"].as_u64()?),
        None => named(step).filter(|_| step["command"].is_null()),
    };
    let first = |status: &str| steps.iter().filter(|step| step["status"] == status).find_map(signal);
    first("waiting").map(|name| (name, true)).or_else(|| first("pending").map(|name| (name, false)))
}

fn pretty(data: &Value) -> String {
    serde_json::to_string_pretty(data).unwrap_or_default()
}
