//! Routes: what forms become, and what rows say.

use serde_json::{Value, json};

use super::{list, plan};
use crate::console::form::Form;

#[track_caller]
fn check(verb: &str, fields: &str, body: &Value) {
    let planned = plan(verb, &Form::new(fields.as_bytes())).expect("it is known");
    let plan = planned.unwrap_or_else(|failure| panic!("{}", failure.line()));
    assert_eq!(plan.call().target(), "/api/v1/routes");
    assert_eq!(serde_json::from_slice::<Value>(&plan.call().body).unwrap(), *body);
}

#[test]
fn forms_become_routes() {
    check("add", "path=%2Fa%2F*&service=a", &json!({"path": "/a/*", "service": "a"}));
    check(
        "add",
        "path=%2Fa&service=a&methods=get%2C+post&host=h&stripPrefix=%2Fx&timeout=5s&auth=none",
        &json!({"path": "/a", "service": "a", "methods": ["GET", "POST"], "host": "h", "stripPrefix": "/x", "timeout": "5s", "auth": "none"}),
    );
    check("add-json", "route=%7B%22path%22%3A%22%2Fb%22%7D", &json!({"path": "/b"}));
    for (verb, fields) in [("add", "path=%2Fa"), ("add-json", "route=%5B%5D"), ("add-json", "route="), ("remove", "")] {
        assert!(plan(verb, &Form::new(fields.as_bytes())).expect("it is known").is_err(), "{verb} {fields}");
    }
}

#[test]
fn what_routes_say_is_text() {
    let hostile = "<script>alert(1)</script>";
    let route = json!({
        "path": hostile, "host": hostile, "methods": [hostile], "headers": {hostile: hostile, "x": true}, "service": null,
        "redirect": {"status": 308, "host": hostile, "scheme": "https", "path": hostile},
    });
    let split = json!({"path": "/a", "split": [{"service": hostile, "version": hostile, "weight": hostile}]});
    for shown in
        [list::requests(&route), list::destinations(&route), list::destinations(&split), list::requests(&Value::Null)]
    {
        let shown = shown.into_string();
        assert!(!shown.contains("<script"), "{shown}");
    }
    assert_eq!(
        list::destination(&json!({"redirect": {"status": 308, "scheme": "https", "host": "h", "prefix": "/p"}})),
        "308 to https://h/p"
    );
}
