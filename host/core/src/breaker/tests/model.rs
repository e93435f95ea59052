//! Against a model that keeps everything that ever happened, and counts it anew each time.

use proptest::prelude::*;

use super::*;

/// What happens to a breaker.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pass(u64),
    /// Calls that begin.
    Admit(u8),
    /// One of the calls under way ends.
    End(prop::sample::Index, Outcome),
    Stand(Stance),
    Reset,
    Poll,
}

/// A call that counted: the second in which it ended, and how.
#[derive(Clone, Copy, Debug)]
struct Ended {
    second: u128,
    outcome: Outcome,
    is_slow: bool,
}

/// The model. All its times are milliseconds since the start.
#[derive(Debug)]
struct Model {
    config: Config,
    now: u128,
    state: State,
    /// Which state this is.
    number: usize,
    until: Option<u128>,
    /// What ended since this state began.
    ended: Vec<Ended>,
    /// Failures that opened it, and of probes since.
    carried: u32,
    lengths: u32,
    under_way: u32,
    metrics: Metrics,
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: usize,
    began: u128,
    is_probe: bool,
}

// === impl Model ===

impl Model {
    fn new(config: Config) -> Self {
        Self {
            config,
            now: 0,
            state: State::Closed,
            number: 0,
            until: None,
            ended: Vec::new(),
            carried: 0,
            lengths: 0,
            under_way: 0,
            metrics: Metrics::default(),
        }
    }

    fn go(&mut self, state: State) {
        (self.carried, self.until) = (self.failures(), None);
        self.state = state;
        self.number += 1;
        self.under_way = 0;
        self.ended.clear();
        if !matches!(state, State::Open | State::HalfOpen) {
            (self.carried, self.lengths) = (0, 0);
        }
    }

    fn open(&mut self) {
        let length = self.config.open.as_millis() * 2u128.pow(self.lengths.min(20));
        self.go(State::Open);
        self.until = Some(self.now + length.min(self.config.open_max.as_millis()));
        self.lengths += 1;
    }

    fn poll(&mut self) {
        if self.until.is_some_and(|until| until <= self.now) {
            self.go(State::HalfOpen);
        }
    }

    fn admit(&mut self) -> Option<Call> {
        self.poll();
        let is_probe = self.state == State::HalfOpen;
        if self.state.refuses_all() || (is_probe && self.under_way == self.config.probes) {
            self.metrics.requests += 1;
            self.metrics.rejected += 1;
            return None;
        }
        self.under_way += 1;
        Some(Call { number: self.number, began: self.now, is_probe })
    }

    /// Failures in a row.
    fn failures(&self) -> u32 {
        let told = self.ended.iter().rev().filter(|ended| !matches!(ended.outcome, Outcome::Throttled));
        let row = told.take_while(|ended| ended.outcome != Outcome::Success).count();
        let is_unbroken = self.ended.iter().all(|ended| ended.outcome != Outcome::Success);
        u32::try_from(row).unwrap() + if is_unbroken { self.carried } else { 0 }
    }

    fn end(&mut self, call: Call, outcome: Outcome) {
        let is_failure = matches!(outcome, Outcome::Failure | Outcome::TimedOut | Outcome::Throttled);
        self.metrics.requests += 1;
        self.metrics.failures += u64::from(is_failure);
        self.metrics.successes += u64::from(outcome == Outcome::Success);
        self.metrics.timeouts += u64::from(outcome == Outcome::TimedOut);
        if call.number != self.number {
            return;
        }
        self.under_way -= u32::from(call.is_probe);
        let took = Duration::from_millis(u64::try_from(self.now - call.began).unwrap());
        let is_slow = self.config.slow.is_some_and(|slow| took >= slow.after);
        if outcome != Outcome::Uncounted {
            self.ended.push(Ended { second: self.now / 1_000, outcome, is_slow });
        }
        match self.state {
            State::HalfOpen => self.end_of_probe(outcome, is_slow),
            State::Closed | State::Measuring if outcome != Outcome::Uncounted && self.is_bad() => match self.state {
                State::Closed => self.open(),
                _ => self.go(State::Measuring),
            },
            _ => {}
        }
    }

    fn end_of_probe(&mut self, outcome: Outcome, is_slow: bool) {
        let successes = self.ended.iter().filter(|ended| ended.outcome == Outcome::Success).count();
        match outcome {
            Outcome::Failure | Outcome::TimedOut => self.open(),
            Outcome::Success if is_slow => {
                // It says nothing of failures in a row.
                self.ended.pop();
                self.open();
            }
            Outcome::Success if successes == self.config.successes as usize => self.go(State::Closed),
            _ => {}
        }
    }

