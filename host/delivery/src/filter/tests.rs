//! What filters let through, and what they may not do.

use super::*;
use switchyard_core::{
    event::{Circumstances, Draft},
    timestamp::Timestamp,
};

fn event(data: &str) -> Event {
    let draft = Draft {
        topic: "order.created".to_owned(),
        subject: Some("o1".to_owned()),
        data: Some(data.as_bytes().to_vec().into()),
        ..Draft::default()
    };
    let circumstances = Circumstances {
        now: Timestamp(0),
        new_id: "e1".to_owned(),
        source: "/services/shop".to_owned(),
        cause: None,
        traceparent: None,
    };
    draft.complete(circumstances).unwrap()
}

#[track_caller]
fn check(filter: &str, expected: Result<bool, &str>) {
    let data = r#"{"amount": 120, "price": 9.5, "items": [{"n": 1}, {"n": 2}], "who": "ann"}"#;
    let answer = Filter::new(filter).unwrap().matches(&Facts::new(&event(data)));
    match (answer, expected) {
        (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{filter}"),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{filter}: {error}"),
        (answer, _) => unreachable!("{filter}: {answer:?}"),
    }
}

#[test]
fn envelope_and_data_can_be_asked() {
    check("data.amount > 100", Ok(true));
    check("data.amount > 100.5 && data.price < 10", Ok(true));
    check("data.amount == 120 && data.who in ['ann', 'bob']", Ok(true));
    check("type == 'order.created' && source.startsWith('/services/') && subject == 'o1' && id == 'e1'", Ok(true));
    check("event.type == type && event.specversion == '1.0' && time < '1971'", Ok(true));
    check("data.items.exists(i, i.n == 2) && !data.items.all(i, i.n > 1)", Ok(true));
    check("has(data.missing)", Ok(false));
    check("size(data.items.filter(i, i.n > 1)) == 1", Ok(true));
    check("data.items.exists(i, data.items.all(j, i.n >= j.n))", Ok(true));
}

#[test]
fn what_cannot_be_told_is_an_error_and_no_match() {
    check("data.missing == 1", Err("No such key"));
    check("data.amount", Err("not true or false"));
    check("data.who > 1", Err(""));
    let facts = Facts::new(&event("no json"));
    assert!(Filter::new("data.x == 1").unwrap().matches(&facts).is_err());
}

#[track_caller]
fn refused(filter: &str, expected: &str) {
    let error = Filter::new(filter).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn what_could_take_long_or_means_nothing_is_refused_when_declared() {
    refused("data.a ==", "cannot be read");
    refused("dta.a == 1", "names 'dta'");
    refused(&format!("'{}' == ''", "a".repeat(FILTER_MAX)), "over the limit");
    refused(&format!("{}1{} == 1", "(".repeat(100), ")".repeat(100)), "cannot be read");
    refused("data.all(x, x.all(y, y.all(z, z)))", "loops in loops");
    refused("data.map(x, x.map(y, y)) == []", "loops in loops");
    refused("data.all(x, x.filter(y, y) == [])", "loops in loops");
}

#[test]
fn looking_at_large_data_in_a_loop_ends_at_the_budget() {
    let data = format!("[{}]", vec!["\"abcdefgh\""; 90_000].join(","));
    let facts = Facts::new(&event(&data));
    let error = Filter::new("data.all(x, data.exists(y, y == 'z') || true)").unwrap().matches(&facts).unwrap_err();
    assert_eq!(error.to_string(), "the filter looks at too much");
    assert!(Filter::new("data.all(x, x == 'abcdefgh')").unwrap().matches(&facts).unwrap());
    let doubling = vec!["data"; 100].join("+");
    assert!(Filter::new(&format!("size({doubling}) > 0")).unwrap().matches(&facts).is_err());
}
