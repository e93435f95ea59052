//! The service on a host in memory.

use serde_json::{Value, json};
use switchyard_sdk::{Request, Response, testing};

fn call(method: &str, target: &str, body: &str) -> (u16, Value) {
    let response: Response = super::router().serve(Request::new(method, target).with_body(body));
    let json = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status(), json)
}

fn create(name: &str) -> Value {
    let (status, user) = call("POST", "/users", &json!({ "name": name, "email": "e@x" }).to_string());
    assert_eq!(status, 201);
    user
}

fn path(user: &Value) -> String {
    format!("/users/{}", user["id"].as_str().expect("an id"))
}

#[track_caller]
fn check_error(method: &str, target: &str, body: &str, status: u16, error: &str) {
    let (answered, problem) = call(method, target, body);
    assert_eq!((answered, &problem["error"]), (status, &json!(error)), "{method} {target} {body}");
}

#[test]
fn a_user_is_created_read_updated_and_deleted() {
    let made = create("Ann");
    let members: Vec<&String> = made.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["createdAt", "email", "id", "name"]);
    assert_eq!(call("GET", &path(&made), ""), (200, made.clone()));

    let (status, changed) = call("PUT", &path(&made), r#"{"name":"Bea","id":"x","createdAt":"y","age":7}"#);
    assert_eq!(status, 200);
    assert_eq!((&changed["id"], &changed["createdAt"]), (&made["id"], &made["createdAt"]));
    assert_eq!((&changed["name"], &changed["email"], &changed["age"]), (&json!("Bea"), &json!("e@x"), &json!(7)));
    assert!(changed["updatedAt"].is_string());
    assert_eq!(call("GET", &path(&made), ""), (200, changed));

    assert_eq!(call("DELETE", &path(&made), ""), (204, Value::Null));
    check_error("GET", &path(&made), "", 404, "User not found");
}

#[test]
fn every_change_is_told_and_nothing_else() {
    let user = create("Ann");
    call("PUT", &path(&user), r#"{"name":"Bea","age":7}"#);
    call("PUT", &path(&user), r#"{"name":""}"#);
    call("DELETE", &path(&user), "");
    call("DELETE", &path(&user), "");
    call("POST", "/users", "{}");
    let events = testing::published();
    let told: Vec<(&str, Value)> = events.iter().map(|event| (event.topic(), event.json().expect("JSON"))).collect();
    let id = user["id"].as_str();
    let data = |name: &str| json!({ "id": id, "name": name, "email": "e@x" });
    assert_eq!(told, [("user.created", data("Ann")), ("user.updated", data("Bea")), ("user.deleted", data("Bea"))]);
    assert!(events.iter().all(|event| event.key() == id && event.subject() == id));
}

#[test]
fn users_are_listed_oldest_first() {
    assert_eq!(call("GET", "/users", ""), (200, json!([])));
    let users: Vec<Value> = ["a", "b", "c", "d", "e"].map(create).into();
    assert_eq!(call("GET", "/users", ""), (200, Value::Array(users)));
}

#[test]
fn wrong_bodies_are_400() {
    let user = create("Ann");
    for body in ["", "{}", r#"{"name":"x"}"#, r#"{"name":"","email":"x"}"#, r#"{"name":5,"email":"x"}"#] {
        check_error("POST", "/users", body, 400, "Name and email are required");
    }
    for body in ["{", "null", "[]", "5", r#""x""#] {
        check_error("POST", "/users", body, 400, "Invalid JSON");
        check_error("PUT", &path(&user), body, 400, "Invalid JSON");
    }
    check_error("PUT", &path(&user), r#"{"email":null}"#, 400, "Name and email are required");
    assert_eq!(call("PUT", &path(&user), "").0, 200, "an empty body counts as {{}}");
    check_error("POST", "/users", &" ".repeat(65 * 1024), 413, "Payload too large");
}

#[test]
fn every_unknown_id_is_404() {
    for id in ["017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "1", "%00", "..%2Fuser", &"x".repeat(5000)] {
        for method in ["GET", "PUT", "DELETE"] {
            check_error(method, &format!("/users/{id}"), "{", 404, "User not found");
        }
    }
}

#[test]
fn a_wrong_method_is_405() {
    assert_eq!(call("PATCH", "/users", "").0, 405);
}
