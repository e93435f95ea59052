//! Breakers: their states at a glance, and what an operator can force.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::{
    action::{Plan, Planned},
    ask::Call,
    charts,
    failure::Failure,
    form::Form,
    page::{Page, View},
    parts::{Action, buttons, card, card_with, empty, filter, input, live, pager, row, table, tile, tiles},
    sections,
    show::{Tone, badge, badge_as, count, figure, percent, time},
    text::{member, plain, text},
};

/// What the page lists first: what somebody should look at.
const ORDER: [&str; 5] = ["open", "half-open", "forced-open", "measuring", "forced-closed"];

/// `/breakers`.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    if !rest.is_empty() {
        return Err(Failure::no_such_page());
    }
    let cursor = view.asked("cursor").unwrap_or_default();
    let query: &[_] = if cursor.is_empty() { &[] } else { &[("cursor", cursor.as_str())] };
    let mut list = view.api.get(&["breakers"], query).await?;
    let mut breakers = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let searched = view.asked("q").unwrap_or_default();
    breakers
        .retain(|breaker| plain(&breaker["id"]).contains(&searched) || plain(&breaker["service"]).contains(&searched));
    breakers.sort_by_key(|breaker| (rank(breaker), plain(&breaker["id"])));
    let body = html! {
        (filter(view, html! { (input_q(&searched)) }))
        (live("breakers", html! {
            (summary(&breakers))
            @if breakers.is_empty() {
                (card("All breakers", empty("There is no breaker", "Each instance of a service that is called has one.", Some("switchyard ps"))))
            } @else {
                (card_with("All breakers", html! { "Figures count since each instance came." }, all(view, &breakers)))
            }
            (pager(view, &list))
        }))
    };
    Ok(Page::new(sections::BREAKERS, "Breakers", body))
}

/// What an action does.
pub(super) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    let done = match verb {
        "open" => "is forced open: it refuses all calls",
        "close" => "is forced closed: it lets all calls through",
        "measure" => "lets all calls through and only measures",
        "reset" => "is reset: it begins anew, closed",
        _ => return None,
    };
    let of = |id: String| Plan::new(Call::post(&["breakers", &id, verb]), format!("The breaker {id} {done}."));
    Some(form.need("id", "The breaker").map(of))
}

/// The state of a breaker, as a badge.
pub(super) fn state(breaker: &Value) -> Markup {
    badge(&plain(&breaker["state"]))
}

/// The buttons of a breaker: those that would change something.
pub(super) fn operate(view: &View<'_>, breaker: &Value) -> Markup {
    let (id, state) = (plain(&breaker["id"]), plain(&breaker["state"]));
    let button = |name, label: &'static str| {
        Action::new(view, name, label).with("id", id.clone()).titled(format!("{label} {id}"))
    };
    let mut shown = Vec::new();
    if state != "forced-open" {
        let question = format!("Force {id} open? All its calls are refused until it is reset.");
        shown.push(button("breaker.open", "Open").asking(question).render());
    }
    if state != "forced-closed" {
        shown.push(button("breaker.close", "Close").render());
    }
    if state != "measuring" {
        shown.push(button("breaker.measure", "Measure").render());
    }
    if state != "closed" {
        shown.push(button("breaker.reset", "Reset").render());
    }
    buttons(shown)
}

/// The share of the calls that failed, of those that were let through; timeouts are among the failures.
fn failure_rate(metrics: &Value) -> f64 {
    let figure = |name: &str| metrics[name].as_f64().unwrap_or_default();
    let made = figure("requests") - figure("rejected");
    if made > 0.0 { figure("failures") / made } else { 0.0 }
}

fn input_q(searched: &str) -> Markup {
    input("q", "Breaker or service", searched, "orders")
}

fn rank(breaker: &Value) -> usize {
    let state = plain(&breaker["state"]);
    ORDER.iter().position(|first| *first == state).unwrap_or(ORDER.len())
}

fn summary(breakers: &[Value]) -> Markup {
    let of =
        |states: &[&str]| breakers.iter().filter(|breaker| states.contains(&plain(&breaker["state"]).as_str())).count();
    let one = |label, states: &[&str], tone: Tone, note: &str| {
        let number = of(states);
        let badge = if number == 0 { badge_as(Tone::Plain, "none") } else { badge_as(tone, note) };
        tile(label, html! { (count(number as u64)) }, badge, html! {})
    };
    tiles(&[
        one("Closed", &["closed"], Tone::Good, "calls go through"),
        one("Open", &["open"], Tone::Bad, "calls are refused"),
        one("Half-open", &["half-open"], Tone::Watch, "trying again"),
        one("Forced", &["forced-open", "forced-closed", "measuring"], Tone::Forced, "by an operator"),
    ])
}

pub(super) fn all(view: &View<'_>, breakers: &[Value]) -> Markup {
    let columns = ["Breaker", "State", "#Requests", "#Failed", "#Timed out", "#Rejected", "Failure rate", ""];
    table("Breakers", &columns, breakers.iter().map(|breaker| {
        let (metrics, id) = (&breaker["metrics"], plain(&breaker["id"]));
        let rate = failure_rate(metrics);
        let service = plain(&breaker["service"]);
        let next = &breaker["nextAttempt"];
        row(id.clone(), [
            html! { span.strong { (text(&id)) } a.below href=(super::ask::path(&["services", &service])) { "service " (text(&service)) } },
            html! { (state(breaker)) @if next.is_string() { span.below { "tries again " (time(next, view.now)) } } },
            figure(&metrics["requests"]),
            figure(&metrics["failures"]),
            figure(&metrics["timeouts"]),
            figure(&metrics["rejected"]),
            html! { (percent(rate)) (charts::bar("Failure rate", rate, if rate >= 0.5 { "bad" } else { "watch" }))
                @if breaker["failureCount"].as_u64() > Some(0) { span.below { (member(breaker, "failureCount")) " in a row" } } },
            operate(view, breaker),
        ])
    }))
}
