//! Upstreams: the form that registers one.

use maud::{Markup, Render, html};
use serde_json::json;

use crate::console::{
    action::{Plan, Planned},
    ask::{Call, path},
    form::Form,
    page::View,
    parts::{Action, input, needed},
};

/// The form; for this service, or for one that is to be named.
pub(super) fn form(view: &View<'_>, service: &str) -> Markup {
    Action::new(view, "service.register", "Register")
        .fields(html! {
            (needed("name", "Service", service, "billing"))
            (needed("address", "Address", "", "http://10.0.0.7:8080"))
            (input("health", "Health path", "", "/health"))
            (input("version", "Version", "", "1.0.0"))
            (input("tags", "Tags", "", "payments, eu"))
            (input("weight", "Weight", "", "1"))
            (input("ttl", "Time to live", "", "30s: kept without a heartbeat"))
            (input("id", "Id", "", "made of name, host and port"))
        })
        .render()
}

/// Registers what the form says.
pub(super) fn register(form: &Form) -> Planned {
    let (name, address) = (form.need("name", "The service")?, form.need("address", "The address")?);
    let mut body = json!({"name": name, "address": address});
    for member in ["health", "version", "ttl", "id"] {
        if let Some(text) = form.text(member) {
            body[member] = json!(text);
        }
    }
    if let Some(weight) = form.number("weight", "The weight")? {
        body["weight"] = json!(weight);
    }
    let tags = words(&form.raw("tags"));
    if !tags.is_empty() {
        body["tags"] = json!(tags);
    }
    let said = move |answer: &serde_json::Value| format!("{} is registered.", answer["id"].as_str().unwrap_or("It"));
    Ok(Plan::new(Call::post(&["services"]).json(&body), "").saying(said).to(path(&["services", &name])))
}

/// Takes one away.
pub(super) fn deregister(form: &Form) -> Planned {
    let id = form.need("id", "The id")?;
    Ok(Plan::new(Call::delete(&["services", &id]), format!("{id} is deregistered.")).to("/services"))
}

/// Words with commas between them.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
