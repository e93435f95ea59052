//! The document and the router know the same paths and methods, and what the document names is there.

use std::collections::BTreeSet;

use super::*;
use crate::admin::openapi::DOCUMENT;

/// A path with something that is not there in the place of each parameter.
fn filled(path: &str) -> String {
    let fill = |segment: &str| if segment.starts_with('{') { "none".to_owned() } else { segment.to_owned() };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

fn methods(item: &Value) -> BTreeSet<String> {
    let members = item.as_object().expect("an item is an object").keys();
    members.filter(|member| *member != "parameters").map(|method| method.to_uppercase()).collect()
}

/// Every reference in a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn each_path_takes_the_methods_that_are_told_and_no_others() {
    let api = Api::new();
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        let told = methods(item);
        // Whatever the path takes, it does not take this.
        let refused = api.ask(http::Method::PATCH, &filled(path), "application/json", "{}").await;
        assert_eq!(refused.status, 405, "{path}: {}", refused.text());
        let allowed = refused.headers["allow"].to_str().expect("text").split(", ").map(str::to_owned).collect();
        assert_eq!(told, allowed, "{path}");
    }
}

#[tokio::test]
async fn what_is_answered_has_a_status_that_is_told() {
    let api = Api::new();
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for method in methods(item) {
            if path == "/api/v1/watch" {
                continue;
            }
            let known = method.parse().expect("a method");
            let answered = api.ask(known, &filled(path), "application/json", "{}").await;
            let told = &item[method.to_lowercase()]["responses"][answered.status.to_string()];
            assert!(told.is_object(), "{method} {path}: {} {}", answered.status, answered.text());
        }
    }
}

/// The families of paths that the router knows, read from its own text.
#[test]
fn each_family_of_paths_is_told() {
    let router = include_str!("../api.rs");
    let families: BTreeSet<&str> =
        router.lines().filter_map(|line| line.trim().strip_prefix("[\"api\", \"v1\", \"")?.split('"').next()).collect();
    assert!(families.len() > 10, "{families:?}");
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    for family in families {
        let path = format!("/api/v1/{family}");
        assert!(paths.contains_key(&path), "{path} is not told of");
    }
}

#[test]
fn every_schema_that_is_named_is_there_and_every_one_that_is_there_is_named() {
    let mut named = BTreeSet::new();
    references(&DOCUMENT, &mut named);
    let there = DOCUMENT["components"]["schemas"].as_object().expect("schemas");
    let there: BTreeSet<String> = there.keys().map(|name| format!("#/components/schemas/{name}")).collect();
    assert_eq!(named, there);
}

#[test]
fn operations_have_names_of_their_own() {
    let mut seen = BTreeSet::new();
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for method in methods(item) {
            let id = item[method.to_lowercase()]["operationId"].as_str().expect("a name");
            assert!(seen.insert(id.to_owned()), "{method} {path}: {id} is there twice");
        }
    }
}

#[tokio::test]
async fn it_is_served() {
    let served = Api::new().get("/openapi.json").await.expect(200);
    assert_eq!((&served["openapi"], &served), (&"3.1.0".into(), &*DOCUMENT));
}
