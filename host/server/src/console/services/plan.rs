//! What actions on services and plugins do.

use serde_json::{Value, json};

use super::upstream;
use crate::console::{
    action::{Plan, Planned},
    ask::Call,
    failure::Failure,
    form::Form,
};

/// What the fields of weights begin with; the version follows.
pub(super) const WEIGHT: &str = "weight:";

/// What an action does.
pub(in crate::console) fn plan(subject: &str, verb: &str, form: &Form) -> Option<Planned> {
    match (subject, verb) {
        ("service", "register") => Some(upstream::register(form)),
        ("service", "deregister") => Some(upstream::deregister(form)),
        ("service", "traffic") => Some(traffic(form)),
        ("service", "main") => Some(main(form)),
        ("plugin", "rollback") => Some(rollback(form)),
        ("plugin", "remove") => Some(remove(form)),
        _ => None,
    }
}

/// Shares the calls of a service between its versions.
fn traffic(form: &Form) -> Planned {
    let name = form.need("service", "The service")?;
    let mut versions = Vec::new();
    for (field, value) in form.fields() {
        let Some(version) = field.strip_prefix(WEIGHT) else { continue };
        let weight: u32 = match value.trim() {
            "" => continue,
            value => value
                .parse()
                .map_err(|_| Failure::of_form(format!("The weight of {version} is '{value}', not a whole number.")))?,
        };
        versions.push(json!({"version": version, "weight": weight}));
    }
    let mut body = json!({ "versions": versions });
    if let (Some(version), Some(percent)) = (form.text("mirror"), form.number("percent", "The share of copies")?) {
        body["mirror"] = json!({"version": version, "percent": percent});
    }
    Ok(Plan::new(
        Call::put(&["services", &name, "traffic"]).json(&body),
        format!("The calls of {name} are shared as you said."),
    ))
}

/// Gives all calls back to the main version.
fn main(form: &Form) -> Planned {
    let name = form.need("service", "The service")?;
    Ok(Plan::new(Call::delete(&["services", &name, "traffic"]), format!("All calls of {name} go to its main version.")))
}

fn rollback(form: &Form) -> Planned {
    let name = form.need("name", "The plugin")?;
    let body = match form.text("digest") {
        Some(digest) => json!({ "digest": digest }),
        None => json!({}),
    };
    let said = {
        let name = name.clone();
        move |answer: &Value| match answer["version"].as_str() {
            Some(version) => format!("{name} is back at version {version}."),
            None => format!("{name} is rolled back."),
        }
    };
    Ok(Plan::new(Call::post(&["plugins", &name, "rollback"]).json(&body), "").saying(said))
}

fn remove(form: &Form) -> Planned {
    let name = form.need("name", "The plugin")?;
    Ok(Plan::new(Call::delete(&["plugins", &name]), format!("{name} is removed; calls under way are finished."))
        .to("/plugins"))
}
