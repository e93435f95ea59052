use proptest::prelude::*;

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn quota(requests: u32, window: Duration, burst: u32) -> Quota {
    Quota { requests, window, burst }
}

#[test]
fn a_burst_passes_at_once_and_then_one_in_each_interval() {
    let quota = quota(10, ms(1_000), 3);
    let mut cell = Cell::default();
    let mut at = |now| check(&mut cell, ms(now), &quota);
    assert_eq!(at(50), Verdict::Allowed { remaining: 2, reset: ms(100) });
    assert_eq!(at(50), Verdict::Allowed { remaining: 1, reset: ms(200) });
    assert_eq!(at(50), Verdict::Allowed { remaining: 0, reset: ms(300) });
    assert_eq!(at(50), Verdict::Refused { retry_after: ms(100), reset: ms(300) });
    assert_eq!(at(149), Verdict::Refused { retry_after: ms(1), reset: ms(201) });
    assert_eq!(at(150), Verdict::Allowed { remaining: 0, reset: ms(300) });
    assert_eq!(at(9_000), Verdict::Allowed { remaining: 2, reset: ms(100) });
}

#[test]
fn a_smaller_quota_holds_nobody_back_for_longer_than_it_says() {
    let mut cell = Cell::default();
    let day = quota(1, Duration::from_secs(24 * 3600), 1);
    assert!(check(&mut cell, ms(0), &day).is_allowed());
    let verdict = check(&mut cell, ms(0), &Quota::default());
    assert_eq!(verdict.retry_after(), Some(ms(600)));
    assert!(check(&mut cell, ms(600), &Quota::default()).is_allowed());
}

#[test]
fn extremes_do_not_overflow() {
    for quota in [quota(u32::MAX, ms(1), u32::MAX), quota(1, Duration::MAX, u32::MAX), quota(0, Duration::ZERO, 0)] {
        let mut cell = Cell::default();
        for now in [Duration::ZERO, Duration::MAX] {
            assert!(check(&mut cell, now, &quota).is_allowed(), "{quota:?} {now:?}");
        }
    }
}

#[test]
fn fields_are_in_the_syntax_of_the_draft() {
    let mut cell = Cell::default();
    let quota = Quota::default();
    assert_eq!(policy_value("default", &quota), "\"default\";q=100;w=60");
    let verdict = check(&mut cell, ms(1), &quota);
    assert_eq!(value("default", verdict), "\"default\";r=99;t=1");
    assert!((0..99).all(|_| check(&mut cell, ms(1), &quota).is_allowed()));
    let refused = check(&mut cell, ms(1), &quota);
    assert_eq!(value("route", refused), "\"route\";r=0;t=60");
    assert_eq!(refused.retry_after().map(retry_after_seconds), Some(1));
    assert_eq!(policy_value("x", &Quota { window: ms(1_500), ..quota }), "\"x\";q=100;w=2");
}

#[test]
fn addresses_count_by_what_one_client_has_of_them() {
    let key = |text: &str| AddressKey::from(text.parse::<std::net::IpAddr>().unwrap());
    assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    assert_eq!(key("10.0.0.1"), key("::ffff:10.0.0.1"));
    assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:0:0:1"));
    assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
}

#[test]
fn a_full_table_drops_what_is_nearest_to_its_end() {
    let quota = quota(100, ms(60_000), 100);
    let mut table = Table::new(1_000);
    assert!((0..100).all(|_| table.check(&"heavy".to_owned(), ms(0), &quota).is_allowed()));
    assert!(!table.check(&"heavy".to_owned(), ms(0), &quota).is_allowed());
    // Within less than an interval, so that no cell is over, ever new ones come, a hundred times what fits.
    for number in 0..100_000u64 {
        assert!(table.check(&format!("{number}"), ms(number * 500 / 100_000), &quota).is_allowed());
        assert!(table.len() <= 1_000);
    }
    assert!(!table.check(&"heavy".to_owned(), ms(500), &quota).is_allowed());
}

#[test]
fn what_is_over_makes_room() {
    let quota = Quota::default();
    let mut table = Table::new(1_000);
    assert!((0..1_000).all(|key| table.check(&key, ms(0), &quota).is_allowed()));
    for key in 1_000..1_100 {
        let _ = table.check(&key, ms(600), &quota);
    }
    assert_eq!(table.len(), 100);
}

proptest! {
    /// As a bucket that drips, counted in nanoseconds.
    #[test]
    fn it_decides_as_a_bucket_of_tokens(
        (requests, window_ms, burst) in (1u32..50, 1u64..5_000, 1u32..20),
        pauses in prop::collection::vec(0u64..400, 1..200),
    ) {
        let quota = quota(requests, ms(window_ms), burst);
        let interval = quota.interval();
        let full = interval * u64::from(burst);
        let (mut cell, mut now, mut level) = (Cell::default(), 0, full);
        for pause in pauses {
            now += pause;
            level = full.min(level + pause * 1_000_000);
            let verdict = check(&mut cell, ms(now), &quota);
            prop_assert_eq!(verdict.is_allowed(), level >= interval);
            if verdict.is_allowed() {
                level -= interval;
                prop_assert_eq!(u64::from(verdict.remaining()), level / interval);
            } else {
                let after = u64::try_from(verdict.retry_after().unwrap().as_nanos()).unwrap();
                prop_assert_eq!(after, interval - level);
            }
            prop_assert_eq!(u64::try_from(verdict.reset().as_nanos()).unwrap(), full - level);
        }
    }

    #[test]
    fn a_table_that_is_not_full_decides_as_a_cell_for_each_key(
        requests in prop::collection::vec((0u64..300, 0u8..12), 1..300),
    ) {
        let quota = quota(5, ms(1_000), 3);
        let mut table = Table::new(12);
        let mut cells = [Cell::default(); 12];
        let mut now = 0;
        for (pause, key) in requests {
            now += pause;
            let expected = check(&mut cells[usize::from(key)], ms(now), &quota);
            prop_assert_eq!(table.check(&key, ms(now), &quota), expected);
            prop_assert!(table.is_in_order());
        }
    }

    #[test]
    fn a_table_stays_within_its_limit_and_in_order(
        requests in prop::collection::vec((0u64..300, 0u8..40), 1..300),
        limit in 0usize..10,
    ) {
        let quota = quota(5, ms(1_000), 3);
        let mut table = Table::new(limit);
        let mut now = 0;
        for (pause, key) in requests {
            now += pause;
            let _ = table.check(&key, ms(now), &quota);
            prop_assert!(table.len() <= limit.max(1));
            prop_assert!(table.is_in_order());
        }
    }
}
