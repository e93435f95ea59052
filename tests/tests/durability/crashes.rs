//! `kill -9` at random moments under load, again and again on the same data.

use std::{sync::Arc, time::Duration};

use switchyard_tests::{Random, Setup};

use crate::{audit, ledger::Ledger, load::Load};

/// Rounds when `SWITCHYARD_CRASH_ROUNDS` does not say.
const ROUNDS: u64 = 20;

/// How long the load runs before the kill, in ms: from the first requests on, to where the backlog is large.
const LOADED_MAX: u64 = 600;

/// The configuration of one round.
fn config(round: u64) -> String {
    format!("[services.probe.config]\nround = '{round}'\n[queues.ledger]\nmax-size = 1000000\n")
}

fn setup() -> Setup {
    let side = "subscriptions = [{ topic = 'ledger.*', name = 'ledger', start = 'first', backoff = { linear = '30ms' } }]\n\
                queues = [{ queue = 'ledger', concurrency = 8, visibility-timeout = '1s' }]";
    Setup::new().config(&config(0)).probe(side)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_balances_after_many_crashes() {
    let rounds = std::env::var("SWITCHYARD_CRASH_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("rounds are a number"));
    let seed = Random::seed();
    eprintln!("SWITCHYARD_SEED={seed} SWITCHYARD_CRASH_ROUNDS={rounds}");
    let (mut random, ledger) = (Random(seed), Arc::new(Ledger::default()));
    let mut setup = setup();
    for round in 1..=rounds {
        let host = setup.config(&config(round)).start().await;
        let load = Load::start(&host, round, &ledger).await;
        tokio::time::sleep(Duration::from_millis(random.below(LOADED_MAX))).await;
        setup = host.kill();
        load.end().await;
    }
    let host = setup.config(&config(rounds + 1)).patience(120).start().await;
    let found = audit::settle(&host, &ledger).await;
    eprintln!("{}", found.summary());
    found.check_log();
    found.check_events_done();
    found.check_messages_done();
    found.check_commits(&host).await;
    found.check_order();
    eprintln!("at most {} deliveries came again after a crash", found.check_redelivery());
    let (status, report) = host.run(&["doctor"]);
    assert!(status.success(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_starting_loses_nothing() {
    let ledger = Arc::new(Ledger::default());
    let host = setup().start().await;
    let load = Load::start(&host, 1, &ledger).await;
    let enough = async || (load.acknowledged() >= 100).then_some(());
    host.eventually("a hundred requests", enough).await;
    let mut setup = host.kill();
    load.end().await;
    for round in 2..8 {
        // Listening is early: the plugins, the cursors and the backlog are being taken up just then.
        setup = setup.config(&config(round)).start_unready().await.kill();
    }
    let host = setup.config(&config(9)).start().await;
    let found = audit::settle(&host, &ledger).await;
    found.check_log();
    found.check_events_done();
    found.check_messages_done();
    found.check_order();
    found.check_redelivery();
}
