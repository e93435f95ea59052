//! What moves a rollout, and what does not.

use proptest::prelude::*;

use super::*;

const PACES: [Pace; 2] = [Pace::Quick, Pace::Careful];
const FAST: Duration = Duration::from_millis(10);

/// Two versions under a rollout, and a clock.
struct Bench {
    now: Instant,
    old: Tally,
    new: Tally,
    refusing: (bool, bool),
    rollout: Rollout,
}

impl Bench {
    fn new(pace: Pace) -> Self {
        Self::after(pace, Tally::default(), Tally::default())
    }

    fn after(pace: Pace, old: Tally, new: Tally) -> Self {
        let now = Instant::now();
        let sight = Sight { old: &old, new: &new, is_old_refusing: false, is_new_refusing: false };
        let rollout = Rollout::begin(now, pace, sight);
        Self { now, refusing: (false, false), rollout, old, new }
    }

    /// So many calls of the whole service, by the shares of the moment; `failing` of a hundred of the new one fail.
    fn calls(&mut self, count: u64, failing: u64) {
        let share = u64::from(self.rollout.percent());
        for at in 0..count {
            if at % 100 < share {
                let nth = self.new.calls();
                self.new.record(FAST, nth % 100 < failing);
            } else {
                self.old.record(FAST, false);
            }
        }
    }

    fn wait(&mut self, time: Duration) -> Option<Move> {
        self.now += time;
        let sight = Sight {
            old: &self.old,
            new: &self.new,
            is_old_refusing: self.refusing.0,
            is_new_refusing: self.refusing.1,
        };
        self.rollout.poll(self.now, sight)
    }
}

#[test]
fn it_grows_step_by_step_and_is_done() {
    for pace in PACES {
        let mut bench = Bench::new(pace);
        for pair in pace.steps().windows(2) {
            bench.calls(10_000, 0);
            assert_eq!(bench.wait(pace.step_min() - Duration::from_millis(1)), None, "too early");
            let moved = bench.wait(Duration::from_millis(1));
            assert_eq!(moved, Some(Move::Grow { from: pair[0], to: pair[1] }));
            assert_eq!(bench.rollout.percent(), pair[1]);
        }
        bench.calls(CALLS_MIN, 0);
        assert_eq!(bench.wait(pace.step_min()), Some(Move::Done));
        assert_eq!((bench.wait(STEP_MAX), bench.rollout.percent()), (None, 0));
    }
}

#[test]
fn a_share_waits_for_its_calls_for_an_hour() {
    let mut bench = Bench::new(Pace::Quick);
    bench.calls(400, 0);
    assert_eq!(bench.new.calls(), 40, "fewer than are enough");
    assert_eq!(bench.wait(STEP_MAX - Duration::from_secs(1)), None);
    assert_eq!(bench.wait(Duration::from_secs(1)), Some(Move::Grow { from: 10, to: 50 }));
    bench.new.record(FAST, false);
    assert_eq!(bench.wait(STEP_MAX / 2), None);
    bench.new.record(FAST, true);
    assert_eq!(bench.wait(Duration::ZERO), None, "two calls are no rate");
    let Some(Move::Back(back)) = bench.wait(STEP_MAX / 2) else { panic!("an hour has shown that it fails") };
    assert_eq!(back.to_string(), "rolled back at 50 %: 50.0 % of 2 calls failed, 0.0 % of the old version's");
}

#[test]
fn one_that_fails_more_often_goes_back_as_soon_as_that_can_be_told() {
    let mut bench = Bench::new(Pace::Careful);
    bench.calls(4_900, 100);
    assert_eq!(bench.wait(Duration::from_secs(1)), None);
    bench.calls(100, 100);
    let Some(Move::Back(back)) = bench.wait(Duration::from_millis(1)) else { panic!("all of its calls failed") };
    let fault = Fault::Failures { calls: CALLS_MIN, percent: 100.0, old_percent: 0.0 };
    assert_eq!(back, Back { percent: 1, fault });
    assert_eq!(bench.wait(STEP_MAX), None, "it is over");
}

#[test]
fn what_fails_in_both_versions_is_no_fault_of_the_new_one() {
    let mut bench = Bench::new(Pace::Quick);
    for nth in 0..1_000 {
        bench.old.record(FAST, nth % 10 == 0);
        bench.new.record(FAST, nth % 10 < 1 + u64::from(nth >= 500 && nth % 20 == 1));
    }
    assert_eq!(bench.wait(Pace::Quick.step_min()), Some(Move::Grow { from: 10, to: 50 }));
    bench.refusing = (true, true);
    assert_eq!(bench.wait(Pace::Quick.step_min()), None);
}

#[test]
fn one_whose_breaker_opens_goes_back_whatever_the_count() {
    let mut bench = Bench::new(Pace::Careful);
    bench.new.record(FAST, true);
    bench.refusing = (false, true);
    let Some(Move::Back(back)) = bench.wait(Duration::ZERO) else { panic!("nobody can call it") };
    assert_eq!(back.to_string(), "rolled back at 1 %: its breaker opened after 1 calls");
}

#[test]
fn the_last_share_is_compared_with_the_old_version_as_it_was() {
    let mut bench = Bench::new(Pace::Quick);
    let slow = FAST * 3;
    for share in [10, 50] {
        bench.calls(10_000, 0);
        assert!(bench.wait(Pace::Quick.step_min()).is_some(), "after {share} %");
    }
    (0..CALLS_MIN).for_each(|_| bench.new.record(slow, false));
    let Some(Move::Back(back)) = bench.wait(Duration::from_secs(1)) else { panic!("it is three times as slow") };
    assert!(matches!(back, Back { percent: 100, fault: Fault::Slow { calls: CALLS_MIN, .. } }), "{back}");
    assert!(back.to_string().contains("95 % of 50 calls took up to 30.72 ms, of the old"), "{back}");
}

