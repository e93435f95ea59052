//! What an operator does with subscriptions.

use serde_json::{Value, json};

use super::path;
use crate::console::{
    action::{Plan, Planned},
    ask::Call,
    form::Form,
};

/// `subscription.VERB`.
pub(in crate::console) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    match verb {
        "pause" => Some(moved(form, "pause", "is paused: events wait in the log.")),
        "resume" => Some(moved(form, "resume", "goes on.")),
        "seek" => Some(seek(form)),
        "create" => Some(create(form)),
        "delete" => Some(delete(form)),
        _ => None,
    }
}

fn moved(form: &Form, how: &str, what: &str) -> Planned {
    let id = form.need("id", "The subscription")?;
    Ok(Plan::new(Call::post(&["subscriptions", &id, how]), format!("The subscription {id} {what}")))
}

fn seek(form: &Form) -> Planned {
    let id = form.need("id", "The subscription")?;
    let to = match form.text("place").as_deref() {
        Some(place @ ("first" | "latest")) => place.to_owned(),
        _ => form.need("to", "The sequence or time")?,
    };
    let call = Call::post(&["subscriptions", &id, "seek"]).json(&json!({"to": to}));
    Ok(Plan::new(call, format!("The subscription {id} is moved to {to}.")))
}

fn create(form: &Form) -> Planned {
    let mut new = json!({"topic": form.need("topic", "The topic")?});
    for name in ["url", "service", "name", "filter"] {
        if let Some(value) = form.text(name) {
            new[name] = value.into();
        }
    }
    if let Some(attempts) = form.number("maxAttempts", "Attempts")? {
        new["maxAttempts"] = attempts.into();
    }
    if let Some(priority) = form.text("priority") {
        let wrong =
            |_| crate::console::failure::Failure::of_form(format!("The priority is '{priority}', not a whole number."));
        new["priority"] = priority.parse::<i32>().map_err(wrong)?.into();
    }
    if let Some(start) = form.text("start") {
        new["start"] = start.into();
    }
    if form.is_on("once") {
        new["once"] = true.into();
    }
    let id = |answer: &Value| answer["id"].as_str().unwrap_or_default().to_owned();
    let plan = Plan::new(Call::post(&["subscriptions"]).json(&new), "The subscription is made.");
    Ok(plan.leading(move |answer| path(&id(answer))))
}

fn delete(form: &Form) -> Planned {
    let id = form.need("id", "The subscription")?;
    Ok(Plan::new(Call::delete(&["subscriptions", &id]), format!("The subscription {id} is ended."))
        .to("/subscriptions"))
}
