//! Commands of sagas, and the sagas that a guest starts.

use std::time::Duration;

use serde_json::{Value, json};
use switchyard_core::{
    describe::Role,
    handled::Failure,
    saga::{Direction, Told},
};
use switchyard_runtime::GuestError;

use crate::world::{World, context, pay};

const SECOND: Duration = Duration::from_secs(1);

async fn tell(world: &World, command: &Told) -> Result<Result<String, Failure>, GuestError> {
    let answer = world.plugin.handle_command(context(60 * SECOND), command).await?;
    Ok(answer.map(|result| String::from_utf8(result.to_vec()).unwrap()))
}

#[tokio::test]
async fn a_command_reaches_its_handler_as_it_was_told() {
    let world = World::probe().await;
    assert!(world.description.has(Role::CommandHandler));
    let forward = pay(&json!({"sagaId": "o1", "stepIndex": 3, "amount": 9.5}));
    assert_eq!(tell(&world, &forward).await.unwrap(), Ok(String::new()));
    let back = Told {
        name: "refund".to_owned(),
        direction: Direction::Compensation,
        attempt: 7,
        idempotency_key: "o1/3/compensation/2".to_owned(),
        payload: r#"{"originalStepIndex":3,"originalResult":null}"#.into(),
        ..forward
    };
    assert_eq!(tell(&world, &back).await.unwrap(), Ok(String::new()));
    let mut remembered = world.ports.remembered();
    for command in &mut remembered {
        command.as_object_mut().unwrap().retain(|name, _| !["at", "round"].contains(&name.as_str()));
    }
    let expected = [
        json!({
            "name": "pay", "sagaId": "o1", "sagaName": "order", "stepIndex": 3, "direction": "forward", "attempt": 1,
            "idempotencyKey": "o1/3/forward/1", "payload": {"sagaId": "o1", "stepIndex": 3, "amount": 9.5},
        }),
        json!({
            "name": "refund", "sagaId": "o1", "sagaName": "order", "stepIndex": 3, "direction": "compensation",
            "attempt": 7, "idempotencyKey": "o1/3/compensation/2",
            "payload": {"originalStepIndex": 3, "originalResult": null},
        }),
    ];
    assert_eq!(remembered, expected);
}

