//! Whether a definition holds: what JSON and types alone cannot say, refused by step and with the remedy.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use super::{
    CommandStep, Definition, InvalidDefinition, InvalidStep, PARALLEL_MAX, Retry, STEPS_MAX, Step, Undo, Via, Wait,
    Work,
};
use crate::{
    event::topic,
    manifest::{ATTEMPTS_MAX, Backoff},
    saga::{DATA_MAX, id::is_name, payload::object_size},
    units::HumanDuration,
};

/// How long an attempt may take.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(30 * 24 * 3600);

/// How long a step may wait for a signal or by a timer.
const WAIT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(366 * 24 * 3600);

/// The delays between attempts that can be asked for.
const BACKOFF: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

/// The longest path, in bytes.
const PATH_MAX: usize = 2_048;

// === impl Definition ===

impl Definition {
    /// Checks everything that the shape does not say.
    ///
    /// # Errors
    /// With the first member that does not hold, and what would.
    pub fn check(&self) -> Result<(), InvalidDefinition> {
        if !is_name(&self.name) {
            return Err(InvalidDefinition::Name(self.name.clone()));
        }
        match self.steps.len() {
            0 if self.stages.is_empty() => return Err(InvalidDefinition::NoSteps),
            count if count > STEPS_MAX => return Err(InvalidDefinition::TooManySteps(count)),
            _ => {}
        }
        let pivot = self.pivot();
        let mut names = BTreeSet::new();
        for stage in &self.stages {
            let members = stage.first..stage.first + stage.count;
            if !(1..=PARALLEL_MAX).contains(&members.len()) {
                return Err(self.invalid(stage.first, InvalidStep::GroupSize(stage.count)));
            }
            for index in members {
                let step = &self.steps[index as usize];
                let checked = step.check().and_then(|()| match step.command() {
                    Some(command) => command.check_undo(index, pivot, stage.is_parallel),
                    None => Ok(()),
                });
                checked.map_err(|invalid| self.invalid(index, invalid))?;
                if let Some(name) = step.name.as_ref().filter(|name| !names.insert(name.as_str())) {
                    return Err(self.invalid(index, InvalidStep::Twice(name.clone())));
                }
            }
        }
        let data = self.steps.iter().filter_map(Step::command).map(|step| object_size(&step.data)).sum();
        if data > DATA_MAX { Err(InvalidDefinition::DataTooLarge(data)) } else { Ok(()) }
    }

    fn invalid(&self, index: u32, invalid: InvalidStep) -> InvalidDefinition {
        let label = self.step(index).map(|step| step.label().into_owned()).unwrap_or_default();
        InvalidDefinition::Step { index, label, invalid }
    }
}

// === impl Step ===

impl Step {
    fn check(&self) -> Result<(), InvalidStep> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        match &self.work {
            Work::Command(command) => command.check(),
            Work::Wait(Wait::Timer(HumanDuration(after))) => check_wait(Some(*after)),
            Work::Wait(Wait::Signal { name, timeout }) => {
                check_name(name)?;
                check_wait(timeout.map(|timeout| timeout.0))
            }
        }
    }
}

// === impl CommandStep ===

impl CommandStep {
    fn check(&self) -> Result<(), InvalidStep> {
        check_name(&self.command)?;
        let compensation = match &self.undo {
            Undo::Compensation(command) => Some(command),
            Undo::Irreversible | Undo::Unsaid => None,
        };
        compensation.map_or(Ok(()), |command| check_name(command))?;
        match &self.via {
            Via::Component { .. } => {}
            Via::Event { topic: Some(topic) } => topic::check(topic)?,
            Via::Event { topic: None } => {
                [Some(&self.command), compensation]
                    .into_iter()
                    .flatten()
                    .try_for_each(|command| topic::check(command))?;
            }
            Via::Http { path, compensation_path, .. } => {
                [Some(path), compensation_path.as_ref()].into_iter().flatten().try_for_each(|path| check_path(path))?;
            }
        }
        if !TIMEOUT.contains(&self.timeout) {
            return Err(InvalidStep::Timeout);
        }
        [self.retry, self.compensation_retry].into_iter().try_for_each(Retry::check)
    }

    /// Whether the way back is clear up to the pivot. After it there is none, so nothing is asked of those steps.
    fn check_undo(&self, index: u32, pivot: Option<u32>, is_parallel: bool) -> Result<(), InvalidStep> {
        match pivot {
            Some(pivot) if self.pivot && pivot != index => Err(InvalidStep::SecondPivot(pivot)),
            _ if self.pivot && is_parallel => Err(InvalidStep::PivotInGroup),
            _ if self.undo == Undo::Unsaid && pivot.is_none_or(|pivot| index < pivot) => Err(InvalidStep::NoUndo),
            _ => Ok(()),
        }
    }
}

// === impl Retry ===

impl Retry {
    fn check(self) -> Result<(), InvalidStep> {
        let (Backoff::Linear(HumanDuration(delay)) | Backoff::Exponential(HumanDuration(delay))) = self.backoff;
        if !(1..=ATTEMPTS_MAX).contains(&self.max_attempts) {
            return Err(InvalidStep::Attempts);
        }
        if BACKOFF.contains(&delay) { Ok(()) } else { Err(InvalidStep::Backoff) }
    }
}

fn check_name(name: &str) -> Result<(), InvalidStep> {
    if is_name(name) { Ok(()) } else { Err(InvalidStep::Name(name.to_owned())) }
}

fn check_wait(time: Option<Duration>) -> Result<(), InvalidStep> {
    if time.is_none_or(|time| WAIT.contains(&time)) { Ok(()) } else { Err(InvalidStep::WaitTime) }
}

fn check_path(path: &str) -> Result<(), InvalidStep> {
    let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'?' | b'#');
    let holds = path.starts_with('/') && path.len() <= PATH_MAX && path.bytes().all(is_plain);
    if holds { Ok(()) } else { Err(InvalidStep::Path(path.to_owned())) }
}
