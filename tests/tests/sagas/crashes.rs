//! `kill -9` at random moments while a thousand sagas are open, again and again on the same data; then the books.
//!
//! The saga is `process-order` with a short rest between its steps, so that many stay open while 64 starts at a time
//! keep adding more. Of sixteen orders four meet a service that fails or dies half-way, so that crashes hit sagas on
//! their way back, too.

mod audit;
mod load;
mod orders;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use switchyard_tests::{Host, Random};

use self::load::{Ledger, Load};
use crate::shop;

/// Rounds when `SWITCHYARD_SAGA_ROUNDS` does not say.
const ROUNDS: u64 = 10;

/// Sagas that are kept open.
const OPEN: u64 = 1_000;

/// The latest moment of a kill, in ms after the host listens: from the middle of taking over to full work.
const KILLED_WITHIN: u64 = 1_500;

/// Two rests, and no long ones between attempts.
fn definition() -> Value {
    let retry = json!({"maxAttempts": 3, "backoff": {"linear": "20ms"}});
    let steps = shop::steps("payment.charge", &json!({"retry": retry}));
    let rest = json!({"wait": {"timer": "2s"}});
    let steps = [&steps[0], &rest, &steps[1], &rest, &steps[2]];
    json!({"name": "orders", "steps": steps})
}

/// How long it takes from the start of the process until each open saga has its owner.
async fn taken_over(host: &Host, began: Instant) -> Duration {
    let owned = async || {
        let stats = host.saga_stats().await;
        (stats["owned"].as_u64() >= stats["open"].as_u64()).then(|| began.elapsed())
    };
    host.eventually("each open saga is owned", owned).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_balance_after_crashes_with_a_thousand_open_sagas() {
    let rounds = std::env::var("SWITCHYARD_SAGA_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("rounds are a number"));
    let seed = Random::seed();
    eprintln!("SWITCHYARD_SEED={seed} SWITCHYARD_SAGA_ROUNDS={rounds}");
    let (mut random, ledger, mut times) = (Random(seed), Arc::new(Ledger::default()), Vec::new());
    // With one breaker open or another, all would wait for it and little be under way.
    let host = shop::setup(&[definition()]).config("[breaker]\nmode = 'measure'\n").start().await;
    let load = Load::start(&host, 0, &ledger, OPEN).await;
    load.until_open(&host, OPEN).await;
    let mut setup = host.kill();
    load.end().await;
    for round in 1..=rounds {
        let began = Instant::now();
        let host = setup.start_unready().await;
        // Every other host is killed while it takes over, or just thereafter; the others once they are at full work.
        let at_work = round % 2 == 1;
        if at_work {
            let took = taken_over(&host, began).await;
            eprintln!("round {round}: taken over {} ms after the start", took.as_millis());
            times.push(took);
        }
        let load = Load::start(&host, round, &ledger, OPEN).await;
        if at_work {
            load.until_open(&host, OPEN).await;
        }
        tokio::time::sleep(Duration::from_millis(random.below(KILLED_WITHIN))).await;
        let open = load.open();
        setup = host.kill();
        load.end().await;
        eprintln!("round {round}: killed with {open} open");
    }
    times.sort();
    let (middle, most) = (times.get(times.len() / 2), times.last());
    eprintln!("taken over after {middle:?} in the middle of {} rounds, {most:?} at most", times.len());
    // The last end of work is one in good order.
    let host = setup.patience(120).start().await;
    let load = Load::start(&host, rounds + 1, &ledger, OPEN).await;
    load.until_open(&host, OPEN).await;
    let (setup, status) = host.stop();
    assert!(status.success(), "{status}");
    load.end().await;
    let host = setup.start().await;
    audit::settle(&host).await;
    audit::check(&host, &ledger).await;
    let (status, report) = host.run(&["doctor"]);
    assert!(status.success(), "{report}");
}