#[tokio::test]
async fn a_result_comes_back_as_the_guest_wrote_it() {
    let world = World::probe().await;
    for (asked, expected) in [
        (json!({"result": {"charged": 9.5}}), r#"{"charged":9.5}"#),
        (json!({"result": [1]}), "[1]"),
        (json!({"raw": "{ not JSON"}), "{ not JSON"),
        (json!({"deeds": {"pay": {"result": 1}, "refund": {"result": 2}}}), "1"),
        (json!({}), ""),
    ] {
        assert_eq!(tell(&world, &pay(&asked)).await.unwrap(), Ok(expected.to_owned()), "{asked}");
    }
}

#[tokio::test]
async fn a_failure_comes_back_as_the_guest_said_it() {
    let world = World::probe().await;
    for (asked, expected) in [
        (json!({"do": "retry", "text": "busy"}), Failure::Retry("busy".to_owned())),
        (json!({"do": "reject", "text": "no money"}), Failure::Reject("no money".to_owned())),
        (json!({"do": "defer", "ms": 1_500}), Failure::Defer(Duration::from_millis(1_500))),
    ] {
        assert_eq!(tell(&world, &pay(&asked)).await.unwrap(), Err(expected), "{asked}");
    }
    let early = pay(&json!({"do": "fail-times", "times": 2}));
    assert!(tell(&world, &early).await.unwrap().is_err());
    assert!(tell(&world, &Told { attempt: 3, ..early }).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_handler_that_does_not_answer_is_told_from_one_that_says_no() {
    let world = World::new("probe", SECOND).await;
    let trapped = tell(&world, &pay(&json!({"do": "trap"}))).await;
    assert!(matches!(&trapped, Err(GuestError::Failed { .. })), "{trapped:?}");
    let spun = tell(&world, &pay(&json!({"do": "hang"}))).await;
    assert!(matches!(&spun, Err(GuestError::TimedOut { after, .. }) if *after == SECOND), "{spun:?}");
    let slow = pay(&json!({"do": "slow", "ms": 600_000}));
    let late = world.plugin.handle_command(context(SECOND), &slow).await;
    assert!(matches!(&late, Err(GuestError::TimedOut { .. })), "{late:?}");
    assert_eq!(world.ports.remembered().len(), 3, "each began");
    assert!(tell(&world, &pay(&json!({}))).await.unwrap().is_ok(), "it goes on with another instance");
}

#[tokio::test]
async fn what_exports_no_command_handler_is_not_called_with_commands() {
    let world = World::new("hello", SECOND).await;
    assert!(!world.description.has(Role::CommandHandler));
    let error = tell(&world, &pay(&json!({}))).await.unwrap_err();
    assert!(matches!(&error, GuestError::NotExported { .. }), "{error}");
    assert!(error.to_string().contains("switchyard:plugin/command-handler@0.1.x"), "{error}");
}

#[tokio::test]
async fn a_guest_starts_sagas_and_has_a_say_in_them() {
    let world = World::probe().await;
    let draft = json!({"name": "order", "data": {"n": 1}});
    assert_eq!(world.post("/start-saga", draft).await, (200, json!({"id": "o1", "existing": false})));
    let again = json!({"name": "order", "id": "o1"});
    assert_eq!(world.post("/start-saga", again).await, (200, json!({"id": "o1", "existing": true})));
    let found = json!({
        "id": "fails", "name": "order", "status": "compensating", "currentStep": 7, "error": "no stock",
        "data": {"n": 1},
    });
    assert_eq!(world.post("/saga?id=fails", Value::Null).await, (200, found));
    let (_, waits) = world.post("/saga?id=waits", Value::Null).await;
    assert_eq!((&waits["status"], &waits["error"]), (&json!("waiting"), &Value::Null));
    let signal = json!({"id": "o1", "name": "approved", "data": [true]});
    assert_eq!(world.post("/signal", signal).await, (200, Value::Null));
    assert_eq!(world.post("/cancel", json!({"id": "o1"})).await, (200, Value::Null));
    let expected = [
        r#"shop: start order as None with {"n":1}"#,
        r#"shop: start order as Some("o1") with "#,
        "shop: get fails",
        "shop: get waits",
        "shop: signal approved to o1 with [true]",
        "shop: cancel o1",
    ];
    assert_eq!(world.ports.asked(), expected);
    for (path, body, error) in [
        ("/start-saga", json!({"name": "other"}), "not-found"),
        ("/start-saga", json!({"name": "secret"}), "denied"),
        ("/start-saga", json!({"name": "order", "id": "x".repeat(129)}), "invalid"),
        ("/saga?id=gone", Value::Null, "not-found"),
        ("/signal", json!({"id": "o1", "name": "other"}), "conflict"),
        ("/cancel", json!({"id": "o2"}), "unavailable"),
    ] {
        let (status, answer) = world.post(path, body).await;
        assert_eq!((status, &answer["error"]), (422, &json!(error)), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_command_starts_another_saga_and_a_batch_starts_several() {
    let world = World::probe().await;
    let start = pay(&json!({"do": "start-saga", "draft": {"name": "order", "id": "o2", "data": {}}}));
    assert_eq!(tell(&world, &start).await.unwrap(), Ok(String::new()));
    assert_eq!(world.ports.asked(), [r#"shop: start order as Some("o2") with {}"#]);
    let batch = json!([{"startSaga": {"name": "order"}}, {"startSaga": {"name": "order", "id": "o1"}}]);
    let sagas = json!([{"id": "o1", "existing": false}, {"id": "o1", "existing": true}]);
    assert_eq!(world.post("/batch", batch).await, (200, json!({"receipts": [], "messageIds": [], "sagas": sagas})));
    let (status, error) = world.post("/batch", json!([{"startSaga": {"name": "other"}}])).await;
    assert_eq!((status, &error["error"]), (422, &json!("invalid")), "{error}");
    // A command is no event and no message: there is nothing to acknowledge.
    let acked = tell(&world, &pay(&json!({"do": "ack-batch"}))).await;
    assert!(matches!(&acked, Err(GuestError::Failed { .. })), "{acked:?}");
}
