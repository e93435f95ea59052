//! Whether a case ended as a saga may end, and its books balance.

use serde_json::Value;
use switchyard_core::saga::{Definition, Status, definition::Undo, event::StuckReason};

use super::{
    books::{Reading, same},
    plan::Case,
};

/// How a saga ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: Status,
    /// What turned it back or stopped it.
    pub(super) error: Option<String>,
    /// Where and why it is stuck.
    pub(super) stuck: Option<(u32, StuckReason)>,
}

/// What the books of a simulated participant say of a step: how often it was done and not undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Net {
    pub(super) step: u32,
    pub(super) times: i64,
}

/// What a book of a real participant says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// As it was asked for.
    pub(super) book: String,
    pub(super) before: Reading,
    pub(super) after: Reading,
}

/// All that is judged.
pub(super) struct Judged<'a> {
    pub(super) definition: &'a Definition,
    pub(super) case: &'a Case,
    pub(super) end: &'a End,
    pub(super) nets: &'a [Net],
    pub(super) books: &'a [Entry],
    /// What the books said after the case without a fault, if that has run.
    pub(super) completed: Option<&'a [Reading]>,
}

// === impl Judged ===

impl Judged<'_> {
    /// What is wrong with it; nothing if all is well.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let error = self.end.error.as_deref().unwrap_or("it does not say why");
        match self.end.status {
            Status::Completed => {}
            status if self.case.trouble.is_none() => {
                wrong.push(format!("without a fault it has to be completed, and is {status}: {error}"));
            }
            Status::Failed => {}
            Status::Stuck if self.end.error.is_none() => wrong.push("it is stuck and does not say why".to_owned()),
            Status::Stuck if self.may_be_stuck() => {}
            status => wrong.push(format!("it may not be {status} here: {error}")),
        }
        wrong.extend(self.nets.iter().filter_map(|net| self.wrong_net(net)));
        wrong.extend(self.books.iter().enumerate().filter_map(|(place, entry)| self.wrong_book(place, entry)));
        wrong
    }

    fn may_be_stuck(&self) -> bool {
        self.end.stuck.is_some_and(|(step, reason)| self.case.may_be_stuck(self.definition, step, reason))
    }

    fn wrong_net(&self, net: &Net) -> Option<String> {
        let step = self.definition.step(net.step)?;
        let expected = match self.end.status {
            Status::Completed => 1,
            Status::Failed if step.command()?.undo == Undo::Irreversible => return None,
            Status::Failed => 0,
            _ => return None,
        };
        (net.times != expected).then(|| {
            let (index, name, times) = (net.step, step.label(), net.times);
            format!("the step {index} ('{name}') was done {times} times and not undone; it should be {expected}")
        })
    }

    fn wrong_book(&self, place: usize, entry: &Entry) -> Option<String> {
        let (expected, when) = match self.end.status {
            Status::Completed => (self.completed?.get(place)?, "after the case without a fault"),
            Status::Failed => (&entry.before, "before the saga"),
            _ => return None,
        };
        let Entry { book, after, .. } = entry;
        (!same(expected, after)).then(|| format!("{book} says {}; {when} it said {}", shown(after), shown(expected)))
    }
}

/// A reading for people.
pub(super) fn shown(reading: &Reading) -> String {
    match reading {
        None => "nothing (404)".to_owned(),
        // A sum of whole numbers is shown as one.
        Some(Value::Number(number)) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use switchyard_core::saga::Direction;

    use super::*;
    use crate::saga_test::plan::{Fault, Trouble};

    const COMPENSATION: Direction = Direction::Compensation;

    /// What is wrong when a saga with this trouble ends so. Its steps are: one to be undone, one that stays.
    fn wrong(trouble: Option<(Direction, bool)>, status: Status, times: [i64; 2], after: Value) -> Vec<String> {
        let definition: Definition = serde_json::from_value(json!({"name": "s", "steps": [
            {"command": "a", "compensation": "x"}, {"command": "b", "irreversible": true},
        ]}))
        .unwrap();
        let trouble =
            trouble.map(|(direction, always)| Trouble { step: 0, direction, fault: Fault::Trap, always, turn: None });
        let error = (status != Status::Completed).then(|| "no".to_owned());
        let judged = Judged {
            definition: &definition,
            case: &Case { number: 1, trouble },
            end: &End { status, error, stuck: Some((0, StuckReason::CompensationFailed)) },
            nets: &[Net { step: 0, times: times[0] }, Net { step: 1, times: times[1] }],
            books: &[Entry { book: "/b".to_owned(), before: Some(json!(5)), after: Some(after) }],
            completed: Some(&[Some(json!(3))]),
        };
        judged.wrong()
    }

    #[test]
    fn completed_is_done_once_and_failed_is_undone() {
        let (fault, well) = (Some((Direction::Forward, false)), Vec::<String>::new());
        assert_eq!(wrong(None, Status::Completed, [1, 1], json!(3.0)), well);
        assert_eq!(wrong(fault, Status::Failed, [0, 0], json!(5)), well);
        // What is irreversible stays.
        assert_eq!(wrong(fault, Status::Failed, [0, 1], json!(5)), well);
        assert_eq!(wrong(fault, Status::Failed, [1, 0], json!(4)).len(), 2);
        assert!(wrong(fault, Status::Failed, [0, 0], json!(4))[0].contains("/b says 4; before the saga it said 5"));
        assert!(wrong(fault, Status::Completed, [1, 2], json!(3))[0].contains("the step 1 ('b') was done 2 times"));
        assert!(wrong(fault, Status::Completed, [1, 1], json!(5))[0].contains("without a fault it said 3"));
        assert_eq!(wrong(None, Status::Failed, [0, 0], json!(5)).len(), 1);
    }

    #[test]
    fn stuck_is_as_it_is_where_it_may_be() {
        assert_eq!(wrong(Some((COMPENSATION, true)), Status::Stuck, [1, 7], json!(1)), Vec::<String>::new());
        assert!(wrong(Some((COMPENSATION, false)), Status::Stuck, [1, 7], json!(1))[0].contains("may not be stuck"));
        assert!(wrong(Some((COMPENSATION, true)), Status::Running, [0, 0], json!(5))[0].contains("may not be running"));
    }
}
