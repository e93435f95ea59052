//! What happens by the clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

const SECOND: u64 = 1_000_000_000;

/// Waits until the probe was told of so many firings, and answers when each began.
async fn firings(host: &Host, count: usize) -> Vec<u64> {
    let deliveries = host.until_delivered("probe", count).await;
    deliveries.iter().map(|delivery| delivery["at"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn an_interval_fires_an_event_and_a_message_with_their_data() {
    let side = "subscriptions = [{ topic = 'tick', start = 'first' }]\nqueues = [{ queue = 'ticks' }]\n\
                schedules = [{ name = 'to-queue', every = '1s', queue = 'ticks', data = { from = 'manifest' } }]";
    let config = "[[schedule]]\nname = 'to-topic'\nevery = '1s'\ntopic = 'tick'\ndata = { from = 'config' }\n";
    let host = Setup::new().config(config).probe(side).start().await;
    let deliveries = host.until_delivered("probe", 3).await;
    let messages = host.until_handled("probe", 3).await;
    for (fired, from) in [(&deliveries, "config"), (&messages, "manifest")] {
        for firing in fired.iter() {
            assert_eq!(firing["data"], json!({"from": from}), "{firing:#}");
        }
        let at: Vec<u64> = fired.iter().map(|firing| firing["at"].as_u64().unwrap()).collect();
        // Two intervals lie between the first and the third, give or take how long a delivery takes.
        assert!(at[2] - at[0] >= SECOND, "{at:?}");
    }
    let events = host.events("tick").await;
    let mut ids: Vec<_> = events.iter().map(|event| event["id"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), events.len(), "each firing is one event");
}

#[tokio::test]
async fn a_schedule_survives_crashes_and_catches_up_at_most_once() {
    let side = "subscriptions = [{ topic = 'tick', start = 'first' }]\n\
                schedules = [{ name = 'tick', every = '2s', topic = 'tick' }]";
    let host = Setup::new().probe(side).start().await;
    firings(&host, 1).await;
    let before = host.events("tick").await.len();
    let setup = host.kill();
    // Long enough to miss several firings; this waits for the clock itself.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let host = setup.start().await;
    let published = async || Some(host.events("tick").await).filter(|events| events.len() >= before + 3);
    host.eventually("it fires again", published).await;
    let at = firings(&host, before + 3).await;
    let after = &at[at.len() - 3..];
    // One for all that were missed, the next when it is due, the one after that a whole interval later.
    assert!(after[2] - after[0] >= SECOND * 19 / 10, "missed firings were made up for more than once: {at:?}");
}

#[tokio::test]
async fn a_schedule_goes_with_its_plugin() {
    let side = "schedules = [{ name = 'tick', every = '1s', topic = 'tick' }]";
    let config = "[[schedule]]\nname = 'clock'\nevery = '1s'\ntopic = 'clock'\n";
    let host = Setup::new().config(config).probe(side).start().await;
    let ticks = async || (host.events("*").await.iter().any(|event| event["type"] == "tick")).then_some(());
    host.eventually("it fires", ticks).await;
    std::fs::remove_file(host.plugin_file("probe")).unwrap();
    host.until("probe", "gone", |plugin| plugin.is_null() || plugin["state"] == "retired").await;
    let count = async |topic: &str| host.events("*").await.iter().filter(|event| event["type"] == topic).count();
    // One firing may have been under way.
    let (clock, since) = (count("clock").await, Instant::now());
    while count("clock").await < clock + 1 {
        assert!(since.elapsed() < Duration::from_secs(30), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (ticked, clock) = (count("tick").await, count("clock").await);
    while count("clock").await < clock + 3 {
        assert!(since.elapsed() < Duration::from_secs(30), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count("tick").await, ticked, "others fire on, it does not");
}

#[tokio::test]
async fn what_can_never_fire_is_refused_when_it_is_declared() {
    for (schedule, named) in [
        ("name = 'x', cron = '61 * * * *', topic = 't'", "61 * * * *"),
        ("name = 'x', cron = '* * * * * *', topic = 't'", "five fields"),
        ("name = 'x', cron = '0 0 31 2 *', topic = 't'", "0 0 31 2 *"),
        ("name = 'x', every = '10ms', topic = 't'", "1s"),
        ("name = 'x', every = '1s'", "topic or queue"),
        ("name = 'x', topic = 't'", "cron or every"),
        ("name = 'x', every = '1s', topic = 'a..b'", "a..b"),
    ] {
        let host = Setup::new().side("probe", &format!("schedules = [{{ {schedule} }}]")).plugin("probe", "probe");
        let host = host.start_unready().await;
        let plugin = host.until("probe", "refused", |plugin: &Value| plugin["error"].is_string()).await;
        assert!(plugin["error"].as_str().unwrap().contains(named), "{named}: {plugin:#}");
    }
}
