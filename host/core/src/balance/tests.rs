use proptest::prelude::*;

use super::*;

const KINDS: [Kind; 6] =
    [Kind::RoundRobin, Kind::Random, Kind::LeastConnections, Kind::P2cEwma, Kind::ConsistentHash, Kind::Weighted];

fn candidate(id: usize) -> Candidate {
    Candidate {
        identity: hash(format!("users-10.0.0.{id}-80").as_bytes()),
        is_local: false,
        weight: 1,
        in_flight: 0,
        latency: None,
        is_healthy: true,
        is_refusing: false,
        healthy_for: None,
        is_tried: false,
    }
}

fn candidates(count: usize) -> Vec<Candidate> {
    (0..count).map(candidate).collect()
}

fn weighted(weights: &[u32]) -> Vec<Candidate> {
    weights.iter().enumerate().map(|(id, weight)| Candidate { weight: *weight, ..candidate(id) }).collect()
}

fn of(kind: Kind) -> Config {
    Config { kind, ..Config::default() }
}

/// Numbers of chance, the same in every run.
fn chances() -> impl Iterator<Item = u64> {
    (0u64..).map(hash::mix)
}

/// How often each is picked.
fn counts(config: &Config, candidates: &[Candidate], picks: usize) -> Vec<usize> {
    let mut balancer = Balancer::default();
    let mut counts = vec![0; candidates.len()];
    for chance in chances().take(picks) {
        counts[balancer.pick(config, candidates, chance, None).unwrap().index] += 1;
    }
    counts
}

fn turns(candidates: &[Candidate], picks: usize) -> Vec<usize> {
    let mut balancer = Balancer::default();
    let mut next = || balancer.pick(&of(Kind::RoundRobin), candidates, 0, None).unwrap().index;
    (0..picks).map(|_| next()).collect()
}

#[test]
fn kinds_are_named_as_in_the_configuration() {
    let names = ["round-robin", "random", "least-connections", "p2c-ewma", "consistent-hash", "weighted"];
    for (kind, name) in KINDS.into_iter().zip(names) {
        assert_eq!(serde_json::to_value(kind).unwrap(), name);
    }
}

