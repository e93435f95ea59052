//! Sagas that are large, long, or many at once.

use std::sync::Arc;

use serde_json::{Value, json};
use switchyard_tests::{Setup, bus::texts};
use tokio::task::JoinSet;

/// A host with a probe that declares this.
fn setup(steps: Value, side: &str) -> Setup {
    let definition = json!({"name": "flow", "steps": steps});
    Setup::new().sagas("probe", &[definition], side).plugin("probe", "probe")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_may_be_a_mebibyte_and_a_result_that_has_no_room_is_undone() {
    let steps = json!([{"command": "first", "compensation": "undo"}, {"command": "last", "irreversible": true}]);
    // What it remembers of a command would have no room in a value.
    let setup =
        setup(steps, "commands = ['first', 'undo', 'last']").config("[services.probe.config]\nquiet = 'true'\n");
    let host = setup.start().await;
    let text = |bytes: usize| "x".repeat(bytes);
    host.start_saga("flow", "large", json!({"text": text((1 << 20) - 100)})).await;
    let saga = host.until_saga("large", "completed").await;
    assert_eq!(saga["data"]["text"].as_str().unwrap().len(), (1 << 20) - 100);
    let told = host.told_of("large").await;
    let expected = ["saga.started", "saga.step.completed", "saga.step.completed", "saga.completed"];
    assert_eq!(texts(&told, "type"), expected);
    assert_eq!(told[3]["data"]["sagaId"], "large");

    // The result of the first step is in the data once, and would be there twice.
    let deed = json!({"do": "ok", "result": {"more": text(600 << 10)}});
    host.start_saga("flow", "larger", json!({"deeds": {"first": deed}})).await;
    let saga = host.until_saga("larger", "failed").await;
    assert!(saga["error"].as_str().unwrap().contains("over the limit of 1048576"), "{}", saga["error"]);
    assert_eq!(saga["steps"][0]["status"], "compensated", "it was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_may_have_a_hundred_steps_and_all_are_undone_in_reverse() {
    let step = |n: usize| json!({"name": format!("step-{n}"), "command": "do", "compensation": "undo"});
    let steps: Vec<Value> = (0..99).map(step).chain([json!({"command": "last", "irreversible": true})]).collect();
    let host = setup(steps.into(), "commands = ['do', 'undo', 'last']").start().await;
    host.start_saga("flow", "long", json!({})).await;
    assert_eq!(host.until_saga("long", "completed").await["currentStep"], 100);
    host.start_saga("flow", "back", json!({"deeds": {"last": {"do": "reject"}}})).await;
    host.until_saga("back", "failed").await;
    let commands = host.commands("probe").await;
    let undone: Vec<u64> =
        commands.iter().filter(|c| c["name"] == "undo").map(|c| c["stepIndex"].as_u64().unwrap()).collect();
    assert!(undone.iter().copied().eq((0..99).rev()), "{undone:?}");
    assert_eq!(host.saga_history("back").await.len(), 1 + 2 * 100 + 1 + 2 * 99 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_commands_than_a_service_takes_at_once_wait_and_are_not_failures() {
    let step = json!({"command": "work", "compensation": "undo", "timeout": "2s", "retry": {"maxAttempts": 1}});
    let host = setup(json!([step]), "commands = ['work', 'undo']").start().await;
    let slow = json!({"do": "slow", "ms": 500});
    let host = Arc::new(host);
    let mut starting = JoinSet::new();
    for worker in 0..32 {
        let (host, slow) = (host.clone(), slow.clone());
        starting.spawn(async move {
            for n in 0..16 {
                host.start_saga("flow", &format!("s-{worker}-{n}"), slow.clone()).await;
            }
        });
    }
    starting.join_all().await;
    let ended = async || (host.saga_stats().await["open"] == 0).then_some(());
    host.eventually("all have ended", ended).await;
    // It takes longer than the time-out until the last one has its turn; that is not the time of an attempt.
    assert_eq!(host.sagas("status=failed").await, Vec::<String>::new());
    assert_eq!(host.saga_stats().await["completed"], 32 * 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_the_same_at_once_one_is_the_first() {
    let steps = json!([{"wait": {"signal": "go"}}, {"command": "work", "irreversible": true}]);
    let host = Arc::new(setup(steps, "commands = ['work']").start().await);
    let mut asking = JoinSet::new();
    for n in 0..32 {
        let host = host.clone();
        asking.spawn(async move { host.ask_for_saga("flow", "same", json!({"n": n})).await });
    }
    let answers: Vec<u16> = asking.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    let count = |answers: &[u16], status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(&answers, 201), count(&answers, 200)), (1, 31), "{answers:?}");
    let mut asking = JoinSet::new();
    for n in 0..32 {
        let host = host.clone();
        let (how, body) = if n % 2 == 0 { ("cancel", json!({})) } else { ("signal", json!({"name": "go"})) };
        asking.spawn(async move { host.ask_to_move("same", how, body).await });
    }
    let answers: Vec<u16> = asking.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    let accepted = count(&answers, 202);
    assert!((1..=2).contains(&accepted) && accepted + count(&answers, 409) == 32, "{answers:?}");
    let ended = async || (host.saga_stats().await["open"] == 0).then_some(());
    host.eventually("it has ended", ended).await;
    let words = texts(&host.saga_history("same").await, "event");
    let times = |word: &str| words.iter().filter(|other| *other == word).count();
    assert_eq!(times("started"), 1, "{words:?}");
    assert_eq!(times("completed") + times("failedCleanly"), 1, "{words:?}");
    assert_eq!(accepted, times("cancelled") + times("signalReceived"), "{words:?}");
}