#[track_caller]
fn check_slow(old_us: u64, new_us: u64, expected: bool) {
    let mut bench = Bench::new(Pace::Quick);
    for _ in 0..CALLS_MIN {
        bench.old.record(Duration::from_micros(old_us), false);
        bench.new.record(Duration::from_micros(new_us), false);
    }
    let moved = bench.wait(Duration::from_secs(1));
    assert_eq!(matches!(moved, Some(Move::Back(Back { fault: Fault::Slow { .. }, .. }))), expected, "{moved:?}");
}

#[test]
fn twice_as_slow_counts_from_a_millisecond_on() {
    check_slow(10, 900, false);
    check_slow(10, 1_200, true);
    check_slow(1_000, 1_900, false);
    check_slow(1_000, 3_000, true);
    check_slow(100_000, 190_000, false);
    check_slow(100_000, 250_000, true);
    check_slow(5_000, 10, false);
}

/// Any behaviour, in counts of calls by latency, and failures.
fn tally() -> impl Strategy<Value = Tally> {
    let calls = prop::collection::vec((0u64..2_000_000, any::<bool>()), 0..300);
    calls.prop_map(|calls| {
        let mut tally = Tally::default();
        calls.into_iter().for_each(|(us, has_failed)| tally.record(Duration::from_micros(us), has_failed));
        tally
    })
}

fn add(to: &mut Tally, more: &Tally) {
    to.failures += more.failures;
    to.buckets.iter_mut().zip(&*more.buckets).for_each(|(sum, count)| *sum += count);
}

fn pace() -> impl Strategy<Value = Pace> {
    prop::sample::select(PACES.to_vec())
}

/// What happens between two looks.
fn turn() -> impl Strategy<Value = (u64, Tally, Tally, bool)> {
    (0u64..30_000, tally(), tally(), prop::bool::weighted(0.02))
}

proptest! {
    #[test]
    fn shares_grow_in_order_and_none_too_early(pace in pace(), turns in prop::collection::vec(turn(), 1..40)) {
        let mut bench = Bench::new(pace);
        let (mut seen, mut began, mut calls) = (vec![bench.rollout.percent()], bench.now, 0);
        for (ms, old, new, refuses) in turns {
            add(&mut bench.old, &old);
            add(&mut bench.new, &new);
            calls += new.calls();
            bench.refusing.1 = refuses;
            let before = bench.rollout.percent();
            match bench.wait(Duration::from_millis(ms)) {
                None => prop_assert_eq!(before, bench.rollout.percent()),
                Some(Move::Back(back)) => {
                    prop_assert_eq!(back.percent, before);
                    prop_assert!(refuses || calls >= CALLS_MIN);
                    prop_assert_eq!(bench.rollout.percent(), 0);
                    break;
                }
                Some(moved) => {
                    prop_assert!(!refuses && calls >= CALLS_MIN && bench.now - began >= pace.step_min());
                    (began, calls) = (bench.now, 0);
                    match moved {
                        Move::Grow { from, to } => {
                            prop_assert_eq!((from, to), (before, bench.rollout.percent()));
                            seen.push(to);
                        }
                        _ => break,
                    }
                }
            }
        }
        prop_assert_eq!(&seen[..], &pace.steps()[..seen.len()]);
    }

    #[test]
    fn what_was_before_the_rollout_changes_nothing(
        old in tally(), new in tally(), turns in prop::collection::vec(turn(), 1..20),
    ) {
        let mut plain = Bench::new(Pace::Quick);
        let mut later = Bench::after(Pace::Quick, old, new);
        for (ms, old, new, refuses) in turns {
            let moves = [&mut plain, &mut later].map(|bench| {
                add(&mut bench.old, &old);
                add(&mut bench.new, &new);
                bench.refusing.1 = refuses;
                bench.wait(Duration::from_millis(ms))
            });
            prop_assert_eq!(&moves[0], &moves[1]);
        }
    }

    #[test]
    fn one_that_does_as_the_old_one_never_goes_back(pace in pace(), same in tally()) {
        prop_assume!(same.calls() >= CALLS_MIN);
        let mut bench = Bench::new(pace);
        for step in pace.steps() {
            prop_assert_eq!(bench.rollout.percent(), *step);
            add(&mut bench.new, &same);
            if *step < 100 {
                add(&mut bench.old, &same);
            }
            let moved = bench.wait(pace.step_min());
            prop_assert!(matches!(moved, Some(Move::Grow { .. } | Move::Done)), "{:?}", moved);
        }
    }

    #[test]
    fn five_points_more_failures_always_send_it_back(
        old_failing in 0u64..90, more in 6u64..100, calls in CALLS_MIN..5_000,
    ) {
        let failing = (old_failing + more).min(100);
        prop_assume!((failing - old_failing) as f64 > FAILURE_POINTS);
        let mut bench = Bench::new(Pace::Quick);
        for (tally, failing) in [(&mut bench.old, old_failing), (&mut bench.new, failing)] {
            tally.buckets[0] = calls * 100;
            tally.failures = calls * failing;
        }
        let moved = bench.wait(P95_DIFFERENCE);
        prop_assert!(matches!(moved, Some(Move::Back(Back { fault: Fault::Failures { .. }, .. }))), "{:?}", moved);
    }
}
