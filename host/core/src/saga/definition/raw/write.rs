//! From a definition back to its JSON, without the members that say what holds anyway.

use super::{RawDefinition, RawRetry, RawStep, RawVia, RawWait};
use crate::{
    saga::definition::{CommandStep, DEFAULT_TIMEOUT, Definition, Retry, Step, Undo, Via, Wait, Work},
    units::HumanDuration,
};

// === impl RawDefinition ===

impl From<Definition> for RawDefinition {
    fn from(definition: Definition) -> Self {
        let mut rest = definition.steps.into_iter().map(RawStep::from);
        let mut steps = Vec::with_capacity(definition.stages.len());
        for stage in definition.stages {
            let members = rest.by_ref().take(stage.count as usize);
            if stage.is_parallel {
                steps.push(RawStep { parallel: Some(members.collect()), ..RawStep::default() });
            } else {
                steps.extend(members);
            }
        }
        Self { name: definition.name, on_failure: definition.on_failure, steps }
    }
}

// === impl RawStep ===

impl From<Step> for RawStep {
    fn from(step: Step) -> Self {
        let raw = match step.work {
            Work::Wait(wait) => Self { wait: Some(wait.into()), ..Self::default() },
            Work::Command(step) => (*step).into(),
        };
        Self { name: step.name, ..raw }
    }
}

impl From<CommandStep> for RawStep {
    fn from(step: CommandStep) -> Self {
        let retry = |retry: Retry| {
            (retry != Retry::default()).then_some(RawRetry { max_attempts: retry.max_attempts, backoff: retry.backoff })
        };
        let raw = match step.via {
            Via::Component { service } => Self { service, ..Self::default() },
            Via::Event { topic } => Self { via: Some(RawVia::Event), topic, ..Self::default() },
            Via::Http { service, path, compensation_path } => Self {
                via: Some(RawVia::Http),
                service: Some(service),
                path: Some(path),
                compensation_path,
                ..Self::default()
            },
        };
        Self {
            command: Some(step.command),
            data: step.data,
            irreversible: step.undo == Undo::Irreversible,
            compensation: match step.undo {
                Undo::Compensation(command) => Some(command),
                Undo::Irreversible | Undo::Unsaid => None,
            },
            pivot: step.pivot,
            timeout: (step.timeout != DEFAULT_TIMEOUT).then_some(HumanDuration(step.timeout)),
            retry: retry(step.retry),
            compensation_retry: retry(step.compensation_retry),
            ..raw
        }
    }
}

// === impl RawWait ===

impl From<Wait> for RawWait {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Signal { name, timeout } => Self { signal: Some(name), timeout, timer: None },
            Wait::Timer(after) => Self { timer: Some(after), ..Self::default() },
        }
    }
}
