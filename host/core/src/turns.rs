//! Who goes next, of many that compete for the host's places.
//!
//! Higher priority goes first, equals in the order in which they asked; whoever has asked for as long as is allowed
//! goes before all others, the longest waiting first.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::timestamp::Timestamp;

/// Those who wait, each with a ticket.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    last_ticket: u64,
    waiting: BTreeMap<u64, (i32, Timestamp)>,
    by_priority: BTreeSet<(Reverse<i32>, u64)>,
}

// === impl Turns ===

impl Turns {
    /// Joins those who wait; answers the ticket.
    pub fn ask(&mut self, priority: i32, now: Timestamp) -> u64 {
        self.last_ticket += 1;
        self.waiting.insert(self.last_ticket, (priority, now));
        self.by_priority.insert((Reverse(priority), self.last_ticket));
        self.last_ticket
    }

    /// Waits no more.
    pub fn leave(&mut self, ticket: u64) {
        if let Some((priority, _)) = self.waiting.remove(&ticket) {
            self.by_priority.remove(&(Reverse(priority), ticket));
        }
    }

    /// Whose turn it is among those who may; that one waits no more.
    pub fn next(&mut self, now: Timestamp, wait_max: Duration, may: impl Fn(u64) -> bool) -> Option<u64> {
        // Tickets rise with time, so the first one has waited longest.
        let overdue = self.waiting.iter().take_while(|(_, (_, since))| now.since(*since) >= wait_max);
        let overdue = overdue.map(|(ticket, _)| *ticket).find(|ticket| may(*ticket));
        let by_priority = || self.by_priority.iter().map(|(_, ticket)| *ticket).find(|ticket| may(*ticket));
        let ticket = overdue.or_else(by_priority)?;
        self.leave(ticket);
        Some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT_MAX: Duration = Duration::from_secs(10);

    #[test]
    fn priority_then_order_of_asking() {
        let mut turns = Turns::default();
        let tickets = [0, 5, 5, -1].map(|priority| turns.ask(priority, Timestamp(0)));
        turns.leave(tickets[2]);
        let order: Vec<_> = std::iter::from_fn(|| turns.next(Timestamp(1), WAIT_MAX, |_| true)).collect();
        assert_eq!(order, [tickets[1], tickets[0], tickets[3]]);
    }

    #[test]
    fn who_may_not_is_passed_over_and_keeps_the_place_in_line() {
        let mut turns = Turns::default();
        let [first, second] = [9, 0].map(|priority| turns.ask(priority, Timestamp(0)));
        assert_eq!(turns.next(Timestamp(20_000), WAIT_MAX, |ticket| ticket != first), Some(second));
        assert_eq!(turns.next(Timestamp(20_000), WAIT_MAX, |ticket| ticket != first), None);
        assert_eq!(turns.next(Timestamp(20_000), WAIT_MAX, |_| true), Some(first));
    }

    /// Random wishes against a list that is searched: the same one goes first, whoever may.
    #[test]
    fn it_agrees_with_a_naive_model() {
        let mut numbers = 12_345_u64;
        let mut random = move |below: u64| {
            numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (numbers >> 33) % below
        };
        let (mut turns, mut list) = (Turns::default(), Vec::<(u64, i32, Timestamp)>::new());
        for step in 0..20_000 {
            let now = Timestamp(step * 50);
            match random(5) {
                0 | 1 => {
                    let priority = i32::try_from(random(4)).unwrap();
                    list.push((turns.ask(priority, now), priority, now));
                }
                2 if !list.is_empty() => {
                    let at = usize::try_from(random(list.len() as u64)).unwrap();
                    turns.leave(list.remove(at).0);
                }
                _ => {
                    let odd = random(2);
                    let may = |ticket: u64| ticket % 2 == odd;
                    let overdue = list.iter().find(|(ticket, _, since)| now.since(*since) >= WAIT_MAX && may(*ticket));
                    let highest =
                        list.iter().filter(|(ticket, ..)| may(*ticket)).max_by_key(|(t, p, _)| (*p, Reverse(*t)));
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
        let low = turns.ask(i32::MIN, Timestamp(0));
        for ms in (0..20_000).step_by(10) {
            let now = Timestamp(ms);
            turns.ask(i32::MAX, now);
            if turns.next(now, WAIT_MAX, |_| true) == Some(low) {
                assert_eq!(now, Timestamp(10_000));
                return;
            }
        }
        unreachable!("it never had a turn");
    }
}
