//! From the JSON of a definition to its steps: what is not one of the three kinds of step is refused.

use super::{RawDefinition, RawRetry, RawStep, RawVia, RawWait};
use crate::{
    name::Digest,
    saga::definition::{
        CommandStep, DEFAULT_TIMEOUT, Definition, InvalidDefinition, InvalidStep, Retry, Stage, Step, Undo, Via, Wait,
        Work,
    },
};

// === impl Definition ===

impl TryFrom<RawDefinition> for Definition {
    type Error = InvalidDefinition;

    fn try_from(raw: RawDefinition) -> Result<Self, Self::Error> {
        let (mut steps, mut stages) = (Vec::new(), Vec::new());
        for mut raw in raw.steps {
            let is_parallel = raw.parallel.is_some();
            let first = index(&steps);
            let members = match raw.parallel.take() {
                None => vec![raw],
                Some(members) if raw == RawStep::default() => members,
                Some(_) => return Err(raw.invalid(first, InvalidStep::GroupMembers)),
            };
            for member in members {
                let step = member.clone().step().map_err(|invalid| member.invalid(index(&steps), invalid))?;
                steps.push(step);
            }
            stages.push(Stage { first, count: index(&steps) - first, is_parallel });
        }
        let (name, on_failure) = (raw.name, raw.on_failure);
        let mut definition = Self { name, on_failure, steps, stages, digest: Digest::of(&[]) };
        // By what it says, not by how that was written. Strings, numbers and maps with string keys always serialise.
        let canonical = serde_json::to_vec(&RawDefinition::from(definition.clone())).unwrap_or_default();
        definition.digest = Digest::of(&canonical);
        Ok(definition)
    }
}

fn index(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

// === impl RawStep ===

impl RawStep {
    fn invalid(&self, index: u32, invalid: InvalidStep) -> InvalidDefinition {
        let label = self.name.as_ref().or(self.command.as_ref()).cloned().unwrap_or_default();
        InvalidDefinition::Step { index, label, invalid }
    }

    fn step(mut self) -> Result<Step, InvalidStep> {
        let name = self.name.take();
        let work = match (self.command.take(), self.wait.take()) {
            _ if self.parallel.is_some() => return Err(InvalidStep::NestedGroup),
            (Some(command), None) => Work::Command(Box::new(self.command_step(command)?)),
            (None, Some(wait)) if self == Self::default() => Work::Wait(wait.wait()?),
            (None, Some(_)) => return Err(InvalidStep::WaitMembers),
            _ => return Err(InvalidStep::Nothing),
        };
        Ok(Step { name, work })
    }

    fn command_step(self, command: String) -> Result<CommandStep, InvalidStep> {
        let retry = |raw: Option<RawRetry>| {
            raw.map_or_else(Retry::default, |raw| Retry { max_attempts: raw.max_attempts, backoff: raw.backoff })
        };
        let undo = match (self.compensation, self.irreversible) {
            (Some(_), true) => return Err(InvalidStep::UndoTwice),
            (Some(compensation), false) => Undo::Compensation(compensation),
            (None, true) => Undo::Irreversible,
            (None, false) => Undo::Unsaid,
        };
        let via = match (self.via.unwrap_or_default(), self.service, self.topic, self.path, self.compensation_path) {
            (RawVia::Component, service, None, None, None) => Via::Component { service },
            (RawVia::Event, None, topic, None, None) => Via::Event { topic },
            (RawVia::Http, Some(service), None, Some(path), compensation_path) => {
                Via::Http { service, path, compensation_path }
            }
            _ => return Err(InvalidStep::Via),
        };
        Ok(CommandStep {
            command,
            data: self.data,
            undo,
            timeout: self.timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.0),
            retry: retry(self.retry),
            compensation_retry: retry(self.compensation_retry),
            pivot: self.pivot,
            via,
        })
    }
}

// === impl RawWait ===

impl RawWait {
    fn wait(self) -> Result<Wait, InvalidStep> {
        match (self.signal, self.timer, self.timeout) {
            (Some(name), None, timeout) => Ok(Wait::Signal { name, timeout }),
            (None, Some(after), None) => Ok(Wait::Timer(after)),
            _ => Err(InvalidStep::Wait),
        }
    }
}
