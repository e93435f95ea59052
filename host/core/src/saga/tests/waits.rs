use super::*;

fn approval() -> Value {
    json!({"name": "w", "steps": [
        {"command": "a", "compensation": "undo-a"},
        {"wait": {"signal": "approved", "timeout": "1h"}},
        {"wait": {"timer": "5m"}},
        {"wait": {"signal": "approved"}},
    ]})
}

fn signal(play: &mut Play, name: &str, data: Value) {
    let event = play.saga.signal(name, data, play.now).unwrap();
    play.advance(Some(event));
}

#[test]
fn a_saga_waits_for_signals_and_timers() {
    let mut play = Play::new(approval(), json!({}));
    play.answer(0, done(json!({})));
    assert_eq!((play.saga.status(), play.sends().len()), (Status::Waiting, 0));
    assert_eq!(play.saga.deadline(), Some(play.now.plus(Duration::from_secs(3600))));
    signal(&mut play, "approved", json!({"by": "me"}));
    assert_eq!(play.saga.data()["by"], "me");
    assert_eq!(play.saga.deadline(), Some(play.now.plus(Duration::from_secs(300))));
    play.crash();
    play.pass(300_000);
    assert_eq!((play.saga.status(), play.saga.deadline()), (Status::Waiting, None));
    signal(&mut play, "approved", Value::Null);
    play.ends(Status::Completed, None);
}

#[test]
fn signals_that_come_early_are_kept_for_the_steps_in_turn() {
    let mut play = Play::new(approval(), json!({}));
    signal(&mut play, "approved", json!({"n": 1}));
    signal(&mut play, "approved", json!({"n": 2}));
    let more = play.saga.signal("approved", json!({}), play.now);
    assert!(matches!(more, Err(Refused::Signal { .. })), "{more:?}");
    assert!(play.saga.signal("denied", json!({}), play.now).is_err());
    play.answer(0, done(json!({})));
    assert_eq!(play.saga.data()["n"], 1);
    play.pass(300_000);
    assert_eq!(play.saga.data()["n"], 2);
    play.ends(Status::Completed, None);
    let step = "saga.step.completed";
    assert_eq!(play.topics(), ["saga.started", step, step, step, step, "saga.completed"]);
}

#[test]
fn a_signal_that_does_not_come_turns_the_saga_back() {
    let mut play = Play::new(approval(), json!({}));
    play.answer(0, done(json!({})));
    play.pass(3_600_000);
    assert_eq!(play.sends(), ["undo-a s/0/compensation/1 1"]);
    assert!(play.saga.signal("approved", json!({}), play.now).is_err());
    play.answer(0, done(Value::Null));
    let error = "the step 1 ('signal approved') failed: the signal 'approved' did not come in time";
    play.ends(Status::Failed, Some(error));
}

#[test]
fn a_signal_mends_a_stuck_wait_once_it_is_retried() {
    let mut value = approval();
    value["onFailure"] = "stuck".into();
    let mut play = Play::new(value, json!({}));
    play.answer(0, done(json!({})));
    play.pass(3_600_000);
    assert_eq!(play.saga.status(), Status::Stuck);
    signal(&mut play, "approved", json!({"by": "me"}));
    assert_eq!(play.saga.status(), Status::Stuck);
    play.advance(Some(play.saga.retry(None, play.now).unwrap()));
    assert_eq!((play.saga.status(), play.saga.current_step()), (Status::Waiting, 2));
}

#[test]
fn waits_stand_beside_commands_in_a_group() {
    let mut play = Play::new(
        json!({"name": "g", "steps": [{"parallel": [
            {"command": "a", "compensation": "undo-a"},
            {"wait": {"signal": "go"}},
        ]}]}),
        json!({}),
    );
    assert_eq!(play.saga.status(), Status::Running);
    play.answer(0, done(json!({})));
    assert_eq!(play.saga.status(), Status::Waiting);
    play.advance(Some(play.saga.cancel(play.now).unwrap()));
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("cancelled"));
}

#[test]
fn a_command_by_event_is_waited_for() {
    let by_event = json!({"command": "a.do", "compensation": "a.undo", "via": "event"});
    let play = Play::new(json!({"name": "e", "steps": [by_event]}), json!({}));
    assert_eq!(play.saga.status(), Status::Waiting);
    let command = play.saga.command(&play.open(0)).unwrap();
    assert_eq!(command.to, Destination::Event { topic: "a.do" });
}

#[test]
fn a_compensation_has_a_path_of_its_own_if_one_is_given() {
    let by_http = json!({"command": "do", "compensation": "undo", "via": "http", "service": "x", "path": "/do",
        "compensationPath": "/undo"});
    let mut play = Play::new(json!({"name": "h", "steps": [by_http, {"wait": {"signal": "go"}}]}), json!({}));
    let path = |play: &Play| match play.saga.command(&play.open(0)).unwrap().to {
        Destination::Http { path, .. } => path.to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(path(&play), "/do");
    play.answer(0, done(json!({})));
    play.advance(Some(play.saga.cancel(play.now).unwrap()));
    assert_eq!(path(&play), "/undo");
}
