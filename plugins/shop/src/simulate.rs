//! Misbehaviour on demand, to see what a saga makes of it.
//!
//! The saga's data asks for it by command: `"simulate": {"payment.charge": "fail"}`. It holds for every attempt. What
//! is no such member is not looked at, so that a command without it is carried out as ever.

use std::time::Duration;

use serde_json::Value;
use switchyard_sdk::{Command, Failure, clock};

/// The time-out of a step that says none.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much later than its time-out a late answer comes.
const LATE: Duration = Duration::from_secs(5);

/// How long a command sleeps at once that never answers.
const LONG: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It is rejected, and does nothing.
    Fail,
    /// It never answers, and does nothing.
    Hang,
    /// It is done, and the instance dies before it answers.
    Trap,
    /// It is done, and the answer comes after the time-out.
    Late,
}

/// Carries out a command, misbehaving as its payload asks for.
///
/// # Errors
/// With the failure of the effect, or the one that was asked for.
pub fn around<T>(command: &Command, effect: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let payload: Value = command.payload()?;
    let Some(fault) = payload["simulate"][command.name()].as_str().and_then(Fault::named) else {
        return effect();
    };
    match fault {
        Fault::Fail => Err(Failure::reject("simulated failure")),
        Fault::Hang => loop {
            clock::sleep(LONG);
        },
        Fault::Trap => {
            let _ = effect();
            std::process::abort();
        }
        Fault::Late => {
            let answer = effect();
            let timeout = payload["timeout"].as_u64().map_or(TIMEOUT, Duration::from_millis);
            clock::sleep(timeout.saturating_add(LATE).min(LONG));
            answer
        }
    }
}

/// Refuses what asks for no fault that is known, before a saga is started with it.
///
/// # Errors
/// With what is wrong.
pub fn check(simulate: &Value, commands: &[&str]) -> Result<(), String> {
    let Value::Object(asked) = simulate else {
        return Err("simulate is an object".to_owned());
    };
    for (command, fault) in asked {
        if !commands.contains(&command.as_str()) {
            return Err(format!("simulate: '{command}' is none of {}", commands.join(", ")));
        }
        if fault.as_str().and_then(Fault::named).is_none() {
            return Err(format!("simulate: {fault} of '{command}' is none of fail, hang, trap, late"));
        }
    }
    Ok(())
}

// === impl Fault ===

impl Fault {
    fn named(name: &str) -> Option<Self> {
        match name {
            "fail" => Some(Self::Fail),
            "hang" => Some(Self::Hang),
            "trap" => Some(Self::Trap),
            "late" => Some(Self::Late),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use switchyard_sdk::{Participant, kv, testing};

    use super::*;

    /// What a command answers, how often it was carried out, and how long it took.
    fn run(payload: &Value) -> (Result<Value, Failure>, i64, u64) {
        let pay = |command: &Command| around(command, || Ok(kv::own()?.increment("done", 1)?));
        let participant = Participant::new().on("pay", pay);
        let (done, began) = (|| kv::own().and_then(|own| own.increment("done", 0)).expect("counted"), clock::now());
        let before = done();
        let answer = testing::carry_out(&participant, testing::command("pay").payload(payload));
        let took = clock::now().as_unix() - began.as_unix();
        (answer, done() - before, took.as_secs())
    }

    #[test]
    fn a_command_that_is_not_asked_to_misbehave_is_carried_out() {
        for payload in [
            json!({}),
            json!({ "simulate": null }),
            json!({ "simulate": "fail" }),
            json!({ "simulate": { "ship": "fail" } }),
            json!({ "simulate": { "pay": "dance" } }),
            json!({ "simulate": { "pay": 5 } }),
        ] {
            let (answer, done, took) = run(&payload);
            assert!(answer.is_ok() && done == 1 && took == 0, "{payload}: {answer:?}");
        }
    }

    #[test]
    fn one_that_is_to_fail_does_nothing() {
        let (answer, done, _) = run(&json!({ "simulate": { "pay": "fail" } }));
        assert_eq!((answer, done), (Err(Failure::reject("simulated failure")), 0));
    }

    #[test]
    fn one_that_is_to_be_late_is_done_and_answers_after_the_time_out() {
        let late = json!({ "pay": "late" });
        for (payload, seconds) in [
            (json!({ "simulate": late }), 35),
            (json!({ "simulate": late, "timeout": 2_000 }), 7),
            (json!({ "simulate": late, "timeout": u64::MAX }), 3_600),
        ] {
            let (answer, done, took) = run(&payload);
            assert!(answer.is_ok() && done == 1 && took == seconds, "{payload}: {answer:?} after {took} s");
        }
    }

    #[test]
    fn only_known_faults_of_known_commands_can_be_ordered() {
        let check = |simulate: Value| super::check(&simulate, &["pay", "ship"]);
        assert_eq!(check(json!({ "pay": "fail", "ship": "late" })), Ok(()));
        assert_eq!(check(json!({})), Ok(()));
        for (wrong, why) in [
            (json!("fail"), "simulate is an object"),
            (json!({ "fly": "fail" }), "simulate: 'fly' is none of pay, ship"),
            (json!({ "pay": "dance" }), "simulate: \"dance\" of 'pay' is none of fail, hang, trap, late"),
        ] {
            assert_eq!(check(wrong), Err(why.to_owned()));
        }
    }
}