    fn is_bad(&self) -> bool {
        let newest = self.now / 1_000;
        let window: Vec<_> = self.ended.iter().filter(|ended| ended.second + 10 > newest).collect();
        let of = |is: &dyn Fn(&Ended) -> bool| 100 * window.iter().filter(|ended| is(ended)).count();
        let failing =
            of(&|ended| ended.outcome != Outcome::Success) >= self.percent(self.config.failure_percent, &window);
        let slow =
            self.config.slow.is_some_and(|slow| of(&|ended| ended.is_slow) >= self.percent(slow.percent, &window));
        let enough = window.len() >= self.config.calls_min as usize;
        self.failures() >= self.config.consecutive_failures || (enough && (failing || slow))
    }

    fn percent(&self, percent: u32, window: &[&Ended]) -> usize {
        percent as usize * window.len()
    }

    fn stand(&mut self, stance: Stance) {
        let automatic = [State::Closed, State::Open, State::HalfOpen];
        let state = match stance {
            Stance::Automatic if automatic.contains(&self.state) => return,
            Stance::Automatic => State::Closed,
            Stance::ForcedOpen => State::ForcedOpen,
            Stance::ForcedClosed => State::ForcedClosed,
            Stance::Measuring => State::Measuring,
        };
        if state != self.state {
            self.go(state);
        }
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        6 => Just(Outcome::Success),
        6 => Just(Outcome::Failure),
        2 => Just(Outcome::TimedOut),
        1 => Just(Outcome::Throttled),
        1 => Just(Outcome::Uncounted),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let stance = prop_oneof![
        Just(Stance::Automatic),
        Just(Stance::ForcedOpen),
        Just(Stance::ForcedClosed),
        Just(Stance::Measuring),
    ];
    prop_oneof![
        6 => (0u64..700).prop_map(Step::Pass),
        1 => (0u64..15_000).prop_map(Step::Pass),
        12 => (1u8..5).prop_map(Step::Admit),
        24 => (any::<prop::sample::Index>(), outcome()).prop_map(|(which, outcome)| Step::End(which, outcome)),
        1 => stance.prop_map(Step::Stand),
        1 => Just(Step::Reset),
        1 => Just(Step::Poll),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let slow = prop::option::of((1u64..3_000, 1u32..=100));
    (1u32..7, 1u32..=100, 1u32..25, 1u32..4, 1u32..4, slow).prop_map(
        |(consecutive_failures, failure_percent, calls_min, probes, successes, slow)| Config {
            consecutive_failures,
            failure_percent,
            calls_min,
            probes,
            successes,
            slow: slow.map(|(ms, percent)| Slow { after: Duration::from_millis(ms), percent }),
            ..Config::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_machine_does_what_the_model_does(config in config(), steps in prop::collection::vec(step(), 1..300)) {
        let (mut world, mut model) = (World::new(config), Model::new(config));
        let mut under_way: Vec<(Permit, Call)> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(ms) => {
                    world.pass(ms);
                    model.now += u128::from(ms);
                }
                Step::Admit(count) => for _ in 0..count {
                    match (world.breaker.admit(world.now), model.admit()) {
                        (Decision::Admit(permit, _), Some(call)) => under_way.push((permit, call)),
                        (Decision::Refuse { retry_after }, None) => {
                            let until = model.until.map(|until| until - model.now);
                            let expected = until.or((model.state == State::HalfOpen).then_some(PROBE_PAUSE.as_millis()));
                            prop_assert_eq!(retry_after.map(|after| after.as_millis()), expected);
                        }
                        (decision, call) => prop_assert!(false, "{:?} and {:?}", decision, call),
                    }
                },
                Step::End(which, outcome) if !under_way.is_empty() => {
                    let (permit, call) = under_way.swap_remove(which.index(under_way.len()));
                    let (from, number) = (model.state, model.number);
                    let moved = world.record(permit, outcome);
                    model.end(call, outcome);
                    let expected = (model.number != number).then_some((from, model.state));
                    prop_assert_eq!(moved.map(|moved| (moved.from, moved.to)), expected);
                }
                Step::End(..) => {}
                Step::Stand(stance) => {
                    world.breaker.stand(stance);
                    model.stand(stance);
                }
                Step::Reset => {
                    world.breaker.reset(Stance::Automatic);
                    model.go(State::Closed);
                }
                Step::Poll => {
                    world.breaker.poll(world.now);
                    model.poll();
                }
            }
            let deadline = world.breaker.deadline().map(|until| (until - world.start).as_millis());
            prop_assert_eq!((world.breaker.state(), deadline), (model.state, model.until));
            prop_assert_eq!(world.breaker.failure_count(), model.failures());
            prop_assert_eq!(world.breaker.metrics(), model.metrics);
            prop_assert_eq!(world.breaker.pass().is_some(), world.breaker.state().admits_all());
        }
    }
}
