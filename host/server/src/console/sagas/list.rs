//! All sagas, cut by where they stand; a form that starts one; and the definitions that there are.

use maud::{Markup, html};
use serde_json::Value;
use switchyard_core::timestamp::Timestamp;

use super::{badge, pipeline, shape::Shape, story::moment};
use crate::console::{
    ask,
    failure::Failure,
    page::{Page, View},
    parts::{self, Action, Row},
    sections, show,
    tabs::{Tab, tabs},
    text,
};

/// Sagas of one page.
const PAGE: &str = "50";

/// The command that declares and starts the first saga.
const COMMAND: &str = "curl -X POST http://127.0.0.1:3900/api/v1/sagas \\\n  -d '{\"sagaName\":\"process-order\",\"sagaId\":\"order-123\",\"data\":{}}'";

pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let asked: Vec<(&str, String)> =
        ["status", "name", "cursor"].into_iter().filter_map(|name| Some((name, view.asked(name)?))).collect();
    let mut query: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
    query.push(("limit", PAGE));
    let list = view.api.get(&["sagas"], &query).await?;
    let stats = view.api.get(&["sagas", "stats"], &[]).await.unwrap_or_default();
    let definitions = view.api.items(&["sagas", "definitions"]).await;
    let body = html! {
        (parts::live("sagas", html! {
            (cuts(view, &stats))
            @if !definitions.is_empty() { (names(view, &definitions)) }
            (table(view, &list, &definitions))
            (parts::pager(view, &list))
        }))
        @if !definitions.is_empty() { (parts::panel("start", "Start a saga", start(view, &definitions))) }
        (parts::live("definitions", parts::card("Definitions", pipeline::definitions(&definitions))))
    };
    Ok(Page::new(sections::SAGAS, "Sagas", body))
}

fn cuts(view: &View<'_>, stats: &Value) -> Markup {
    let count = |name: &str| stats[name].as_u64();
    let tab = |value, label, is_alarming| Tab { value, label, count: count(value), is_alarming };
    tabs(
        view,
        "status",
        "Sagas by status",
        &[
            Tab { value: "", label: "All", count: None, is_alarming: false },
            tab("running", "Running", false),
            tab("waiting", "Waiting", false),
            tab("compensating", "Compensating", false),
            tab("stuck", "Stuck", true),
            tab("failed", "Failed", false),
            tab("completed", "Completed", false),
        ],
    )
}

fn names(view: &View<'_>, definitions: &[Value]) -> Markup {
    let named = view.asked("name").unwrap_or_default();
    let mut options: Vec<(&str, &str)> = vec![("", "Any definition")];
    options.extend(definitions.iter().filter_map(|definition| definition["name"].as_str()).map(|name| (name, name)));
    if !options.iter().any(|(value, _)| *value == named) {
        options.push((&named, &named));
    }
    parts::filter(
        view,
        html! {
            @if let Some(status) = view.asked("status") { input type="hidden" name="status" value=(status); }
            (parts::choice("name", "Definition", &named, &options))
        },
    )
}

fn table(view: &View<'_>, list: &Value, definitions: &[Value]) -> Markup {
    let sagas = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if sagas.is_empty() {
        let (is_cut, is_more) = (!view.raw_query.is_empty(), list["next"].is_string());
        return match (is_cut, is_more) {
            (_, true) => parts::empty(
                "None so far",
                "The host looked through a part of the list; the next page has what follows.",
                None,
            ),
            (true, _) => parts::empty("No such saga", "No saga stands here now.", None),
            _ => parts::empty(
                "No sagas yet",
                "A saga is work over several services that ends done, or undone.",
                Some(COMMAND),
            ),
        };
    }
    let columns = ["Saga", "Definition", "Status", "At step", "Started", "#Took", ""];
    html! { div.card { (parts::table("Sagas", &columns, sagas.iter().map(|saga| row(view, saga, definitions)))) } }
}

fn row(view: &View<'_>, saga: &Value, definitions: &[Value]) -> Row {
    let (id, status) = (text::plain(&saga["sagaId"]), text::plain(&saga["status"]));
    let definition = definitions.iter().find(|definition| definition["name"] == saga["sagaName"]);
    let cells = vec![
        html! {
            a.strong href=(ask::path(&["sagas", &id])) { (text::text(&id)) }
            @if let Some(error) = saga["error"].as_str() { span.below.bad-text.clip title=(text::attribute(error)) { (text::text(error)) } }
        },
        text::member(saga, "sagaName"),
        badge(&status),
        step(saga, &status, definition),
        show::time(&saga["startedAt"], view.now),
        took(saga, view.now),
        html! {
            @if status == "stuck" {
                (Action::new(view, "saga.retry", "Retry").with("id", &*id).titled(format!("Retry {id}")))
            }
        },
    ];
    parts::row(id, cells)
}

/// The step that it is at: its name where its definition is known, else its index, which counts from 0 as in errors.
fn step(saga: &Value, status: &str, definition: Option<&Value>) -> Markup {
    let Some(at) = saga["currentStep"].as_u64().filter(|_| status != "completed") else { return text::dash() };
    match definition.map(Shape::of).as_ref().and_then(|shape| shape.name(at)) {
        Some(name) => text::text(name),
        None => html! { (at) },
    }
}

fn took(saga: &Value, now: Timestamp) -> Markup {
    match (moment(saga, "startedAt"), moment(saga, "endedAt")) {
        (Some(from), Some(to)) => html! { (show::span(to.since(from))) },
        (Some(from), None) => html! { span.dim { (show::span(now.since(from))) } },
        _ => text::dash(),
    }
}

fn start(view: &View<'_>, definitions: &[Value]) -> Markup {
    let names = definitions.iter().filter_map(|definition| definition["name"].as_str());
    let options: Vec<(&str, &str)> = names.map(|name| (name, name)).collect();
    let fields = html! {
        (parts::choice("name", "Definition", "", &options))
        (parts::input("id", "Saga id", "", "made by the host"))
        (parts::area("data", "Data, a JSON object", "", "{}"))
    };
    html! { (Action::new(view, "saga.start", "Start").fields(fields)) }
}
