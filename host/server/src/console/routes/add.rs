//! Forms that add routes.

use maud::{Markup, Render, html};
use serde_json::{Value, json};

use crate::console::{
    action::{Plan, Planned},
    ask::Call,
    failure::Failure,
    form::Form,
    page::View,
    parts::{Action, area, choice, input, needed, panel},
};

/// What a route can ask of who calls.
const AUTH: [(&str, &str); 4] =
    [("", "as the gateway"), ("none", "none"), ("required", "required"), ("optional", "optional")];

/// The forms: one for what most routes are, one for all that a route can be.
pub(super) fn panels(view: &View<'_>) -> Markup {
    let form = Action::new(view, "route.add", "Add the route").fields(html! {
        (needed("path", "Path", "", "/shop/*"))
        (needed("service", "Service", "", "shop"))
        (input("methods", "Methods", "", "all; or GET, POST"))
        (input("host", "Host", "", "any"))
        (input("stripPrefix", "Cut off the front", "", "/shop"))
        (input("timeout", "Timeout", "", "as the gateway; or 5s"))
        (choice("auth", "Who may call", "", &AUTH))
    });
    let json = Action::new(view, "route.add-json", "Add the route").fields(area(
        "route",
        "Route as JSON",
        "",
        "{\"path\": \"/shop/*\", \"split\": [{\"service\": \"shop\", \"weight\": 9}, {\"service\": \"shop-next\", \"weight\": 1}]}",
    ));
    html! {
        (panel("add", "Add a route", html! { p.hint { "It wins over routes of the configuration and of plugins, and stays over restarts." } (form.render()) }))
        (panel("add-json", "Add a route with a split, a redirect, a mirror or limits", json.render()))
    }
}

/// What the form says.
pub(super) fn add(form: &Form) -> Planned {
    let mut body = json!({"path": form.need("path", "The path")?, "service": form.need("service", "The service")?});
    for member in ["host", "stripPrefix", "timeout", "auth"] {
        if let Some(text) = form.text(member) {
            body[member] = json!(text);
        }
    }
    let methods: Vec<_> = form
        .raw("methods")
        .split([',', ' '])
        .filter(|method| !method.is_empty())
        .map(str::to_ascii_uppercase)
        .collect();
    if !methods.is_empty() {
        body["methods"] = json!(methods);
    }
    Ok(adding(&body))
}

/// What is typed as JSON.
pub(super) fn add_json(form: &Form) -> Planned {
    match form.json("route", "The route")? {
        Some(body @ Value::Object(_)) => Ok(adding(&body)),
        _ => Err(Failure::of_form("The route is not a JSON object.")),
    }
}

fn adding(body: &Value) -> Plan {
    let path = body["path"].as_str().unwrap_or("The route").to_owned();
    Plan::new(Call::post(&["routes"]).json(body), format!("{path} is in force."))
}
