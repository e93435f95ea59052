//! From the journal to the state: one event after the other, each of them checked before anything is changed.

mod command;
mod turn;
mod wait;

use std::sync::Arc;

use super::{
    Definition, Event, IllegalEvent, Saga, Status, What,
    definition::Step,
    run::{Effect, RunState},
    state::State,
};
use crate::timestamp::Timestamp;

/// Whether an event fits; else why not.
type Legal = Result<(), &'static str>;

fn require(holds: bool, why: &'static str) -> Legal {
    if holds { Ok(()) } else { Err(why) }
}

// === impl Saga ===

impl Saga {
    /// The saga that its first event makes.
    ///
    /// # Errors
    /// When the event is another one than [`What::Started`], or was made for another definition.
    pub fn begin(definition: Arc<Definition>, event: &Event) -> Result<Self, IllegalEvent> {
        let illegal = |why| IllegalEvent { status: Status::Running, event: event.what.name(), why };
        let What::Started { id, name, definition: digest, data } = &event.what else {
            return Err(illegal("it has not begun"));
        };
        if *digest != definition.digest() || name != definition.name() {
            return Err(illegal("it began with another definition"));
        }
        let state = State::new(&definition, data.clone(), event.at);
        Ok(Self { id: id.clone(), definition, state })
    }

    /// The saga that a whole journal makes.
    ///
    /// # Errors
    /// With the first event that does not fit what those before it made.
    pub fn replay<'a>(
        definition: Arc<Definition>,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, IllegalEvent> {
        let mut events = events.into_iter();
        let nothing = IllegalEvent { status: Status::Running, event: "", why: "the journal is empty" };
        let mut saga = Self::begin(definition, events.next().ok_or(nothing)?)?;
        events.try_for_each(|event| saga.apply(event))?;
        Ok(saga)
    }

    /// Takes in an event.
    ///
    /// # Errors
    /// When it does not fit the state, which stays as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        let at = event.at;
        let legal = match &event.what {
            What::Started { .. } => Err("it has begun already"),
            What::Resumed { crash } => self.on_resumed(*crash, at),
            What::Intended { command, deadline } => self.on_intended(*command, *deadline, at),
            What::Succeeded { command, result } => self.on_succeeded(*command, result, at),
            What::Failed { command, kind, error, again } => self.on_failed(*command, *kind, error, *again, at),
            What::Deferred { command, until, unsent } => self.on_deferred(*command, *until, *unsent),
            What::AnsweredLate { command, .. } => self.on_answered_late(command),
            What::WaitStarted { step, until } => self.on_wait_started(*step, *until, at),
            What::TimerFired { step } => self.on_timer_fired(*step, at),
            What::SignalReceived { step, name, data } => self.on_signal(*step, name, data, at),
            What::WaitFailed { step, error } => self.on_wait_failed(*step, error, at),
            What::Cancelled => self.on_cancelled(),
            What::CompensationForced => self.on_compensation_forced(),
            What::Retried { data } => self.on_retried(data.as_ref()),
            What::CompensationStarted { error } => self.on_compensation_started(error),
            What::Stuck { reason, error } => self.on_stuck(*reason, error, at),
            What::Completed => self.on_completed(at),
            What::FailedCleanly => self.on_failed_cleanly(at),
        };
        legal.map_err(|why| IllegalEvent { status: self.status(), event: event.what.name(), why })
    }

    /// The next place in the order of completion.
    fn next_order(&mut self) -> u32 {
        self.state.completions += 1;
        self.state.completions
    }

    /// A step is done. When it is the last of its stage, the results of the stage go into the data, in the order of
    /// its steps, whichever was done first.
    fn complete(&mut self, index: u32, result: serde_json::Value, at: Timestamp) {
        let order = self.next_order();
        let step = &mut self.state.steps[index as usize];
        step.order = order;
        step.result = result;
        step.forward.state = RunState::Done;
        step.forward.effect = Effect::Yes;
        step.forward.error = None;
        step.forward.ended_at = Some(at);
        let members = self.members();
        let steps = &self.state.steps[members.start as usize..members.end as usize];
        if steps.iter().all(|step| step.forward.state == RunState::Done) {
            steps.iter().for_each(|step| super::payload::merge(&mut self.state.data, &step.result));
            self.state.stage += 1;
        }
    }

    /// A step as errors name it.
    pub(super) fn called(&self, index: u32) -> String {
        let label = self.definition.step(index).map(Step::label).unwrap_or_default();
        format!("the step {index} ('{label}')")
    }

    /// A step has failed for good. What the saga does about it is decided when nothing is under way any more.
    fn give_up(&mut self, index: u32, error: &str) {
        if self.state.is_advancing() {
            self.state.failed = Some(index);
            self.state.error = Some(format!("{} failed: {error}", self.called(index)));
        }
    }
}