#[test]
fn round_robin_goes_round() {
    assert_eq!(turns(&candidates(3), 7), [0, 1, 2, 0, 1, 2, 0]);
    assert_eq!(turns(&weighted(&[5, 1, 1]), 7), [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn nobody_is_picked_of_none_and_the_only_one_of_one() {
    for kind in KINDS {
        assert_eq!(Balancer::default().pick(&of(kind), &[], 0, None), None);
        let pick = Balancer::default().pick(&of(kind), &candidates(1), u64::MAX, Some(7));
        assert_eq!(pick, Some(Pick { index: 0, in_panic: false }));
    }
}

#[test]
fn shares_follow_the_weights_in_every_kind_that_does_not_look_at_latency() {
    let four = weighted(&[1, 2, 3, 4]);
    for kind in [Kind::RoundRobin, Kind::Random, Kind::LeastConnections, Kind::ConsistentHash, Kind::Weighted] {
        for (count, share) in counts(&of(kind), &four, 10_000).into_iter().zip([1_000, 2_000, 3_000, 4_000]) {
            assert!(count.abs_diff(share) < 250, "{kind:?} {count} {share}");
        }
    }
}

#[test]
fn the_fewest_calls_for_the_weight_win() {
    let mut three = weighted(&[1, 2, 4]);
    for (candidate, in_flight) in three.iter_mut().zip([1, 2, 3]) {
        candidate.in_flight = in_flight;
    }
    assert_eq!(counts(&of(Kind::LeastConnections), &three, 100), [0, 0, 100]);
    three[2].in_flight = 4;
    assert!(counts(&of(Kind::LeastConnections), &three, 1_000).iter().all(|count| *count > 100));
}

#[test]
fn p2c_prefers_the_faster_and_the_less_busy() {
    let latency = |ms| Some(Duration::from_millis(ms));
    let mut two = candidates(2);
    (two[0].latency, two[1].latency) = (latency(5), latency(50));
    assert_eq!(counts(&of(Kind::P2cEwma), &two, 100), [100, 0]);
    two[0].in_flight = 10;
    assert_eq!(counts(&of(Kind::P2cEwma), &two, 100), [0, 100]);
    // The slowest of several is never the better one; nor is one that nobody knows condemned or preferred.
    let mut four = candidates(4);
    for (candidate, ms) in four.iter_mut().zip([1, 2, 3, 4]) {
        candidate.latency = latency(ms);
    }
    let picked = counts(&of(Kind::P2cEwma), &four, 6_000);
    assert!(picked[3] == 0 && picked[0] > picked[1] && picked[1] > picked[2], "{picked:?}");
    four[3].latency = None;
    assert!((1_000..2_000).contains(&counts(&of(Kind::P2cEwma), &four, 6_000)[3]));
}

#[test]
fn p2c_sends_fewer_calls_at_once_to_a_lower_weight() {
    let mut two = weighted(&[1, 4]);
    for chance in chances().take(100) {
        let pick = Balancer::default().pick(&of(Kind::P2cEwma), &two, chance, None).unwrap();
        two[pick.index].in_flight += 1;
    }
    assert!((17..=23).contains(&two[0].in_flight), "{}", two[0].in_flight);
}

#[test]
fn slow_start_grows_from_a_tenth_to_all() {
    let config = Config { kind: Kind::RoundRobin, slow_start: Duration::from_secs(10) };
    let share = |seconds: Option<u64>| {
        let mut two = candidates(2);
        two[1].healthy_for = seconds.map(Duration::from_secs);
        counts(&config, &two, 1_100)[1]
    };
    // 1 : 1 is 550 of 1,100 turns, 0.1 : 1 is 100, 0.55 : 1 is 390.
    for (seconds, turns) in [(Some(0), 100), (Some(5), 390), (Some(10), 550), (None, 550)] {
        assert!(share(seconds).abs_diff(turns) <= 1, "{seconds:?} {}", share(seconds));
    }
}

#[test]
fn panic_begins_beyond_half_of_at_least_three() {
    let pick = |healthy: &[bool]| {
        let all: Vec<_> =
            healthy.iter().enumerate().map(|(id, is)| Candidate { is_healthy: *is, ..candidate(id) }).collect();
        let picked: Vec<_> =
            chances().take(200).map(|chance| Balancer::default().pick(&of(Kind::Random), &all, chance, None)).collect();
        let mut places: Vec<_> = picked.iter().flatten().map(|pick| pick.index).collect();
        places.sort_unstable();
        places.dedup();
        (places, picked[0].is_some_and(|pick| pick.in_panic))
    };
    assert_eq!(pick(&[false]), (vec![], false));
    assert_eq!(pick(&[false, true]), (vec![1], false));
    assert_eq!(pick(&[false, false]), (vec![], false));
    assert_eq!(pick(&[false, true, true]), (vec![1, 2], false));
    assert_eq!(pick(&[false, false, true]), (vec![0, 1, 2], true));
    assert_eq!(pick(&[false, false, true, true]), (vec![2, 3], false));
    assert_eq!(pick(&[false, false, false, true]), (vec![0, 1, 2, 3], true));
    assert_eq!(pick(&[false, false, false]), (vec![0, 1, 2], true));
}

#[test]
fn the_local_one_answers_alone_while_it_is_well() {
    let mut three = candidates(3);
    three[1].is_local = true;
    assert_eq!(counts(&of(Kind::Random), &three, 100), [0, 100, 0]);
    // A second attempt goes to another before it stays at home.
    three[1].is_tried = true;
    assert_eq!(counts(&of(Kind::RoundRobin), &three, 100), [50, 0, 50]);
    three.iter_mut().for_each(|candidate| candidate.is_tried = true);
    assert_eq!(counts(&of(Kind::Random), &three, 100), [0, 100, 0]);
    three[1].is_refusing = true;
    assert_eq!(counts(&of(Kind::RoundRobin), &three, 100), [50, 0, 50]);
    (three[1].is_refusing, three[1].is_healthy) = (false, false);
    assert_eq!(counts(&of(Kind::RoundRobin), &three, 100), [50, 0, 50]);
}

#[test]
fn an_estimate_rises_at_once_and_falls_slowly() {
    let (at, ms) = (Duration::from_secs, Duration::from_millis);
    assert_eq!(Ewma::default().read(at(1)), None);
    let ewma = Ewma::default().record(at(1), ms(10)).record(at(1), ms(100));
    assert!(ewma.read(at(1)).unwrap().abs_diff(ms(100)) < ms(1));
    let later = ewma.record(at(11), ms(10)).read(at(11)).unwrap();
    assert!(later.abs_diff(ms(43)) < ms(1), "{later:?}");
    let idle = ewma.read(at(11)).unwrap();
    assert!(idle.abs_diff(ms(37)) < ms(1), "{idle:?}");
    assert!(ewma.read(ms(500)).unwrap().abs_diff(ms(100)) < ms(1), "a clock of another thread");
    assert!(ewma.record_failure(at(2), ms(1)).read(at(2)).unwrap() >= FAILED - ms(1));
    // Beyond the bits that are kept of a time.
    let days = Duration::from_secs(50 * 24 * 3600);
    assert!(Ewma::default().record(days, ms(100)).read(days + DECAY).unwrap().abs_diff(ms(37)) < ms(1));
}

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let facts = (any::<bool>(), 1u32..1_000, 0usize..9, prop::option::of(1u64..1_000));
    let states = (prop::bool::weighted(0.7), prop::bool::weighted(0.3), prop::bool::weighted(0.2), 0u64..40);
    let one =
        (facts, states).prop_map(|((is_local, weight, in_flight, ms), (is_healthy, is_refusing, is_tried, age))| {
            Candidate {
                is_local,
                weight,
                in_flight,
                latency: ms.map(Duration::from_millis),
                is_healthy,
                is_refusing,
                healthy_for: Some(Duration::from_secs(age)),
                is_tried,
                ..candidate(0)
            }
        });
    prop::collection::vec(one, 0..8).prop_map(|mut all| {
        all.iter_mut().enumerate().for_each(|(id, one)| one.identity = candidate(id).identity);
        all
    })
}

/// Who may answer, by the rules as they are told to people.
fn naive(candidates: &[Candidate]) -> Vec<usize> {
    let unhealthy = candidates.iter().filter(|one| !one.is_healthy).count();
    let in_panic = candidates.len() >= 3 && unhealthy * 2 > candidates.len();
    let mut able: Vec<_> = (0..candidates.len()).filter(|at| !candidates[*at].is_refusing).collect();
    able.retain(|at| in_panic || candidates[*at].is_healthy);
    if able.iter().any(|at| !candidates[*at].is_tried) {
        able.retain(|at| !candidates[*at].is_tried);
    }
    let is_home = |at: &usize| candidates[*at].is_local && candidates[*at].is_healthy;
    if able.iter().any(is_home) {
        able.retain(is_home);
    }
    able
}

proptest! {
    #[test]
    fn whoever_is_picked_may_answer(
        rounds in prop::collection::vec((any_candidates(), any::<u64>(), any::<Option<u64>>()), 1..20),
        kind in prop::sample::select(KINDS.to_vec()),
        slow_start in 0u64..30,
    ) {
        let config = Config { kind, slow_start: Duration::from_secs(slow_start) };
        let mut balancer = Balancer::default();
        for (candidates, chance, key) in rounds {
            let able = naive(&candidates);
            match balancer.pick(&config, &candidates, chance, key) {
                Some(pick) => {
                    prop_assert!(able.contains(&pick.index));
                    prop_assert!(!candidates[pick.index].is_refusing);
                    prop_assert!(pick.in_panic || candidates[pick.index].is_healthy);
                }
                None => prop_assert_eq!(able, Vec::<usize>::new()),
            }
        }
    }

    /// Whoever comes and goes meanwhile, nobody is owed more than a few rounds.
    #[test]
    fn turns_are_owed_within_bounds(
        weights in prop::collection::vec(1u32..20, 1..6),
        comings in prop::collection::vec(any::<[bool; 6]>(), 1..400),
    ) {
        let mut all = weighted(&weights);
        let mut balancer = Balancer::default();
        let round = i64::from(weights.iter().sum::<u32>()) * 1_000;
        for refusing in comings {
            all.iter_mut().zip(refusing).for_each(|(one, refuses)| one.is_refusing = refuses);
            let _ = balancer.pick(&of(Kind::Weighted), &all, 0, None);
            prop_assert_eq!(balancer.credits.iter().sum::<i64>(), 0);
            let bound = round * i64::try_from(all.len()).unwrap();
            prop_assert!(balancer.credits.iter().all(|credit| credit.abs() <= bound));
        }
    }

    /// In each full round every candidate has exactly as many turns as its weight says.
    #[test]
    fn turns_are_exact_over_a_round(weights in prop::collection::vec(1u32..20, 1..8)) {
        let round: u32 = weights.iter().sum();
        let counts = counts(&of(Kind::RoundRobin), &weighted(&weights), round as usize);
        prop_assert!(counts.iter().zip(&weights).all(|(count, weight)| *count == *weight as usize));
    }

    #[test]
    fn a_key_moves_only_when_its_instance_goes(
        weights in prop::collection::vec(1u32..10, 2..8),
        gone in any::<prop::sample::Index>(),
        keys in prop::collection::vec(any::<u64>(), 1..50),
    ) {
        let all = weighted(&weights);
        let gone = gone.index(all.len());
        let mut rest = all.clone();
        rest[gone].is_refusing = true;
        let mut fewer = all.clone();
        fewer.remove(gone);
        let holder = |all: &[Candidate], key| {
            let pick = Balancer::default().pick(&of(Kind::ConsistentHash), all, 0, Some(key)).unwrap();
            all[pick.index].identity
        };
        for key in keys {
            let before = holder(&all, key);
            prop_assert!(holder(&rest, key) == before || before == all[gone].identity);
            prop_assert_eq!(holder(&rest, key), holder(&fewer, key));
        }
    }

    #[test]
    fn an_estimate_is_between_what_it_has_seen_and_survives_its_bits(
        records in prop::collection::vec((0u64..100_000, 1u64..10_000_000), 1..20),
    ) {
        let (mut ewma, mut now) = (Ewma::default(), Duration::ZERO);
        for (pause_ms, us) in &records {
            now += Duration::from_millis(*pause_ms);
            ewma = ewma.record(now, Duration::from_micros(*us));
            prop_assert_eq!(Ewma::from_bits(ewma.to_bits()), ewma);
            // Single precision has 24 bits.
            let read = ewma.read(now).unwrap().as_secs_f64() * 1e6 * (1.0 + 1e-6) + 1.0;
            let most = records.iter().map(|(_, us)| *us).max().unwrap();
            prop_assert!(read >= *us as f64 && read <= most as f64 * (1.0 + 1e-5) + 2.0, "{read} {us} {most}");
        }
    }
}
