//! What forms of services become.

use serde_json::{Value, json};

use super::{list, plan, plugin, plugins, traffic};
use crate::console::{
    fixture::{HOSTILE, is_harmless},
    form::Form,
};

#[track_caller]
fn check(action: (&str, &str), fields: &str, target: &str, body: &Value) {
    let planned = plan(action.0, action.1, &Form::new(fields.as_bytes())).expect("it is known");
    let plan = planned.unwrap_or_else(|failure| panic!("{}", failure.line()));
    assert_eq!(format!("{} {}", plan.call().method, plan.call().target()), target);
    let sent: Value = serde_json::from_slice(&plan.call().body).unwrap_or_default();
    assert_eq!(sent, *body);
}

#[test]
fn forms_become_calls() {
    let versions = json!([{"version": "1.0.0", "weight": 9}, {"version": "2.0.0", "weight": 1}]);
    check(
        ("service", "traffic"),
        "service=a&weight%3A1.0.0=9&weight%3A2.0.0=1&weight%3A3.0.0=&mirror=2.0.0&percent=5",
        "PUT /api/v1/services/a/traffic",
        &json!({"versions": versions, "mirror": {"version": "2.0.0", "percent": 5}}),
    );
    check(("service", "main"), "service=a", "DELETE /api/v1/services/a/traffic", &Value::Null);
    check(
        ("service", "register"),
        "name=b&address=http%3A%2F%2Fh%3A1&tags=x%2C+y%2C&weight=2&ttl=",
        "POST /api/v1/services",
        &json!({"name": "b", "address": "http://h:1", "tags": ["x", "y"], "weight": 2}),
    );
    check(("service", "deregister"), "id=b-h-1", "DELETE /api/v1/services/b-h-1", &Value::Null);
    check(("plugin", "rollback"), "name=a&digest=abc", "POST /api/v1/plugins/a/rollback", &json!({"digest": "abc"}));
    check(("plugin", "rollback"), "name=a", "POST /api/v1/plugins/a/rollback", &json!({}));
    check(("plugin", "remove"), "name=a%402.0.0", "DELETE /api/v1/plugins/a%402.0.0", &Value::Null);
}

#[test]
fn what_is_missing_or_no_number_is_said() {
    for (action, fields, said) in [
        ("traffic", "service=a&weight%3A1.0.0=many", "The weight of 1.0.0 is 'many'"),
        ("traffic", "", "The service is missing"),
        ("register", "name=a", "The address is missing"),
    ] {
        let planned = plan("service", action, &Form::new(fields.as_bytes())).expect("it is known");
        let failure = planned.err().expect("it is wrong");
        assert!(failure.line().contains(said), "{}", failure.line());
    }
    assert!(plan("service", "other", &Form::new(b"")).is_none());
}

#[test]
fn what_services_and_plugins_say_of_themselves_is_text() {
    let service = json!({"name": HOSTILE, "version": HOSTILE, "description": HOSTILE, "tags": [HOSTILE], "status": HOSTILE,
        "metrics": {"requestCount": HOSTILE}, "instances": [{"status": "unhealthy", "source": HOSTILE}]});
    let plugin = json!({"name": HOSTILE, "service": HOSTILE, "version": HOSTILE, "digest": HOSTILE, "state": HOSTILE, "error": HOSTILE,
        "tier": HOSTILE, "staged": true, "refusedRoutes": [{"path": HOSTILE, "error": HOSTILE}], "routes": [{"path": HOSTILE, "methods": [HOSTILE]}],
        "subscriptions": [{"name": HOSTILE, "topic": HOSTILE}], "queues": [{"queue": HOSTILE}], "schedules": [{"name": HOSTILE, "cron": HOSTILE}],
        "commands": [HOSTILE, 3], "sagas": [{"name": HOSTILE}], "rollout": {"version": HOSTILE, "percent": HOSTILE}});
    let traffic = json!({"versions": [{"version": HOSTILE, "plugin": HOSTILE, "share": "x"}], "mirror": {"version": HOSTILE, "percent": HOSTILE},
        "rollout": {"to": HOSTILE, "from": HOSTILE}});
    for page in [
        list::all(&[service], &Value::Null, &Value::Null),
        plugins::all(std::slice::from_ref(&plugin)),
        plugin::asks(&plugin),
        plugin::rollout(&plugin),
        traffic::versions(&traffic),
    ] {
        is_harmless(&page.into_string());
    }
    // What lacks everything is a page, too.
    for nothing in [Value::Null, json!([]), json!({})] {
        _ = (
            list::all(std::slice::from_ref(&nothing), &nothing, &nothing),
            plugins::all(std::slice::from_ref(&nothing)),
            plugin::asks(&nothing),
        );
    }
}
