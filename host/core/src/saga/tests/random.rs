//! Random definitions in a random world: whatever happens, a saga ends, and its books balance.

use proptest::{collection::vec, prelude::*};

use super::{
    super::event::FailureKind,
    world::{Act, Answers, Does, Manner, World},
    *,
};

/// A step of a random definition.
#[derive(Clone, Debug)]
enum Kind {
    Command { compensation: bool, attempts: u32, undo_attempts: u32 },
    Signal { name: u8, timeout: bool },
    Timer,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        8 => (proptest::bool::weighted(0.8), 1..4u32, 1..4u32).prop_map(|(compensation, attempts, undo_attempts)| {
            Kind::Command { compensation, attempts, undo_attempts }
        }),
        1 => (0..3u8, any::<bool>()).prop_map(|(name, timeout)| Kind::Signal { name, timeout }),
        1 => Just(Kind::Timer),
    ]
}

fn manner() -> impl Strategy<Value = Manner> {
    let does = prop_oneof![
        8 => Just(Does::Work),
        1 => Just(Does::Reject),
        1 => Just(Does::Later),
        1 => Just(Does::Pause),
        1 => Just(Does::Nothing),
    ];
    let answers = prop_oneof![
        8 => Just(Answers::Once),
        1 => Just(Answers::Twice),
        1 => Just(Answers::Late),
        1 => Just(Answers::Never),
        1 => Just(Answers::Trap),
    ];
    (does, answers).prop_map(|(does, answers)| Manner { does, answers })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        20 => manner().prop_map(Act::Go),
        4 => (any::<bool>(), manner()).prop_map(|(before, manner)| Act::Crash { before, manner }),
        1 => Just(Act::Cancel),
        3 => any::<bool>().prop_map(|edited| Act::Retry { edited }),
        1 => Just(Act::Force),
        2 => any::<u8>().prop_map(Act::Signal),
        2 => any::<u8>().prop_map(Act::Again),
    ]
}

/// The definition of these stages; the pivot is one of those that are a single command.
fn define(stages: &[Vec<Kind>], pivot: Option<usize>, stuck: bool) -> Arc<Definition> {
    let mut index = 0;
    let mut step = |kind: &Kind, is_pivot: bool| {
        index += 1;
        match kind {
            Kind::Timer => json!({"wait": {"timer": "1m"}}),
            Kind::Signal { name, timeout: false } => json!({"wait": {"signal": format!("signal-{name}")}}),
            Kind::Signal { name, .. } => json!({"wait": {"signal": format!("signal-{name}"), "timeout": "2m"}}),
            Kind::Command { compensation, attempts, undo_attempts } => {
                let mut step = json!({
                    "command": format!("do-{index}"), "pivot": is_pivot, "timeout": "2s",
                    "retry": {"maxAttempts": attempts, "backoff": {"exponential": "1s"}},
                    "compensationRetry": {"maxAttempts": undo_attempts},
                });
                if *compensation {
                    step["compensation"] = format!("undo-{index}").into();
                } else if !is_pivot {
                    step["irreversible"] = true.into();
                }
                step
            }
        }
    };
    let single: Vec<_> = (0..stages.len()).filter(|n| matches!(stages[*n][..], [Kind::Command { .. }])).collect();
    let pivot = pivot.filter(|_| !single.is_empty()).map(|n| single[n % single.len()]);
    let steps = stages.iter().enumerate().map(|(n, stage)| match &stage[..] {
        [kind] => step(kind, pivot == Some(n)),
        group => json!({"parallel": group.iter().map(|kind| step(kind, false)).collect::<Vec<_>>()}),
    });
    let steps: Vec<_> = steps.collect();
    definition(json!({"name": "random", "onFailure": if stuck { "stuck" } else { "compensate" }, "steps": steps}))
}

/// Whether the books balance, for the way in which the saga has ended or come to a halt.
fn check_books(world: &World) {
    let definition = world.saga.definition();
    let status = world.saga.status();
    let has = |wanted: &str| world.journal.iter().any(|event| event.what.name() == wanted);
    for (index, step) in (0..).zip(definition.steps()) {
        let Some(command) = step.command() else { continue };
        let (done, undone) = world.effects[index as usize];
        let has_compensation = matches!(command.undo, definition::Undo::Compensation(_));
        match status {
            Status::Completed => {
                assert_eq!((done, undone), (1, 0), "step {index} of a completed saga");
                let is_told = world.saga.data().contains_key(&format!("step-{index}"));
                assert!(is_told || has("retried"), "the result of step {index}");
            }
            Status::Failed if has_compensation => assert!(undone >= done, "step {index} of a failed saga"),
            // Only an operator can say that it was not.
            Status::Failed if command.pivot => assert!(done == 0 || has("compensationForced"), "the pivot was done"),
            _ => {}
        }
    }
}

