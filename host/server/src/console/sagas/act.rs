//! What an operator does with sagas.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::console::{
    action::{Plan, Planned},
    ask::{self, Call},
    failure::Failure,
    form::Form,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    saga_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    saga_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Signal<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Retry {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

/// `saga.VERB`.
pub(in crate::console) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    match verb {
        "start" => Some(start(form)),
        "retry" => Some(retry(form)),
        "signal" => Some(signal(form)),
        "cancel" => Some(moved(form, "cancel", "is being cancelled: what it has done is undone.")),
        "compensate" => Some(moved(form, "compensate", "is being undone.")),
        _ => None,
    }
}

fn start(form: &Form) -> Planned {
    let name = form.need("name", "The definition")?;
    let start = Start { saga_name: &name, saga_id: form.text("id"), data: form.raw_json("data", "The data")? };
    let id = |answer: &serde_json::Value| answer["sagaId"].as_str().unwrap_or_default().to_owned();
    let said = move |answer: &serde_json::Value| match answer["existing"].as_bool() {
        Some(true) => format!("The saga {} was there already.", id(answer)),
        _ => format!("The saga {} is started.", id(answer)),
    };
    Ok(Plan::new(Call::post(&["sagas"]).body_of(&start), "")
        .saying(said)
        .leading(move |answer| ask::path(&["sagas", &id(answer)])))
}

fn retry(form: &Form) -> Planned {
    let (id, data) = (form.need("id", "The saga")?, form.raw_json("data", "The data")?);
    let how = if data.is_some() { "with other data" } else { "from where it was stuck" };
    Ok(Plan::new(
        Call::post(&["sagas", &id, "retry"]).body_of(&Retry { data }),
        format!("The saga {id} goes on {how}."),
    ))
}

fn signal(form: &Form) -> Planned {
    let (id, name) = (form.need("id", "The saga")?, form.need("name", "The name of the signal")?);
    let signal = Signal { name: &name, data: form.raw_json("data", "The data")? };
    let said = format!("The saga {id} has the signal {name}.");
    Ok(Plan::new(Call::post(&["sagas", &id, "signal"]).body_of(&signal), said))
}

fn moved(form: &Form, how: &str, what: &str) -> Result<Plan, Failure> {
    let id = form.need("id", "The saga")?;
    Ok(Plan::new(Call::post(&["sagas", &id, how]), format!("The saga {id} {what}")))
}
