use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::{IntoResponse, Router};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only what is refused counts")]
struct Order {
    items: Vec<Item>,
    kind: Option<Kind>,
    #[serde(default)]
    notes: BTreeMap<String, u8>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only what is refused counts")]
struct Item {
    product: String,
    quantity: u32,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Gift,
    Sample,
}

/// What is wrong with a body: the detail, and the entry of `errors`.
#[track_caller]
fn wrong<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (String, Value) {
    let error = from_json::<T>(body.as_bytes()).expect_err(body);
    let problem: Value = error.into_response().body_json().expect("JSON");
    assert_eq!(problem["status"], 400);
    (problem["detail"].as_str().expect("text").to_owned(), problem["errors"][0].clone())
}

#[track_caller]
fn check(body: &str, pointer: &str, detail: &str) {
    let (told, entry) = wrong::<Order>(body);
    assert_eq!((told.as_str(), &entry["pointer"]), (detail, &json!(pointer)), "{body}");
}

#[test]
fn a_wrong_member_is_named_with_what_was_expected_and_what_came() {
    check("[]", "#", "expected an object, got a list of 0");
    check("7", "#", "expected an object, got 7");
    check("null", "#", "expected an object, got null");
    check("{}", "#/items", "items: expected a value, got nothing");
    check(r#"{"items":{}}"#, "#/items", "items: expected a list, got an object");
    check(r#"{"items":[7]}"#, "#/items/0", "items[0]: expected an object, got 7");
    let whole = "expected a whole number from 0 to 4294967295";
    for (quantity, got) in [("-1", "-1"), ("1.5", "1.5"), ("true", "true"), (r#""2""#, r#""2""#), ("[]", "a list")] {
        let body = format!(r#"{{"items":[{{"product":"a","quantity":1}},{{"product":"b","quantity":{quantity}}}]}}"#);
        check(&body, "#/items/1/quantity", &format!("items[1].quantity: {whole}, got {got}"));
    }
    check(r#"{"items":[{"product":"a"}]}"#, "#/items/0/quantity", "items[0].quantity: expected a value, got nothing");
    let known = "expected one of items, kind, notes";
    check(r#"{"items":[],"itms":[]}"#, "#/itms", &format!(r#"itms: {known}, got "itms""#));
    check(
        r#"{"items":[],"notes":{"a/b~ c":300}}"#,
        "#/notes/a~1b~0%20c",
        "notes.a/b~ c: expected a whole number from 0 to 255, got 300",
    );
}

#[test]
fn an_unknown_variant_is_told_with_those_that_there_are() {
    let (told, entry) = wrong::<Order>(r#"{"items":[],"kind":"loan"}"#);
    assert!(
        told.ends_with(r#"expected one of gift, sample, got "loan""#)
            || told.ends_with(r#"expected gift or sample, got "loan""#),
        "{told}"
    );
    assert_eq!(entry["got"], r#""loan""#);
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    for (body, detail) in [
        ("", "the body is empty"),
        ("{", "the body is no JSON: EOF while parsing an object at line 1 column 1"),
        ("nonsense", "the body is no JSON: expected ident at line 1 column 2"),
        ("{} x", "the body is no JSON: trailing characters at line 1 column 4"),
    ] {
        let error = from_json::<BTreeMap<String, Value>>(body.as_bytes()).expect_err(body);
        assert_eq!((error.status(), error.message()), (400, "Invalid JSON"));
        assert_eq!(error.to_string(), format!("400: Invalid JSON: {detail}"));
    }
}

#[test]
fn what_came_is_sent_back_in_part_only() {
    let (told, _) = wrong::<u32>(&json!("x".repeat(100_000)).to_string());
    assert!(told.len() < 400 && told.ends_with("…\""), "{told}");
    let (told, _) = wrong::<Order>(&format!(r#"{{"items":[],"{}":1}}"#, "x".repeat(100_000)));
    assert!(told.len() < 1_000, "{told}");
}

#[test]
fn a_query_is_read_into_numbers_lists_and_options() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wanted {
        from: Option<u64>,
        #[serde(default)]
        tag: Vec<String>,
        kind: Option<Kind>,
        exact: Option<bool>,
        ratio: Option<f32>,
    }
    let read =
        |query: &str| Query::<Wanted>::from_request(&Request::get(&format!("/{query}"))).map(|Query(wanted)| wanted);
    let none = Wanted { from: None, tag: Vec::new(), kind: None, exact: None, ratio: None };
    assert_eq!(read(""), Ok(none));
    let all = Wanted {
        from: Some(7),
        tag: vec!["a b".to_owned(), "c".to_owned()],
        kind: Some(Kind::Gift),
        exact: Some(true),
        ratio: Some(0.5),
    };
    assert_eq!(read("?from=7&tag=a+b&other=x&tag=c&kind=gift&exact=true&ratio=0.5"), Ok(all));
    for (query, parameter) in [("?from=x", "from"), ("?exact=yes", "exact"), ("?kind=loan", "kind"), ("?from=", "from")]
    {
        let problem: Value = read(query).expect_err(query).into_response().body_json().expect("JSON");
        assert_eq!(
            (&problem["error"], &problem["errors"][0]["parameter"]),
            (&json!("Invalid query"), &json!(parameter))
        );
    }
    let map = Query::<BTreeMap<String, String>>::from_request(&Request::get("/?a=1&b=2")).expect("a map");
    assert_eq!(
        map.0.into_iter().collect::<Vec<_>>(),
        [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]
    );
}

#[test]
fn a_path_is_read_into_one_value_a_tuple_or_a_struct() {
    #[derive(Deserialize)]
    struct At {
        item: u32,
        part: String,
    }
    #[derive(Deserialize)]
    struct Id(u32);
    let router = Router::new()
        .get("/struct/{item}/{part}", |Path(at): Path<At>| format!("{} {}", at.item, at.part))
        .get("/tuple/{item}/{part}", |Path((item, part)): Path<(u32, String)>| format!("{item} {part}"))
        .get("/newtype/{id}", |Path(Id(id)): Path<Id>| format!("{id}"))
        .get("/text/{id}", |Path(id): Path<String>| id)
        .get("/too/{few}", |Path(at): Path<At>| at.part);
    let answer = |target| {
        let response = router.serve(Request::get(target));
        (response.status(), String::from_utf8_lossy(response.body()).into_owned())
    };
    for target in ["/struct/7/x%20y", "/tuple/7/x%20y"] {
        assert_eq!(answer(target), (200, "7 x y".to_owned()));
    }
    assert_eq!((answer("/newtype/7").1, answer("/text/7").1), ("7".to_owned(), "7".to_owned()));
    for target in ["/struct/x/y", "/tuple/x/y", "/newtype/x"] {
        let problem: Value = router.serve(Request::get(target)).body_json().expect("JSON");
        let name = if target == "/newtype/x" { "id" } else { "item" };
        assert_eq!((&problem["error"], &problem["errors"][0]["parameter"]), (&json!("Invalid path"), &json!(name)));
    }
    assert_eq!(answer("/too/1").0, 500, "it is the service that is wrong");
}
