//! Who goes next, of many that compete for the host's places.
//!
//! Higher priority goes first, equals in the order in which they asked; whoever has asked for as long as is allowed
//! goes before all others, the longest waiting first. Those who wait are in groups, of which each may go on or not as a
//! whole: so a group that may not costs one look, however many of it wait.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::timestamp::Timestamp;

/// Those who wait, each with a ticket.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    last_ticket: u64,
    /// Of each ticket its group; tickets are never used twice.
    tickets: HashMap<u64, Arc<str>>,
    groups: BTreeMap<Arc<str>, Group>,
}

/// Those of one group; never empty.
#[derive(Clone, Debug, Default)]
struct Group {
    waiting: BTreeMap<u64, (i32, Timestamp)>,
    by_priority: BTreeSet<(Reverse<i32>, u64)>,
}

// === impl Turns ===

impl Turns {
    /// Joins those who wait; answers the ticket.
    pub fn ask(&mut self, group: &Arc<str>, priority: i32, now: Timestamp) -> u64 {
        self.last_ticket += 1;
        self.tickets.insert(self.last_ticket, Arc::clone(group));
        let group = self.groups.entry(Arc::clone(group)).or_default();
        group.waiting.insert(self.last_ticket, (priority, now));
        group.by_priority.insert((Reverse(priority), self.last_ticket));
        self.last_ticket
    }

    /// Waits no more.
    pub fn leave(&mut self, ticket: u64) {
        let Some(name) = self.tickets.remove(&ticket) else { return };
        let Some(group) = self.groups.get_mut(&name) else { return };
        if let Some((priority, _)) = group.waiting.remove(&ticket) {
            group.by_priority.remove(&(Reverse(priority), ticket));
        }
        if group.waiting.is_empty() {
            self.groups.remove(&name);
        }
    }

    /// Whose turn it is among the groups that may; that one waits no more.
    pub fn next(&mut self, now: Timestamp, wait_max: Duration, may: impl Fn(&str) -> bool) -> Option<u64> {
        let (mut overdue, mut first) = (None, None);
        for group in self.groups.iter().filter(|(name, _)| may(name)).map(|(_, group)| group) {
            // Tickets rise with time, so the first one has waited longest.
            let longest = group.waiting.first_key_value().filter(|(_, (_, since))| now.since(*since) >= wait_max);
            overdue = [overdue, longest.map(|(ticket, _)| *ticket)].into_iter().flatten().min();
            first = [first, group.by_priority.first().copied()].into_iter().flatten().min();
        }
        let ticket = overdue.or(first.map(|(_, ticket)| ticket))?;
        self.leave(ticket);
        Some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT_MAX: Duration = Duration::from_secs(10);

    fn group(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn priority_then_order_of_asking() {
        let mut turns = Turns::default();
        let tickets = [0, 5, 5, -1].map(|priority| turns.ask(&group("a"), priority, Timestamp(0)));
        turns.leave(tickets[2]);
        let order: Vec<_> = std::iter::from_fn(|| turns.next(Timestamp(1), WAIT_MAX, |_| true)).collect();
        assert_eq!(order, [tickets[1], tickets[0], tickets[3]]);
    }

    #[test]
    fn who_may_not_is_passed_over_and_keeps_the_place_in_line() {
        let mut turns = Turns::default();
        let [first, second] =
            [("a", 9), ("b", 0)].map(|(name, priority)| turns.ask(&group(name), priority, Timestamp(0)));
        assert_eq!(turns.next(Timestamp(20_000), WAIT_MAX, |name| name != "a"), Some(second));
        assert_eq!(turns.next(Timestamp(20_000), WAIT_MAX, |name| name != "a"), None);
        assert_eq!(turns.next(Timestamp(20_000), WAIT_MAX, |_| true), Some(first));
        assert!(turns.groups.is_empty() && turns.tickets.is_empty());
    }

    /// Random wishes against a list that is searched: the same one goes first, whoever may.
    #[test]
    fn it_agrees_with_a_naive_model() {
        let mut numbers = 12_345_u64;
        let mut random = move |below: u64| {
            numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (numbers >> 33) % below
        };
        let (mut turns, mut list) = (Turns::default(), Vec::<(u64, i32, Timestamp, &str)>::new());
        for step in 0..20_000 {
            let now = Timestamp(step * 50);
            match random(5) {
                0 | 1 => {
                    let priority = i32::try_from(random(4)).unwrap();
                    let name = ["a", "b", "c"][usize::try_from(random(3)).unwrap()];
                    list.push((turns.ask(&group(name), priority, now), priority, now, name));
                }
                2 if !list.is_empty() => {
                    let at = usize::try_from(random(list.len() as u64)).unwrap();
                    turns.leave(list.remove(at).0);
                }
                _ => {
                    let not = ["a", "b", "c"][usize::try_from(random(3)).unwrap()];
                    let may = |name: &str| name != not;
                    let overdue = list.iter().find(|(_, _, since, name)| now.since(*since) >= WAIT_MAX && may(name));
                    let allowed = list.iter().filter(|(_, _, _, name)| may(name));
                    let highest = allowed.max_by_key(|(t, p, ..)| (*p, Reverse(*t)));
                    let expected = overdue.or(highest).map(|(ticket, ..)| *ticket);
                    assert_eq!(turns.next(now, WAIT_MAX, may), expected);
                    list.retain(|(ticket, ..)| Some(*ticket) != expected);
                }
            }
        }
    }

    #[test]
    fn the_lowest_waits_no_longer_than_is_allowed() {
        let mut turns = Turns::default();
        let low = turns.ask(&group("low"), i32::MIN, Timestamp(0));
        for ms in (0..20_000).step_by(10) {
            let now = Timestamp(ms);
            turns.ask(&group("high"), i32::MAX, now);
            if turns.next(now, WAIT_MAX, |_| true) == Some(low) {
                assert_eq!(now, Timestamp(10_000));
                return;
            }
        }
        unreachable!("it never had a turn");
    }
}
