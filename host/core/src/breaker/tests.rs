//! The machine under virtual time: claims one by one, then against a naive model at random.

mod model;

use super::*;

/// A breaker with its own time, in milliseconds since it was made.
struct World {
    start: Instant,
    now: Instant,
    breaker: Breaker,
    /// What the breaker is told when it asks for jitter; 0.5 is none.
    jitter: f64,
}

impl World {
    fn new(config: Config) -> Self {
        let start = Instant::now();
        Self { start, now: start, breaker: Breaker::new(config, start), jitter: 0.5 }
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    #[track_caller]
    fn admit(&mut self) -> Permit {
        match self.breaker.admit(self.now) {
            Decision::Admit(permit, _) => permit,
            Decision::Refuse { .. } => panic!("it refuses: {:?}", self.breaker),
        }
    }

    #[track_caller]
    fn refuse(&mut self) -> Option<Duration> {
        match self.breaker.admit(self.now) {
            Decision::Admit(..) => panic!("it admits: {:?}", self.breaker),
            Decision::Refuse { retry_after } => retry_after,
        }
    }

    fn record(&mut self, permit: Permit, outcome: Outcome) -> Option<Transition> {
        self.breaker.record(self.now, permit, outcome, || self.jitter)
    }

    /// A call that is admitted and ends at once.
    #[track_caller]
    fn call(&mut self, outcome: Outcome) -> Option<Transition> {
        let permit = self.admit();
        self.record(permit, outcome)
    }

    /// A call that takes this long.
    #[track_caller]
    fn slow_call(&mut self, ms: u64) -> Option<Transition> {
        let permit = self.admit();
        self.pass(ms);
        self.record(permit, Outcome::Success)
    }

    /// Makes calls as letters say: `+` succeeds, `-` fails, `t` times out, `4` is 429, `?` is not counted, `.` is a
    /// second that passes.
    #[track_caller]
    fn run(&mut self, calls: &str) -> Option<Transition> {
        let mut last = None;
        for call in calls.chars() {
            let outcome = match call {
                '+' => Outcome::Success,
                '-' => Outcome::Failure,
                't' => Outcome::TimedOut,
                '4' => Outcome::Throttled,
                '?' => Outcome::Uncounted,
                _ => {
                    self.pass(1_000);
                    continue;
                }
            };
            assert_eq!(last, None, "it moved before the last of {calls}");
            last = self.call(outcome);
        }
        last
    }

    /// How long it stays open, in milliseconds.
    fn open_for(&self) -> u128 {
        self.breaker.deadline().map_or(0, |until| (until - self.now).as_millis())
    }
}

#[track_caller]
fn opens(calls: &str, cause: Cause) {
    let mut world = World::new(Config::default());
    let expected = Transition { from: State::Closed, to: State::Open, cause };
    assert_eq!(world.run(calls), Some(expected), "{calls}");
    world.refuse();
}

#[track_caller]
fn stays_closed(calls: &str) {
    let mut world = World::new(Config::default());
    assert_eq!(world.run(calls), None, "{calls}");
    assert_eq!(world.breaker.state(), State::Closed, "{calls}");
}

#[test]
fn five_failures_in_a_row_open_it_and_what_is_between_breaks_the_row() {
    opens("-----", Cause::InARow(5));
    opens("tt-t-", Cause::InARow(5));
    opens("-..........-..........-..........-..........-", Cause::InARow(5));
    opens("----?-", Cause::InARow(5));
    opens("----4-", Cause::InARow(5));
    stays_closed("----");
    stays_closed("----+----");
    stays_closed("????????????????????????????????????????");
}

#[test]
fn half_of_at_least_twenty_calls_within_ten_seconds_open_it() {
    opens("-+-+-+-+-+-+-+-+-+-+", Cause::Failing { failures: 10, calls: 20 });
    opens("4444444444++++++++++", Cause::Failing { failures: 10, calls: 20 });
    opens("+++++++++++.4444444444-", Cause::Failing { failures: 11, calls: 22 });
    stays_closed("-+-+-+-+-+-+-+-+-+-");
    stays_closed("++-+-+-+-+-+-+-+-+-++");
    // Nine seconds later the first call still counts, ten later it does not.
    opens("-.........+-+-+-+-+-+-+-+-+-+", Cause::Failing { failures: 10, calls: 20 });
    stays_closed("-..........+-+-+-+-+-+-+-+-+-+");
}

#[test]
fn open_rejects_until_its_time_has_passed() {
    let mut world = World::new(Config::default());
    world.run("-----");
    assert_eq!((world.breaker.state(), world.breaker.failure_count()), (State::Open, 5));
    assert_eq!(world.refuse(), Some(Duration::from_secs(5)));
    world.pass(4_999);
    assert_eq!(world.breaker.poll(world.now), None);
    assert_eq!(world.refuse(), Some(Duration::from_millis(1)));
    world.pass(1);
    let half_open = Transition { from: State::Open, to: State::HalfOpen, cause: Cause::Elapsed };
    let Decision::Admit(_, transition) = world.breaker.admit(world.now) else { panic!("it refuses") };
    assert_eq!(transition, Some(half_open));
    assert_eq!(world.breaker.deadline(), None);
}

#[test]
fn half_open_admits_three_at_a_time_and_three_successes_close_it() {
    let mut world = World::new(Config::default());
    world.run("-----.....");
    let probes = [world.admit(), world.admit(), world.admit()];
    assert_eq!(world.refuse(), Some(PROBE_PAUSE));
    let [first, second, third] = probes;
    assert_eq!(world.record(first, Outcome::Success), None);
    assert_eq!(world.record(second, Outcome::Success), None);
    let closed = Transition { from: State::HalfOpen, to: State::Closed, cause: Cause::Recovered(3) };
    assert_eq!(world.record(third, Outcome::Success), Some(closed));
    assert_eq!((world.breaker.state(), world.breaker.failure_count()), (State::Closed, 0));
}

#[test]
fn a_failed_probe_opens_it_for_twice_as_long_up_to_a_minute() {
    let mut world = World::new(Config::default());
    world.run("-----");
    for seconds in [5, 10, 20, 40, 60, 60] {
        assert_eq!(world.open_for(), seconds * 1_000);
        world.now = world.breaker.deadline().unwrap();
        assert_eq!(world.call(Outcome::Success), None);
        let opened = Transition { from: State::HalfOpen, to: State::Open, cause: Cause::Probe };
        assert_eq!(world.call(Outcome::TimedOut), Some(opened));
    }
    world.now = world.breaker.deadline().unwrap();
    world.run("+++");
    world.run("-----");
    assert_eq!(world.open_for(), 5_000, "once closed, it begins anew");
}

#[test]
fn jitter_moves_the_end_by_a_fifth_at_most() {
    for (jitter, ms) in [(0.0, 4_000), (0.25, 4_500), (0.5, 5_000), (1.0, 6_000), (9.0, 6_000)] {
        let mut world = World::new(Config::default());
        world.jitter = jitter;
        world.run("-----");
        assert_eq!(world.open_for(), ms);
    }
}

#[test]
fn a_lost_probe_gives_its_place_back_and_moves_nothing() {
    let mut world = World::new(Config::default());
    world.run("-----.....");
    for outcome in [Outcome::Uncounted, Outcome::Throttled].repeat(5) {
        assert_eq!(world.call(outcome), None);
    }
    world.run("+++");
    assert_eq!(world.breaker.state(), State::Closed);
}

#[test]
fn a_late_result_never_moves_a_newer_state() {
    let mut world = World::new(Config::default());
    let late: Vec<_> = (0..20).map(|_| world.admit()).collect();
    world.run("-----");
    let mut late = late.into_iter();
    let mut tell = |world: &mut World, outcome| world.record(late.next().unwrap(), outcome);
    assert_eq!(tell(&mut world, Outcome::Success), None);
    assert_eq!((world.breaker.state(), world.breaker.failure_count()), (State::Open, 5));
    world.pass(5_000);
    let probe = world.admit();
    for outcome in [Outcome::Success, Outcome::Success, Outcome::Success, Outcome::Failure] {
        assert_eq!(tell(&mut world, outcome), None, "{outcome:?} of the closed state in the half-open one");
    }
    assert_eq!(world.record(probe, Outcome::Success), None);
    world.run("++");
    for _ in 0..15 {
        assert_eq!(tell(&mut world, Outcome::Failure), None);
    }
    assert_eq!((world.breaker.state(), world.breaker.failure_count()), (State::Closed, 0));
    // All of them are counted.
    let metrics = world.breaker.metrics();
    assert_eq!((metrics.requests, metrics.failures, metrics.successes), (28, 21, 7));
}

#[test]
fn an_answer_that_breaks_off_is_a_failure_of_its_own() {
    let mut world = World::new(Config::default());
    for nth in 1..=5 {
        let permit = world.admit();
        let receipt = permit.receipt();
        assert_eq!(world.record(permit, Outcome::Success), None);
        let moved = world.breaker.broke_off(world.now, receipt, || 0.5);
        assert_eq!((moved, world.breaker.failure_count()), (None, 1), "break {nth}");
    }
    let mut world = World::new(Config { consecutive_failures: 2, ..Config::default() });
    let permits = [world.admit(), world.admit()];
    let receipts = [permits[0].receipt(), permits[1].receipt()];
    for permit in permits {
        world.record(permit, Outcome::Success);
    }
    assert_eq!(world.breaker.broke_off(world.now, receipts[0], || 0.5), None);
    assert!(world.breaker.broke_off(world.now, receipts[1], || 0.5).is_some());
    assert_eq!(world.breaker.broke_off(world.now, receipts[1], || 0.5), None, "it is open by now");
}

#[test]
fn slow_calls_count_only_when_asked_for() {
    let mut world = World::new(Config::default());
    for _ in 0..50 {
        assert_eq!(world.slow_call(100), None);
    }
    let slow = Slow { after: Duration::from_millis(100), percent: 60 };
    let mut world = World::new(Config { slow: Some(slow), calls_min: 5, ..Config::default() });
    assert_eq!((world.slow_call(100), world.slow_call(100), world.slow_call(99)), (None, None, None));
    assert_eq!(world.slow_call(99), None);
    let cause = Cause::Slow { slow: 3, calls: 5 };
    assert_eq!(world.slow_call(101).map(|moved| moved.cause), Some(cause));
    world.now = world.breaker.deadline().unwrap();
    assert_eq!(world.slow_call(100).map(|moved| moved.cause), Some(Cause::SlowProbe));
    world.now = world.breaker.deadline().unwrap();
    assert_eq!((world.slow_call(1), world.slow_call(1)), (None, None));
    assert_eq!(world.slow_call(1).map(|moved| moved.to), Some(State::Closed));
}

#[test]
fn an_operator_s_word_holds_until_it_is_taken_back() {
    let mut world = World::new(Config::default());
    let moved = |from, to| Some(Transition { from, to, cause: Cause::Operator });
    assert_eq!(world.breaker.stand(Stance::Automatic), None);
    assert_eq!(world.breaker.stand(Stance::ForcedOpen), moved(State::Closed, State::ForcedOpen));
    assert_eq!(world.breaker.stand(Stance::ForcedOpen), None);
    world.pass(3_600_000);
    assert_eq!((world.breaker.poll(world.now), world.refuse()), (None, None));
    assert_eq!(world.breaker.stand(Stance::ForcedClosed), moved(State::ForcedOpen, State::ForcedClosed));
    world.run("-----");
    assert_eq!((world.breaker.state(), world.breaker.failure_count()), (State::ForcedClosed, 5));
    assert_eq!(world.breaker.stand(Stance::Automatic), moved(State::ForcedClosed, State::Closed));
    world.run("-----");
    assert_eq!(world.breaker.stand(Stance::Automatic), None, "it is open by its own decision");
    assert_eq!(world.breaker.reset(Stance::Automatic), moved(State::Open, State::Closed));
    world.run("----");
    assert_eq!(world.breaker.reset(Stance::Automatic), None);
    world.run("----");
    assert_eq!(world.breaker.state(), State::Closed);
}

#[test]
fn measuring_says_when_it_would_have_opened_and_refuses_nothing() {
    let mut world = World::new(Config::default());
    world.breaker.stand(Stance::Measuring);
    let would = Transition { from: State::Measuring, to: State::Measuring, cause: Cause::InARow(5) };
    assert_eq!(world.run("-----"), Some(would));
    assert_eq!(world.run("-----"), Some(would));
    assert_eq!(world.run("----+"), None);
    assert_eq!(world.breaker.state(), State::Measuring);
}

#[test]
fn other_numbers_hold_at_once_and_nothing_is_forgotten() {
    let mut world = World::new(Config::default());
    world.run("---");
    world.breaker.reconfigure(Config { consecutive_failures: 4, open: Duration::from_secs(1), ..Config::default() });
    assert_eq!(world.run("-").map(|moved| moved.cause), Some(Cause::InARow(4)));
    assert_eq!(world.open_for(), 1_000);
    world.breaker.reconfigure(Config::default());
    assert_eq!(world.open_for(), 1_000);
}

#[test]
fn what_is_admitted_while_closed_needs_no_machine() {
    let mut world = World::new(Config::default());
    let pass = world.breaker.pass().unwrap();
    assert_eq!(Pass::from_bits(pass.to_bits()), Some(pass));
    assert_eq!(Pass::from_bits(0), None);
    for _ in 0..5 {
        world.record(pass.permit(world.now), Outcome::Failure);
    }
    assert_eq!((world.breaker.state(), world.breaker.pass()), (State::Open, None));
    assert_eq!(world.record(pass.permit(world.now), Outcome::Success), None);
    world.breaker.stand(Stance::ForcedClosed);
    assert_ne!(world.breaker.pass(), Some(pass), "a pass ends with its state");
}

#[test]
fn a_clock_that_goes_back_a_little_counts_in_the_newest_second() {
    let mut world = World::new(Config::default());
    world.pass(5_000);
    world.run("-+-+-+-+-+-+-+-+-+");
    world.now -= Duration::from_millis(2_500);
    assert!(world.run("-+").is_some());
    world.now = world.start;
    world.refuse();
}

#[test]
fn statuses_say_what_they_say_in_http() {
    for (status, outcome) in [
        (200, Outcome::Success),
        (304, Outcome::Success),
        (404, Outcome::Success),
        (429, Outcome::Throttled),
        (500, Outcome::Failure),
        (503, Outcome::Failure),
        (599, Outcome::Failure),
    ] {
        assert_eq!(Outcome::of_status(status), outcome, "{status}");
    }
}

#[test]
fn states_are_written_the_same_everywhere() {
    for state in [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::ForcedClosed, State::Measuring]
    {
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
}
