//! From which lane of a queue the next message comes.
//!
//! The highest priority goes first; but a lane whose head is ready, and which was not served, for as long as is
//! allowed, goes before all others, the longest waiting first. So under any load the head of a lane waits at most that
//! long, and for the other lanes that are overdue already: nine messages.

use std::time::Duration;

use crate::{message::PRIORITY_MAX, timestamp::Timestamp};

/// How many lanes a queue has: one for each priority.
pub const LANES: usize = PRIORITY_MAX as usize + 1;

/// What is known of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Since when its first message is ready; none when no message is.
    pub ready_since: Option<Timestamp>,
    /// When a message was taken from it last, as far as is known.
    pub served: Option<Timestamp>,
}

/// The lane that goes next, by its priority.
#[must_use]
pub fn choose(now: Timestamp, wait_max: Duration, lanes: &[Lane; LANES]) -> Option<usize> {
    let waiting = |lane: &Lane| Some(lane.ready_since?.max(lane.served.unwrap_or(Timestamp(0))));
    let overdue = lanes
        .iter()
        .enumerate()
        .filter_map(|(priority, lane)| Some((waiting(lane)?, priority)))
        .filter(|(since, _)| now.since(*since) >= wait_max)
        .min_by_key(|(since, priority)| (*since, std::cmp::Reverse(*priority)));
    overdue.map(|(_, priority)| priority).or_else(|| lanes.iter().rposition(|lane| lane.ready_since.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT_MAX: Duration = Duration::from_secs(10);

    #[test]
    fn the_highest_goes_first() {
        let mut lanes = [Lane::default(); LANES];
        assert_eq!(choose(Timestamp(0), WAIT_MAX, &lanes), None);
        for priority in [0, 5] {
            lanes[priority].ready_since = Some(Timestamp(0));
        }
        assert_eq!(choose(Timestamp(9_999), WAIT_MAX, &lanes), Some(5));
    }

    /// Serves one message each 100 ms from lanes that are never empty, and answers how long each lane waited at most.
    #[test]
    fn no_lane_starves_behind_busy_ones() {
        let mut lanes = [Lane { ready_since: Some(Timestamp(0)), served: None }; LANES];
        let (mut waited, mut served) = ([Duration::ZERO; LANES], [0; LANES]);
        for step in 0..6_000 {
            let now = Timestamp(step * 100);
            let lane = choose(now, WAIT_MAX, &lanes).expect("all are ready");
            let since = lanes[lane].served.unwrap_or(Timestamp(0));
            waited[lane] = waited[lane].max(now.since(since));
            served[lane] += 1;
            lanes[lane].served = Some(now);
        }
        let bound = WAIT_MAX + Duration::from_millis(100 * LANES as u64);
        assert!(waited.iter().all(|waited| *waited <= bound), "{waited:?}");
        assert!(served[9] > served[0] * 5, "{served:?}");
    }
}
