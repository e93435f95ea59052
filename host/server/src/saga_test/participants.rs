//! Participants that the harness plays itself, for commands that no plugin takes.
//!
//! They are as participants should be: each command is carried out once for its key, what was done is undone once, and
//! what was not done is undone without doing anything. Their books are in memory and outlive the hosts of a case, as a
//! real service's would.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use switchyard_core::saga::{CommandId, Direction};

/// The books of all steps.
#[derive(Debug, Default)]
pub(super) struct Participants(Mutex<BTreeMap<u32, Step>>);

/// The books of one step.
#[derive(Debug, Default)]
struct Step {
    /// The keys that were seen.
    keys: BTreeSet<String>,
    done: i64,
    undone: i64,
}

// === impl Participants ===

impl Participants {
    /// Carries a command out, once for its key.
    pub(super) fn carry_out(&self, command: CommandId, key: &str) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let step = books.entry(command.step).or_default();
        if step.keys.insert(key.to_owned()) {
            match command.direction {
                Direction::Forward => step.done += 1,
                Direction::Compensation => step.undone = step.done.min(step.undone + 1),
            }
        }
    }

    /// How often a step was done and not undone.
    pub(super) fn net(&self, step: u32) -> i64 {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.get(&step).map_or(0, |step| step.done - step.undone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_counts_once_and_what_was_not_done_is_not_undone() {
        let books = Participants::default();
        let does = |direction, round| {
            let command = CommandId { step: 3, direction, round, attempt: 1 };
            books.carry_out(command, &command.key(&"s".parse().unwrap()));
            books.net(3)
        };
        assert_eq!(does(Direction::Compensation, 1), 0);
        assert_eq!((does(Direction::Forward, 1), does(Direction::Forward, 1)), (1, 1));
        assert_eq!((does(Direction::Compensation, 1), does(Direction::Compensation, 2)), (1, 0));
        assert_eq!((does(Direction::Forward, 2), books.net(4)), (1, 0));
    }
}
