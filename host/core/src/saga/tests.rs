//! Sagas played by hand: the answers are given, and what the saga wants sent is read off.

mod back;
mod forward;
mod illegal;
mod limits;
mod operator;
mod random;
mod views;
mod waits;
mod world;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{event::StuckReason, *};
use crate::{handled::Failure, timestamp::Timestamp};

/// A saga that is played, with its journal.
struct Play {
    saga: Saga,
    journal: Vec<Event>,
    notices: Vec<Notice>,
    now: Timestamp,
}

fn definition(value: Value) -> Arc<Definition> {
    let definition: Definition = serde_json::from_value(value).unwrap();
    assert_eq!(definition.check(), Ok(()));
    Arc::new(definition)
}

/// The saga of the examples: three steps, each with its compensation.
fn order() -> Value {
    json!({"name": "process-order", "steps": [
        {"command": "inventory.reserve", "data": {"timeout": 30000}, "compensation": "inventory.release"},
        {"command": "payment.charge", "compensation": "payment.refund"},
        {"command": "shipping.create", "compensation": "shipping.cancel"},
    ]})
}

/// Two steps, the pivot, and one more.
fn with_pivot() -> Value {
    json!({"name": "p", "steps": [
        {"command": "a", "compensation": "undo-a"},
        {"command": "p", "pivot": true},
        {"command": "c"},
    ]})
}

fn done(result: Value) -> Outcome {
    Outcome::Done(result)
}

fn reject() -> Outcome {
    Outcome::Failed(Failure::Reject("no".to_owned()))
}

fn later() -> Outcome {
    Outcome::Failed(Failure::Retry("later".to_owned()))
}

fn lost() -> Outcome {
    Outcome::Lost("nobody knows".to_owned())
}

impl Play {
    fn new(definition_value: Value, data: Value) -> Self {
        let now = Timestamp(1_000_000);
        let (saga, event) = Saga::start("s".parse().unwrap(), definition(definition_value), data, now).unwrap();
        let notices = saga.notice(&event).into_iter().collect();
        let mut play = Self { saga, journal: vec![event], notices, now };
        play.advance(None);
        play
    }

    fn advance(&mut self, event: Option<Event>) {
        let progress = self.saga.advance(event, self.now, 0.5).unwrap();
        self.journal.extend(progress.events);
        self.notices.extend(progress.notices);
        let replayed = Saga::replay(Arc::clone(self.saga.definition()), &self.journal).unwrap();
        assert_eq!(replayed, self.saga);
    }

    /// The open attempt of a step.
    #[track_caller]
    fn open(&self, step: u32) -> CommandId {
        self.saga.open_command(step).expect("no command of the step is open")
    }

    /// A participant answers the open command of a step.
    #[track_caller]
    fn answer(&mut self, step: u32, outcome: Outcome) {
        self.answer_to(self.open(step), outcome);
    }

    fn answer_to(&mut self, command: CommandId, outcome: Outcome) {
        if let Some(event) = self.saga.record(command, outcome, self.now, 0.5) {
            self.advance(Some(event));
        }
    }

    /// Answers again and again until the step has given up.
    fn exhaust(&mut self, step: u32, outcome: &Outcome) {
        for _ in 0..3 {
            self.answer(step, outcome.clone());
            self.pass(10_000);
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus(Duration::from_millis(ms));
        self.advance(None);
    }

    /// The owner is gone, and another one reads the journal.
    fn crash(&mut self) {
        self.saga = Saga::replay(Arc::clone(self.saga.definition()), &self.journal).unwrap();
        self.advance(self.saga.resume(self.now, true));
    }

    /// Name, key and attempt of what is to be under way.
    fn sends(&self) -> Vec<String> {
        let mut sends = Vec::new();
        for action in self.saga.decide(self.now, 0.5) {
            if let Action::Send { command, .. } = action {
                let command = self.saga.command(&command).unwrap();
                sends.push(format!("{} {} {}", command.name, command.key, command.attempt));
            }
        }
        sends
    }

    fn payload(&self, step: u32) -> Value {
        self.saga.command(&self.open(step)).unwrap().payload.into()
    }

    #[track_caller]
    fn ends(&self, status: Status, error: Option<&str>) {
        assert_eq!((self.saga.status(), self.saga.error()), (status, error));
        assert_eq!(self.saga.ended_at().is_some(), status.is_terminal());
        assert_eq!(self.saga.decide(self.now, 0.5), []);
    }

    fn stuck_for(&self) -> Option<StuckReason> {
        match self.journal.last()?.what {
            What::Stuck { reason, .. } => Some(reason),
            _ => None,
        }
    }

    fn topics(&self) -> Vec<&'static str> {
        self.notices.iter().map(|notice| notice.topic).collect()
    }
}
