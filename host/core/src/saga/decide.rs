//! What a saga wants done now.

use serde_json::{Map, Value};

use super::{CommandId, Direction, Event, IllegalEvent, Notice, Saga, definition::Via};
use crate::{name::ServiceName, timestamp::Timestamp};

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write this down, apply it, and decide again. Of several, in this order and in one commit.
    Journal(Event),
    /// This attempt is to be under way: send it, unless that was done since it was journalled or the saga resumed.
    /// [`Saga::command`] says what it is.
    Send {
        /// The attempt.
        command: CommandId,
        /// When the saga gives its outcome up as lost.
        deadline: Timestamp,
    },
    /// Decide again then, if nothing happens before.
    WaitUntil(Timestamp),
}

/// What is to be committed together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Entries for the journal, in their order.
    pub events: Vec<Event>,
    /// What is told of them.
    pub notices: Vec<Notice>,
}

/// A command as its participant gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command<'a> {
    /// The attempt.
    pub id: CommandId,
    /// The attempt as participants count it: from 1, without those that ended in a pause, and anew once an operator has
    /// it tried again.
    pub attempt: u32,
    /// Its name, as in the step or its compensation.
    pub name: &'a str,
    /// How it gets to its participant.
    pub to: Destination<'a>,
    /// The idempotency key.
    pub key: String,
    /// What it carries.
    pub payload: Map<String, Value>,
}

/// Where a command is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// To a component.
    Component {
        /// The service; none means the one that lists the command.
        service: Option<&'a ServiceName>,
    },
    /// To whoever subscribes; the answer is an event too.
    Event {
        /// The topic.
        topic: &'a str,
    },
    /// To a service, as a POST.
    Http {
        /// The service.
        service: &'a ServiceName,
        /// The path.
        path: &'a str,
    },
}

// === impl Saga ===

impl Saga {
    /// What is to be done now; nothing when the saga has ended, is stuck, or waits for a signal without a time-out.
    ///
    /// Either events to be journalled, or the commands that are to be under way and when to decide again. It may be
    /// asked at any time, and answers the same until something changes. `jitter`, in [0, 1), is the part of an
    /// exponential delay that is kept.
    #[must_use]
    pub fn decide(&self, now: Timestamp, jitter: f64) -> Vec<Action> {
        let due = self.due(now, jitter);
        if !due.is_empty() {
            return due.into_iter().map(|what| Action::Journal(Event { at: now, what })).collect();
        }
        let sends = self.open().map(|(command, deadline)| Action::Send { command, deadline });
        sends.chain(self.deadline().map(Action::WaitUntil)).collect()
    }

    /// Applies an event, if any, and then all that follows from it now. What it answers is to be written in one commit
    /// before anything is sent. If that fails, this saga is ahead of its journal: load it again.
    ///
    /// # Errors
    /// When the event does not fit the state, which stays as it was.
    pub fn advance(&mut self, event: Option<Event>, now: Timestamp, jitter: f64) -> Result<Progress, IllegalEvent> {
        let mut progress = Progress::default();
        if let Some(event) = event {
            self.take(event, &mut progress)?;
        }
        loop {
            // It ends: an attempt, a stage or a phase does each time, and what begins lasts longer than this moment.
            let due = self.due(now, jitter);
            if due.is_empty() {
                return Ok(progress);
            }
            for what in due {
                self.take(Event { at: now, what }, &mut progress)?;
            }
        }
    }

    fn take(&mut self, event: Event, progress: &mut Progress) -> Result<(), IllegalEvent> {
        self.apply(&event)?;
        progress.notices.extend(self.notice(&event));
        progress.events.push(event);
        Ok(())
    }

    /// The command that is to be sent for an attempt; none unless that is open. So a forward command is refused once
    /// its compensation is journalled, and an attempt once it has an outcome.
    #[must_use]
    pub fn command(&self, id: &CommandId) -> Option<Command<'_>> {
        let step = self.definition.command_step(id.step).filter(|_| self.is_open(id))?;
        let name = step.command(id.direction)?;
        let to = match (&step.via, id.direction) {
            (Via::Component { service }, _) => Destination::Component { service: service.as_ref() },
            (Via::Event { topic }, _) => Destination::Event { topic: topic.as_deref().unwrap_or(name) },
            (Via::Http { service, compensation_path: Some(path), .. }, Direction::Compensation)
            | (Via::Http { service, path, .. }, _) => Destination::Http { service, path },
        };
        let attempt = self.state.run(id.step, id.direction)?.counted();
        Some(Command { id: *id, attempt, name, to, key: id.key(&self.id), payload: self.payload(id, step) })
    }
}
