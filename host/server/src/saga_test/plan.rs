//! Which cases a definition is tried under: one without a fault, then each fault at each command and each compensation.
//!
//! A compensation has to be provoked. The step at which the saga turns back is the pivot, else the last command; it
//! rejects, so that everything before it is undone. Where that step itself is to be undone, its answers get lost
//! instead: then it may have been done.

use clap::ValueEnum;
use serde::Serialize;
use switchyard_core::saga::{
    Definition, Direction,
    definition::{OnFailure, Undo},
    event::StuckReason,
};

/// The most cases of one run.
pub(super) const CASES_MAX: usize = 2_000;

/// What goes wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fault {
    /// It is rejected, and nothing is done
    Fail,
    /// It fails once without doing anything, then works
    Retry,
    /// Nothing is done, and no answer ever comes
    TimeOut,
    /// It is done, and the answer is lost
    Trap,
    /// It is carried out twice under the same key
    Twice,
    /// It is done, and the answer comes after the deadline
    Late,
    /// The host dies before it is sent
    CrashAfterIntent,
    /// The host dies after it was done, before the answer is recorded
    CrashAfterEffect,
}

/// Which cases are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Only {
    /// Those of this step.
    pub(super) step: Option<u32>,
    /// Those of this fault.
    pub(super) fault: Option<Fault>,
}

/// One saga that is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// From 0, which has no fault.
    pub(super) number: usize,
    pub(super) trouble: Option<Trouble>,
}

/// What goes wrong in a case, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) step: u32,
    pub(super) direction: Direction,
    pub(super) fault: Fault,
    /// With every attempt; else with the first one.
    pub(super) always: bool,
    /// How the saga is made to turn back, when it is a compensation that goes wrong.
    pub(super) turn: Option<Turn>,
}

/// What makes a saga turn back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The step that does not succeed.
    pub(super) step: u32,
    /// Whether it is done and its answers are lost; else it rejects.
    pub(super) loses: bool,
}

/// The cases of a definition, in the order in which they are shown. `impossible` says which faults the participant of
/// a step cannot be given.
pub(super) fn cases(definition: &Definition, only: Only, impossible: impl Fn(u32, Fault) -> bool) -> Vec<Case> {
    let mut troubles = Vec::new();
    for step in commands(definition).filter(|step| only.step.is_none_or(|only| only == *step)) {
        let faults = Fault::value_variants().iter().copied();
        let faults: Vec<_> =
            faults.filter(|fault| only.fault.is_none_or(|only| only == *fault) && !impossible(step, *fault)).collect();
        let trouble = |direction, fault, always, turn| Trouble { step, direction, fault, always, turn };
        troubles.extend(faults.iter().map(|fault| trouble(Direction::Forward, *fault, false, None)));
        let Some(turn) = turn(definition, step) else { continue };
        for fault in faults {
            troubles.push(trouble(Direction::Compensation, fault, false, Some(turn)));
            if fault.can_last() {
                troubles.push(trouble(Direction::Compensation, fault, true, Some(turn)));
            }
        }
    }
    let troubles = std::iter::once(None).chain(troubles.into_iter().map(Some));
    troubles.enumerate().map(|(number, trouble)| Case { number, trouble }).collect()
}

fn commands(definition: &Definition) -> impl DoubleEndedIterator<Item = u32> {
    let steps = u32::try_from(definition.steps().len()).unwrap_or(u32::MAX);
    (0..steps).filter(|step| definition.command_step(*step).is_some())
}

/// What makes this step be undone; none when it never is.
fn turn(definition: &Definition, step: u32) -> Option<Turn> {
    let Undo::Compensation(_) = definition.command_step(step)?.undo else { return None };
    let last = definition.pivot().or_else(|| commands(definition).next_back())?;
    (step <= last).then_some(Turn { step: last, loses: step == last })
}

// === impl Fault ===

impl Fault {
    /// The word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Retry => "retry",
            Self::TimeOut => "time-out",
            Self::Trap => "trap",
            Self::Twice => "twice",
            Self::Late => "late",
            Self::CrashAfterIntent => "crash-after-intent",
            Self::CrashAfterEffect => "crash-after-effect",
        }
    }

    /// Whether it rests on what a participant has answered, and on when.
    pub(super) fn holds_answers(self) -> bool {
        matches!(self, Self::Trap | Self::Twice | Self::Late | Self::CrashAfterEffect)
    }

    /// Whether a compensation is tried with it at every attempt too.
    fn can_last(self) -> bool {
        matches!(self, Self::Fail | Self::TimeOut | Self::Trap | Self::Late)
    }
}

// === impl Case ===

impl Case {
    /// The id of its saga.
    pub(super) fn id(&self) -> String {
        format!("case-{}", self.number)
    }

