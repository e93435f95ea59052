//! Dead letters: what could not be delivered, why, and what becomes of it.

mod detail;
mod list;

use serde_json::{Value, json};

use super::{
    action::{Plan, Planned},
    ask::{self, Call},
    failure::Failure,
    form::Form,
    page::{Page, View},
};

/// Where they come from: the members of the query that cut their list, with what people call them.
const CUTS: [(&str, &str); 3] = [("subscription", "Subscription"), ("topic", "Topic"), ("queue", "Queue")];

/// The pages of this section.
///
/// # Errors
/// With why there is no page.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => list::page(view).await,
        [id] => detail::page(view, id).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// `dead-letter.VERB`.
pub(super) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    match verb {
        "redrive" => Some(one(form, Call::post, &["redrive"], "The dead letter is delivered again.")),
        "discard" => Some(one(form, Call::delete, &[], "The dead letter is discarded.")),
        "redrive-many" => Some(many(form)),
        _ => None,
    }
}

fn one(form: &Form, call: fn(&[&str]) -> Call, how: &[&str], said: &str) -> Planned {
    let id = form.need("id", "The dead letter")?;
    let segments = [&["dead-letters", id.as_str()], how].concat();
    let plan = Plan::new(call(&segments), said);
    Ok(match form.text("then") {
        Some(path) => plan.to(path),
        None => plan,
    })
}

fn many(form: &Form) -> Planned {
    let mut body = json!({});
    for (name, _) in CUTS {
        if let Some(value) = form.text(name) {
            body[name] = value.into();
        }
    }
    for (name, label) in [("limit", "How many"), ("perSecond", "How many a second")] {
        if let Some(number) = form.number(name, label)? {
            body[name] = number.into();
        }
    }
    let said = |answer: &Value| match answer["redriving"].as_u64() {
        Some(1) => "1 dead letter is delivered again.".to_owned(),
        number => format!("{} dead letters are delivered again.", number.unwrap_or_default()),
    };
    Ok(Plan::new(Call::post(&["dead-letters", "redrive"]).json(&body), "").saying(said))
}

/// The page of one.
fn path(id: &str) -> String {
    ask::path(&["dead-letters", id])
}

#[cfg(test)]
mod tests;