/// What the journal alone must show, whatever made it.
fn check_journal(world: &World) {
    let pivot = world.saga.definition().pivot();
    let (mut back, mut past_pivot) = (false, false);
    let mut order = Vec::new();
    for event in &world.journal {
        match &event.what {
            What::CompensationStarted { .. } => {
                assert!(!past_pivot && !back);
                back = true;
            }
            What::Intended { command, .. } => assert_eq!(command.direction == Direction::Compensation, back),
            What::Succeeded { command, .. } if command.direction == Direction::Forward => {
                assert!(!back);
                past_pivot |= Some(command.step) == pivot;
                order.push(command.step);
            }
            What::Succeeded { command, .. } => {
                // Of what is known to be done, the last one goes first.
                let place = order.iter().rposition(|step| *step == command.step);
                if let Some(place) = place {
                    let owed = |step: &u32| world.saga.definition().command_step(*step).unwrap().has_compensation();
                    assert!(!order[place + 1..].iter().any(owed), "{:?} before {:?}", command.step, order);
                    order.truncate(place);
                }
            }
            _ => {}
        }
    }
    let replayed = Saga::replay(Arc::clone(world.saga.definition()), &world.journal).unwrap();
    assert_eq!(replayed, world.saga);
    let bytes = codec::encode_saga(&world.saga);
    assert_eq!(codec::decode_saga(Arc::clone(world.saga.definition()), &bytes).as_ref(), Ok(&world.saga));
}

/// With everybody well, a saga comes to its end, or waits for a signal that is named or for an operator.
fn end(world: &mut World) {
    world.settle();
    for n in 0..200 {
        match world.saga.status() {
            Status::Completed | Status::Failed => return,
            Status::Stuck => world.act(Act::Retry { edited: n % 2 == 0 }),
            Status::Waiting => {}
            other => panic!("it is {other}, and nothing is due"),
        }
        (0..3).for_each(|name| world.act(Act::Signal(name)));
        check_books(world);
        world.settle();
    }
    panic!("it does not end: {:?}", world.saga.view());
}

/// An event about nothing in particular, most of which fit no state.
fn any_event() -> impl Strategy<Value = What> {
    let command = (0..4u32, any::<bool>(), 0..3u32, 0..3u32).prop_map(|(step, is_forward, round, attempt)| {
        let direction = if is_forward { Direction::Forward } else { Direction::Compensation };
        CommandId { step, direction, round, attempt }
    });
    let again = proptest::option::of(Just(Timestamp(9)));
    let kind = proptest::sample::select(vec![
        FailureKind::Retry,
        FailureKind::Reject,
        FailureKind::Lost,
        FailureKind::TooLarge,
    ]);
    let reason = proptest::sample::select(vec![
        StuckReason::StepFailed,
        StuckReason::CompensationFailed,
        StuckReason::PivotUnknown,
        StuckReason::Crashes,
    ]);
    let (text, data) = (String::new, || json!({"x": 1}));
    let (step, until) = (0..4u32, proptest::option::of(Just(Timestamp(9))));
    prop_oneof![
        4 => command.clone().prop_map(|command| What::Intended { command, deadline: Timestamp(9) }),
        4 => command.clone().prop_map(move |command| What::Succeeded { command, result: data() }),
        4 => (command.clone(), kind, again).prop_map(move |(command, kind, again)| {
            What::Failed { command, kind, error: text(), again }
        }),
        1 => command.clone().prop_map(|command| What::Deferred { command, until: Timestamp(9), unsent: false }),
        1 => command.prop_map(|command| What::AnsweredLate { command, done: true }),
        2 => (step.clone(), until).prop_map(|(step, until)| What::WaitStarted { step, until }),
        2 => step.clone().prop_map(|step| What::TimerFired { step }),
        1 => step.clone().prop_map(move |step| What::SignalReceived { step, name: "go".to_owned(), data: data() }),
        1 => step.prop_map(move |step| What::WaitFailed { step, error: text() }),
        1 => any::<bool>().prop_map(|crash| What::Resumed { crash }),
        1 => Just(What::Cancelled),
        1 => Just(What::CompensationForced),
        1 => Just(What::Retried { data: None }),
        2 => Just(What::CompensationStarted { error: text() }),
        2 => reason.prop_map(move |reason| What::Stuck { reason, error: text() }),
        1 => Just(What::Completed),
        1 => Just(What::FailedCleanly),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]
    #[test]
    fn an_event_that_is_refused_changes_nothing(events in vec(any_event(), 0..150)) {
        let command = |name: &str| json!({"command": name, "compensation": "undo"});
        let definition = definition(json!({"name": "f", "steps": [
            {"parallel": [command("a"), {"wait": {"signal": "go"}}]},
            {"wait": {"timer": "1m"}},
            command("b"),
        ]}));
        let (mut saga, _) = Saga::start("s".parse().unwrap(), definition, json!({}), Timestamp(1)).unwrap();
        for what in events {
            let before = saga.clone();
            if let Err(illegal) = saga.apply(&Event { at: Timestamp(2), what }) {
                prop_assert_eq!(&saga, &before, "{}", illegal);
            }
            // Whatever state that is, it can be shown and decided upon.
            let _ = (saga.view(), saga.decide(Timestamp(3), 0.5), saga.decide(Timestamp(99), 0.5));
            let (now, mut ahead) = (Timestamp(1 << 40), saga.clone());
            prop_assert!(ahead.advance(None, now, 0.5).is_ok());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn every_saga_ends_and_its_books_balance(
        stages in vec(prop_oneof![3 => vec(kind(), 1), 1 => vec(kind(), 2..4)], 1..5),
        pivot in proptest::option::of(0..4usize),
        stuck in proptest::bool::weighted(0.2),
        acts in vec(act(), 0..60),
    ) {
        let mut world = World::new(define(&stages, pivot, stuck));
        for act in acts {
            world.act(act);
            check_books(&world);
        }
        world.settle();
        check_books(&world);
        check_journal(&world);
        end(&mut world);
        check_books(&world);
        check_journal(&world);
    }
}