    /// Whether its saga may be stuck at this step for this reason. A step that failed may have done so for want of time,
    /// so it is not asked whether it was to fail.
    pub(super) fn may_be_stuck(&self, definition: &Definition, step: u32, reason: StuckReason) -> bool {
        match reason {
            StuckReason::StepFailed | StuckReason::PivotUnknown => {
                let is_past = definition.pivot().is_some_and(|pivot| step >= pivot);
                is_past || definition.on_failure() == OnFailure::Stuck
            }
            StuckReason::CompensationFailed => {
                let at_it = |trouble: &Trouble| (trouble.step, trouble.direction) == (step, Direction::Compensation);
                let Some(trouble) = self.trouble.filter(at_it) else { return false };
                let attempts = definition.command_step(step).map_or(1, |step| step.compensation_retry.max_attempts);
                trouble.always || trouble.fault == Fault::Fail || attempts == 1
            }
            StuckReason::Crashes => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn definition(steps: Value) -> Definition {
        let definition: Definition = serde_json::from_value(json!({"name": "s", "steps": steps})).unwrap();
        definition.check().unwrap();
        definition
    }

    fn all(definition: &Definition) -> Vec<Case> {
        cases(definition, Only::default(), |_, _| false)
    }

    /// How the saga turns back where a compensation of this step is tried.
    fn turn_of(cases: &[Case], step: u32) -> Option<Turn> {
        let mut troubles = cases.iter().filter_map(|case| case.trouble);
        troubles.find(|trouble| (trouble.step, trouble.direction) == (step, Direction::Compensation))?.turn
    }

    #[test]
    fn every_command_and_every_compensation_gets_every_fault() {
        let definition = definition(json!([
            {"command": "a", "compensation": "undo-a"},
            {"wait": {"timer": "1s"}},
            {"command": "b", "irreversible": true},
            {"command": "c", "compensation": "undo-c"},
        ]));
        let cases = all(&definition);
        // Eight ways for each of three commands, and twelve for each of two compensations.
        assert_eq!(cases.len(), 1 + 3 * 8 + 2 * 12);
        assert_eq!((cases[0].trouble, cases[7].id().as_str()), (None, "case-7"));
        assert!(cases.iter().all(|case| case.trouble.is_none_or(|trouble| trouble.step != 1)));
        // The last command cannot reject what it is then to undo.
        assert_eq!(turn_of(&cases, 0), Some(Turn { step: 3, loses: false }));
        assert_eq!(turn_of(&cases, 3), Some(Turn { step: 3, loses: true }));
        assert_eq!(turn_of(&cases, 2), None);
    }

    #[test]
    fn at_the_pivot_the_saga_turns_back_and_after_it_nothing_is_undone() {
        let steps = |pivot: Value| {
            definition(json!([{"command": "a", "compensation": "x"}, pivot, {"command": "c", "compensation": "z"}]))
        };
        let cases = all(&steps(json!({"command": "p", "pivot": true})));
        assert_eq!(turn_of(&cases, 0), Some(Turn { step: 1, loses: false }));
        assert_eq!((turn_of(&cases, 1), turn_of(&cases, 2)), (None, None));
        let cases = all(&steps(json!({"command": "p", "pivot": true, "compensation": "y"})));
        assert_eq!(turn_of(&cases, 1), Some(Turn { step: 1, loses: true }));
    }

    #[test]
    fn cases_can_be_chosen_and_left_out() {
        let definition =
            definition(json!([{"command": "a", "compensation": "x"}, {"command": "b", "irreversible": true}]));
        let of_step = cases(&definition, Only { step: Some(1), fault: None }, |_, _| false);
        assert_eq!(of_step.len(), 1 + 8);
        let of_fault = cases(&definition, Only { step: None, fault: Some(Fault::Trap) }, |_, _| false);
        assert_eq!(of_fault.len(), 1 + 2 + 2);
        let possible = cases(&definition, Only::default(), |step, fault| step == 0 && fault.holds_answers());
        assert_eq!(possible.len(), 1 + 4 + 6 + 8);
    }

    #[test]
    fn only_what_cannot_be_undone_or_went_past_the_pivot_may_be_stuck() {
        use Direction::{Compensation, Forward};
        use StuckReason::{CompensationFailed, Crashes, PivotUnknown, StepFailed};
        let definition = definition(json!([
            {"command": "a", "compensation": "x"},
            {"command": "b", "compensation": "y", "compensationRetry": {"maxAttempts": 1}},
            {"command": "p", "pivot": true},
            {"command": "d"},
        ]));
        let may = |step, direction, fault, always, reason| {
            let trouble = Trouble { step, direction, fault, always, turn: None };
            Case { number: 1, trouble: Some(trouble) }.may_be_stuck(&definition, step, reason)
        };
        assert!(!may(0, Forward, Fault::Fail, false, StepFailed));
        assert!(may(2, Forward, Fault::Trap, false, PivotUnknown) && may(3, Forward, Fault::Fail, false, StepFailed));
        assert!(may(0, Compensation, Fault::Trap, true, CompensationFailed));
        assert!(may(0, Compensation, Fault::Fail, false, CompensationFailed));
        assert!(may(1, Compensation, Fault::Late, false, CompensationFailed));
        assert!(!may(0, Compensation, Fault::Trap, false, CompensationFailed));
        assert!(!may(0, Forward, Fault::Trap, false, CompensationFailed));
        assert!(!may(2, Forward, Fault::CrashAfterEffect, false, Crashes));
        let other = Trouble { step: 0, direction: Compensation, fault: Fault::Trap, always: true, turn: None };
        assert!(!Case { number: 1, trouble: Some(other) }.may_be_stuck(&definition, 1, CompensationFailed));
    }
}
