use super::{
    codec::{decode_event, decode_saga, definition_of, encode_event, encode_saga},
    *,
};

fn turned_back() -> Play {
    let mut play = Play::new(order(), json!({"orderId": "1"}));
    play.answer(0, done(json!({"reservation": "r1"})));
    play.pass(500);
    play.answer(1, later());
    play.pass(1_000);
    play.answer(1, reject());
    play
}

#[test]
fn a_saga_is_shown_with_its_steps() {
    let play = turned_back();
    let view = serde_json::to_value(play.saga.view()).unwrap();
    let expected = json!({
        "sagaId": "s", "sagaName": "process-order", "status": "compensating",
        "data": {"orderId": "1", "reservation": "r1"}, "currentStep": 0,
        "error": "the step 1 ('payment.charge') failed: no",
        "startedAt": "1970-01-01T00:16:40.000Z", "lateAnswers": 0,
        "steps": [
            {"index": 0, "name": "inventory.reserve", "command": "inventory.reserve", "status": "compensating",
             "attempts": 1, "round": 1, "startedAt": "1970-01-01T00:16:40.000Z", "endedAt": "1970-01-01T00:16:40.000Z",
             "result": {"reservation": "r1"},
             "compensation": {"command": "inventory.release", "status": "running", "attempts": 1, "round": 1,
                 "startedAt": "1970-01-01T00:16:41.500Z", "dueAt": "1970-01-01T00:17:11.500Z"}},
            {"index": 1, "name": "payment.charge", "command": "payment.charge", "status": "failed", "attempts": 2,
             "round": 1, "startedAt": "1970-01-01T00:16:40.000Z", "endedAt": "1970-01-01T00:16:41.500Z", "error": "no"},
            {"index": 2, "name": "shipping.create", "command": "shipping.create", "status": "skipped", "attempts": 0,
             "round": 1},
        ],
    });
    assert_eq!(view, expected);
}

#[test]
fn the_history_has_a_line_for_each_event() {
    let play = turned_back();
    let definition = play.saga.definition();
    let lines: Vec<_> = play.journal.iter().map(|event| timeline::entry(definition, event)).collect();
    let events: Vec<_> = lines.iter().map(|line| line.event).collect();
    assert_eq!(
        events,
        [
            "started",
            "intended",
            "succeeded",
            "intended",
            "failed",
            "intended",
            "failed",
            "compensationStarted",
            "intended"
        ]
    );
    let failed = serde_json::to_value(&lines[4]).unwrap();
    assert_eq!(
        failed,
        json!({
            "at": "1970-01-01T00:16:40.500Z", "event": "failed", "step": 1, "name": "payment.charge",
            "command": "payment.charge", "direction": "forward", "attempt": 1, "round": 1, "kind": "retry",
            "until": "1970-01-01T00:16:41.500Z", "detail": "later",
        })
    );
}

#[test]
fn what_is_stored_reads_back_the_same() {
    let play = turned_back();
    for event in &play.journal {
        assert_eq!(decode_event(&encode_event(event)).as_ref(), Ok(event));
    }
    let bytes = encode_saga(&play.saga);
    let definition = play.saga.definition();
    assert_eq!(definition_of(&bytes), Ok(definition.digest()));
    assert_eq!(decode_saga(Arc::clone(definition), &bytes).as_ref(), Ok(&play.saga));
    assert!(decode_saga(super::definition(with_pivot()), &bytes).is_err());
    for broken in [&[][..], b"\x02{}", b"\x01{}", &bytes[..bytes.len() - 1]] {
        assert!(decode_saga(Arc::clone(definition), broken).is_err() && decode_event(broken).is_err());
    }
}

#[test]
fn notices_carry_what_the_topic_is_about() {
    let play = turned_back();
    let data = |topic: &str| {
        let notice = play.notices.iter().find(|notice| notice.topic == topic).unwrap();
        Value::from(notice.data.clone())
    };
    let failed = json!({"sagaId": "s", "sagaName": "process-order", "stepIndex": 1, "step": "payment.charge",
        "command": "payment.charge", "error": "no"});
    assert_eq!(data("saga.step.failed"), failed);
    let compensating = json!({"sagaId": "s", "sagaName": "process-order",
        "data": {"orderId": "1", "reservation": "r1"}, "error": "the step 1 ('payment.charge') failed: no"});
    assert_eq!(data("saga.compensating"), compensating);
}
