//! An orderly stop: what is under way finishes, nothing is lost, and nothing comes twice.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use switchyard_tests::{
    Setup,
    bus::{ids, keyed},
};

use crate::{audit, ledger::Ledger, load::Load};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_asked_to_stop_finishes_what_it_delivers() {
    let side = "subscriptions = [{ topic = 'slow', name = 'slow', start = 'first' }]\nqueues = [{ queue = 'slow', concurrency = 4 }]";
    let host = Setup::new().probe(side).start().await;
    let deed = json!({"do": "slow", "ms": 200});
    host.publish_all((0..600).map(|n| keyed("slow", &n.to_string(), &(n % 100).to_string(), deed.clone()))).await;
    for _ in 0..40 {
        host.enqueue("slow", json!({"data": deed})).await;
    }
    host.until_delivered("probe", 20).await;
    host.until_handled("probe", 4).await;
    let (setup, status) = tokio::task::spawn_blocking(move || host.stop()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    let host = setup.start().await;
    let done = async || Some(host.queue("slow").await).filter(|queue| queue["dequeued"] == 40);
    host.eventually("all messages are done", done).await;
    let settled = |shown: &Value| shown["lag"] == 0 && shown["inFlight"] == 0;
    host.until_subscription("slow", "settled", settled).await;
    let (delivered, handled) = (ids(&host.deliveries("probe").await), ids(&host.messages("probe").await));
    assert_eq!(delivered.iter().collect::<BTreeSet<_>>().len(), 600);
    assert_eq!((delivered.len(), handled.len()), (600, 40), "nothing comes twice after an orderly stop");
    assert_eq!(host.dead_letters("").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_loses_nothing() {
    let side = "subscriptions = [{ topic = 'ledger.*', name = 'ledger', start = 'first', backoff = { linear = '30ms' } }]\n\
                queues = [{ queue = 'ledger', concurrency = 8, visibility-timeout = '1s' }]";
    let config = "[queues.ledger]\nmax-size = 1000000\n";
    let ledger = Arc::new(Ledger::default());
    let mut setup = Setup::new().config(config).probe(side);
    for round in 1..=3 {
        let host = setup.start().await;
        let load = Load::start(&host, round, &ledger).await;
        let enough = async || (load.acknowledged() >= 100).then_some(());
        host.eventually("a hundred requests", enough).await;
        let (stopped, status) = tokio::task::spawn_blocking(move || host.stop()).await.unwrap();
        assert_eq!(status.code(), Some(0));
        load.end().await;
        setup = stopped;
    }
    let host = setup.start().await;
    let found = audit::settle(&host, &ledger).await;
    found.check_log();
    found.check_events_done();
    found.check_messages_done();
    found.check_commits(&host).await;
    found.check_order();
}
