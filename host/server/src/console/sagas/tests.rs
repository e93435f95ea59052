//! Pages of sagas, of data that would be markup.

use serde_json::{Value, json};
use switchyard_core::timestamp::Timestamp;

use super::{history, pipeline, plan, shape::Shape, timeline};
use crate::{
    admin::tests::Api,
    console::{
        fixture::{HOSTILE, asked, is_harmless},
        form::Form,
    },
};

fn saga() -> Value {
    let run = |command: &str, status: &str| json!({"command": command, "status": status, "attempts": 2, "round": 1, "error": HOSTILE});
    let mut step = run(HOSTILE, "failed");
    step["index"] = 0.into();
    step["name"] = HOSTILE.into();
    step["result"] = json!({HOSTILE: [HOSTILE]});
    step["compensation"] = run(HOSTILE, HOSTILE);
    json!({"sagaId": "s", "sagaName": HOSTILE, "status": "stuck", "startedAt": Timestamp(0), "steps": [step]})
}

fn lines() -> Vec<Value> {
    let attempt = |at: u64, event: &str| {
        json!({"at": Timestamp(at), "event": event, "step": 0, "name": HOSTILE, "command": HOSTILE, "attempt": 1,
            "direction": "forward", "detail": HOSTILE, "kind": HOSTILE, "reason": HOSTILE, "sequence": at})
    };
    vec![attempt(0, "intended"), attempt(10, "failed"), attempt(20, "stuck"), attempt(30, HOSTILE)]
}

#[test]
fn a_timeline_and_a_journal_show_what_participants_say_as_text() {
    let drawn = timeline::timeline(&saga(), &lines(), None, Timestamp(40)).into_string();
    is_harmless(&drawn);
    assert!(drawn.contains("tl-bar failed"), "{drawn}");
    is_harmless(&history::journal(&saga(), &lines(), true).into_string());
}

#[test]
fn a_timeline_of_nothing_is_drawn() {
    let drawn = timeline::timeline(&json!({}), &[], None, Timestamp(0)).into_string();
    assert!(!drawn.contains("NaN"), "{drawn}");
}

#[test]
fn steps_of_a_group_are_marked_on_the_timeline() {
    let step = |index: u64| json!({"index": index, "name": "n", "status": "pending"});
    let shape = Shape::of(
        &json!({"steps": [{"parallel": [{"command": "a"}, {"command": "b"}]}, {"command": "c", "pivot": true}]}),
    );
    let saga = json!({"steps": [step(0), step(1), step(2)]});
    let drawn = timeline::timeline(&saga, &[], Some(&shape), Timestamp(0)).into_string();
    assert_eq!((drawn.matches("tl-row tl-group").count(), drawn.matches("tl-row pivot").count()), (2, 1), "{drawn}");
}

#[test]
fn definitions_show_names_as_text() {
    let step = json!({"command": HOSTILE, "compensation": HOSTILE, "via": HOSTILE, "name": HOSTILE});
    let definition = json!({"name": HOSTILE, "service": HOSTILE, "digest": HOSTILE, "steps": [
        step, {"parallel": [step]}, {"wait": {"signal": HOSTILE, "timeout": HOSTILE}}, {"wait": {"timer": HOSTILE}}, 7
    ]});
    is_harmless(&pipeline::definitions(&[definition]).into_string());
}

#[test]
fn data_reaches_the_api_as_it_was_typed() {
    let plan = |verb: &str, form: &str| plan(verb, &Form::new(form.as_bytes())).expect("it is an action");
    let started = plan("start", "name=book&id=&data=%7B%22n%22%3A123456789012345678901%7D").expect("it holds");
    assert_eq!(started.call().target(), "/api/v1/sagas");
    assert_eq!(started.call().body, r#"{"sagaName":"book","data":{"n":123456789012345678901}}"#);
    let (target, body) = asked(&plan("signal", "id=a%2Fb&name=go&data=").expect("it holds"));
    assert_eq!((target.as_str(), body), ("POST /api/v1/sagas/a%2Fb/signal", json!({"name": "go"})));
    assert_eq!(asked(&plan("retry", "id=s").expect("it holds")).1, json!({}));
    assert_eq!(asked(&plan("cancel", "id=s").expect("it holds")).0, "POST /api/v1/sagas/s/cancel");
    assert!(plan("retry", "id=s&data=%7B").is_err_and(|failure| failure.detail.contains("not JSON")));
    assert!(plan("start", "data=1").is_err());
}

#[tokio::test]
async fn the_list_says_what_a_saga_is_while_there_is_none() {
    let page = Api::new().get("/sagas?status=stuck").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("No such saga"), "{}", page.text());
    assert_eq!(Api::new().get("/sagas/none").await.status, 404);
}
