//! What participants answer, and what became of attempts that they did not answer.

use std::time::Duration;

use serde_json::Value;

use super::{
    CommandId, DEFERRALS_MAX, Direction, ERROR_MAX, Event, LATE_ANSWERS_MAX, Saga, What, event::FailureKind,
    state::Phase,
};
use crate::{handled::Failure, timestamp::Timestamp};

/// The longest pause that a participant may ask for; 1 day.
const DEFERRAL_MAX: Duration = Duration::from_secs(24 * 3600);

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was carried out; this is the result.
    Done(Value),
    /// The participant answered that it did nothing.
    Failed(Failure),
    /// It was not sent, since nobody could take it now; it may be sent after this time.
    Unsent(Duration),
    /// Nobody knows: a time-out, a reply that got lost, a trap. It may have been carried out. Says why.
    Lost(String),
}

// === impl Saga ===

impl Saga {
    /// The event of an answer, to be applied and journalled. None when there is nothing to remember: the attempt was
    /// never intended or is lost already, or so many answers came late that they are counted no more.
    #[must_use]
    pub fn record(&self, command: CommandId, outcome: Outcome, now: Timestamp, jitter: f64) -> Option<Event> {
        let event = |what| Some(Event { at: now, what });
        if !self.is_open(&command) {
            // That an attempt was given up twice, by the saga and by whoever carried it, is no answer.
            let is_answer = matches!(outcome, Outcome::Done(_) | Outcome::Failed(_));
            let is_late = is_answer && self.was_intended(&command) && self.state.late_answers < LATE_ANSWERS_MAX;
            let done = matches!(outcome, Outcome::Done(_));
            return event(What::AnsweredLate { command, done }).filter(|_| is_late);
        }
        let failed = |kind, error| self.failure(command, kind, shorten(error), now, jitter);
        event(match outcome {
            Outcome::Done(_) if command.direction == Direction::Compensation => {
                What::Succeeded { command, result: Value::Null }
            }
            Outcome::Done(result) => match self.has_room(command.step, &result) {
                Ok(()) => What::Succeeded { command, result },
                Err(error) => failed(FailureKind::TooLarge, error),
            },
            Outcome::Failed(Failure::Defer(pause)) if self.may_pause(&command) => {
                What::Deferred { command, until: now.plus(pause.min(DEFERRAL_MAX)), unsent: false }
            }
            Outcome::Unsent(pause) if self.may_wait(&command) => {
                What::Deferred { command, until: now.plus(pause.min(DEFERRAL_MAX)), unsent: true }
            }
            Outcome::Unsent(_) => failed(FailureKind::Retry, "it could not be sent".to_owned()),
            Outcome::Failed(Failure::Defer(_)) => {
                failed(FailureKind::Retry, "it asked for a pause that it cannot have".to_owned())
            }
            Outcome::Failed(Failure::Retry(error)) => failed(FailureKind::Retry, error),
            Outcome::Failed(Failure::Reject(error)) => failed(FailureKind::Reject, error),
            Outcome::Lost(error) => failed(FailureKind::Lost, error),
        })
    }

    /// The event to be journalled, before all others, by an owner that takes the saga over; none if nothing was under
    /// way. `crash` says whether the last owner stopped without warning.
    #[must_use]
    pub fn resume(&self, now: Timestamp, crash: bool) -> Option<Event> {
        self.open().next().map(|_| Event { at: now, what: What::Resumed { crash } })
    }

    /// Whether a command may ask for a pause: not while the saga turns back, and not for ever.
    pub(super) fn may_pause(&self, command: &CommandId) -> bool {
        let run = self.state.run(command.step, command.direction);
        self.may_wait(command) && run.is_some_and(|run| run.deferrals < DEFERRALS_MAX)
    }

    /// Whether a command may wait: not while the saga turns back.
    pub(super) fn may_wait(&self, command: &CommandId) -> bool {
        match command.direction {
            Direction::Forward => self.state.is_advancing(),
            Direction::Compensation => self.state.phase == Phase::Compensating,
        }
    }
}

/// The beginning of an error, as much as is kept.
pub(super) fn shorten(mut error: String) -> String {
    if error.len() > ERROR_MAX {
        error.truncate(error.floor_char_boundary(ERROR_MAX));
    }
    error
}
