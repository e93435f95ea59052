//! What the world is told of a saga, as events; each belongs into the commit of the journal entry that it tells of.

use serde_json::{Map, Value};

use super::{Direction, Event, Saga, What, run::RunState};

/// An event of the host to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// `saga.started`, `saga.step.completed`, `saga.step.failed`, `saga.compensating`, `saga.completed`, `saga.failed`
    /// or `saga.stuck`.
    pub topic: &'static str,
    /// The payload: `sagaId`, `sagaName`, and what the topic is about.
    pub data: Map<String, Value>,
}

// === impl Saga ===

impl Saga {
    /// What is told of an event that was just applied; nothing of most.
    ///
    /// A step that waits counts as one that has the command null. That a compensation was done or failed is not told:
    /// `saga.failed` and `saga.stuck` are.
    #[must_use]
    pub fn notice(&self, event: &Event) -> Option<Notice> {
        match &event.what {
            What::Started { .. } => Some(self.telling("saga.started", &[("data", self.data().clone().into())])),
            What::Succeeded { command, .. } if command.direction == Direction::Forward => {
                self.telling_of_step(command.step, None)
            }
            What::Failed { command, error, again: None, .. } if command.direction == Direction::Forward => {
                self.telling_of_step(command.step, Some(error))
            }
            What::TimerFired { step } | What::WaitStarted { step, .. } | What::SignalReceived { step, .. } => {
                self.telling_of_step(*step, None)
            }
            What::WaitFailed { step, error } => self.telling_of_step(*step, Some(error)),
            What::CompensationStarted { .. } => Some(self.telling_of_end("saga.compensating")),
            What::Completed => Some(self.telling_of_end("saga.completed")),
            What::FailedCleanly => Some(self.telling_of_end("saga.failed")),
            What::Stuck { .. } => Some(self.telling_of_end("saga.stuck")),
            _ => None,
        }
    }

    fn telling(&self, topic: &'static str, members: &[(&str, Value)]) -> Notice {
        let names = [("sagaId", self.id.as_str()), ("sagaName", self.definition.name())];
        let names = names.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Notice { topic, data: names.chain(members).collect() }
    }

    fn telling_of_end(&self, topic: &'static str) -> Notice {
        let mut notice = self.telling(topic, &[("data", self.data().clone().into())]);
        if let Some(error) = self.error() {
            notice.data.insert("error".to_owned(), error.into());
        }
        notice
    }

    /// A wait that has only begun, and a signal that is kept for later, are no news.
    fn telling_of_step(&self, index: u32, error: Option<&str>) -> Option<Notice> {
        let step = self.state.steps.get(index as usize)?;
        let definition = self.definition.step(index)?;
        let command = definition.command().map_or(Value::Null, |command| command.command.as_str().into());
        let head = [("stepIndex", index.into()), ("step", definition.label().into()), ("command", command)];
        let (topic, last) = match error {
            Some(error) => ("saga.step.failed", ("error", error.into())),
            None => ("saga.step.completed", ("result", step.result.clone())),
        };
        let [a, b, c] = head;
        (error.is_some() || step.forward.state == RunState::Done).then(|| self.telling(topic, &[a, b, c, last]))
    }
}
