//! Delivery on a real store, to an HTTP endpoint: what is promised of subscriptions, queues and schedules.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod sink;

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use serde_json::{Value, json};
use sink::{Host, PATIENCE, Sink, eventually, wish};
use switchyard_core::{
    manifest::{ScheduleSpec, Target, Timetable},
    message::Draft,
    units::HumanDuration,
};
use switchyard_delivery::{Config, Error, From, Publisher, config};
use switchyard_runtime::ports::Settlement;
use switchyard_store::{CursorStart, ListDead};

#[tokio::test]
async fn an_event_is_posted_in_binary_mode() {
    let (folder, sink) = (tempfile::tempdir().unwrap(), Sink::glad().await);
    let host = Host::start(folder.path(), Config::default());
    host.subscribe(&sink, r#"{"topic":"order.*","name":"hook"}"#).await;
    host.publish("other", &json!(0)).await;
    host.publish("order.created", &json!({"n": 1})).await;
    assert_eq!(sink.data(1).await, [json!({"n": 1})]);
    let (headers, _) = sink.got().remove(0);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(header("ce-specversion"), "1.0");
    assert_eq!((header("ce-type"), header("ce-source")), ("order.created".to_owned(), "/test".to_owned()));
    assert_eq!(header("content-type"), "application/json");
    eventually_settled(&host, "hook").await;
    host.stop().await;
}

#[tokio::test]
async fn a_cursor_goes_on_after_a_restart_and_nothing_comes_twice() {
    let (folder, sink) = (tempfile::tempdir().unwrap(), Sink::glad().await);
    let host = Host::start(folder.path(), Config::default());
    host.subscribe(&sink, r#"{"topic":">","name":"hook"}"#).await;
    for n in 0..300 {
        host.publish_keyed("a.b", Some("k"), &json!(n)).await;
    }
    sink.data(150).await;
    host.stop().await;
    let before = sink.got().len();
    let host = Host::start(folder.path(), Config::default());
    host.publish_keyed("a.b", Some("k"), &json!(300)).await;
    assert_eq!(sink.data(301).await, (0..=300).map(Value::from).collect::<Vec<_>>(), "{before} before the restart");
    eventually_settled(&host, "hook").await;
    host.stop().await;
}

#[tokio::test]
async fn failures_are_retried_and_end_among_the_dead_letters_where_they_can_be_redriven() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(Box::new(|(headers, data)| {
        let first = headers["x-switchyard-attempt"] == "1";
        match data.as_str() {
            Some("poison") => (500, None),
            Some("later") if first => (429, Some("1")),
            _ => (200, None),
        }
    }))
    .await;
    let host = Host::start(folder.path(), Config::default());
    host.subscribe(&sink, r#"{"topic":"a","name":"hook","max-attempts":2,"backoff":{"linear":"10ms"}}"#).await;
    let poison = host.publish("a", &json!("poison")).await;
    host.publish("a", &json!("later")).await;
    host.publish("a", &json!("good")).await;
    let letters = loop {
        let letters = host.delivery.dead_letters(list()).await.unwrap();
        if !letters.is_empty() {
            break letters;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!((letters[0].attempts, letters[0].subscription.as_deref()), (2, Some("hook")));
    assert_eq!(letters[0].error, format!("{} answered 500 Internal Server Error", sink.url));
    assert_eq!(letters[0].original_event.as_ref().unwrap()["data"], "poison");
    let told = host.delivery.events(Some("event.deadletter".parse().unwrap()), From::First, 10).await.unwrap();
    let told = told.items[0].1.to_json();
    assert_eq!((&told["data"]["originalEvent"]["data"], &told["data"]["attempts"]), (&json!("poison"), &json!(2)));
    let got = |what: &str| sink.got().iter().filter(|(_, data)| data == what).count();
    eventually(|| got("later") == 2 && got("good") == 1).await;
    assert_eq!(got("poison"), 2);
    host.delivery.redrive(&letters[0].id).await.unwrap();
    eventually(|| got("poison") == 4).await;
    assert!(matches!(host.delivery.redrive(&letters[0].id).await, Err(Error::NotFound(_))));
    let view = host.view("hook").await;
    assert_eq!((view.handled.processed, view.max_attempts), (2, 2), "{poison}");
    host.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_ends_its_subscription_for_good() {
    let (folder, sink) = (tempfile::tempdir().unwrap(), Sink::start(Box::new(|_| (410, None))).await);
    let host = Host::start(folder.path(), Config::default());
    host.subscribe(&sink, r#"{"topic":"a","name":"hook"}"#).await;
    host.publish("a", &json!(1)).await;
    sink.data(1).await;
    eventually_in_state(&host, "hook", "ended").await;
    host.publish("a", &json!(2)).await;
    host.stop().await;
    let host = Host::start(folder.path(), Config::default());
    eventually_in_state(&host, "hook", "ended").await;
    assert_eq!(sink.got().len(), 1);
    assert!(matches!(
        host.delivery.subscribe(wish(&sink, r#"{"topic":"a","name":"hook"}"#)).await,
        Err(Error::Conflict(_))
    ));
    host.delivery.unsubscribe("hook").await.unwrap();
    assert!(host.delivery.subscriptions().await.unwrap().is_empty());
    host.stop().await;
}

#[tokio::test]
async fn once_ends_with_the_first_success() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(Box::new(|(_, data)| if data == 1 { (500, None) } else { (200, None) })).await;
    let host = Host::start(folder.path(), Config::default());
    let spec = r#"{"topic":"a","name":"hook","once":true,"max-attempts":1}"#;
    host.subscribe(&sink, spec).await;
    for n in 1..=5 {
        host.publish("a", &json!(n)).await;
    }
    eventually_in_state(&host, "hook", "ended").await;
    assert_eq!(sink.data(2).await, [json!(1), json!(2)]);
    host.stop().await;
}

#[tokio::test]
async fn paused_stays_paused_and_seek_replays() {
    let (folder, sink) = (tempfile::tempdir().unwrap(), Sink::glad().await);
    let host = Host::start(folder.path(), Config::default());
    let view = host.subscribe(&sink, r#"{"topic":"a","name":"the/hook","start":"first"}"#).await;
    assert_ne!(view.id, view.name);
    assert_eq!(host.delivery.pause(&view.id).await.unwrap().state, "paused");
    let first = host.publish("a", &json!(1)).await;
    host.stop().await;
    let host = Host::start(folder.path(), Config::default());
    eventually_in_state(&host, "the/hook", "paused").await;
    assert_eq!(sink.got().len(), 0);
    host.delivery.resume(&view.id).await.unwrap();
    sink.data(1).await;
    eventually_settled(&host, "the/hook").await;
    host.delivery.seek(&view.id, CursorStart::After(first - 1)).await.unwrap();
    assert_eq!(sink.data(2).await, [json!(1), json!(1)]);
    host.stop().await;
}

#[tokio::test]
async fn filters_choose_and_those_that_fail_are_counted() {
    let (folder, sink) = (tempfile::tempdir().unwrap(), Sink::glad().await);
    let host = Host::start(folder.path(), Config::default());
    host.subscribe(&sink, r#"{"topic":"a","name":"hook","filter":"data.n > 1"}"#).await;
    for data in [json!({"n": 1}), json!("no number"), json!({"n": 2})] {
        host.publish("a", &data).await;
    }
    assert_eq!(sink.data(1).await, [json!({"n": 2})]);
    eventually_settled(&host, "hook").await;
    assert_eq!(host.view("hook").await.handled.filter_errors, 1);
    let wrong = host.delivery.subscribe(wish(&sink, r#"{"topic":"a","name":"b","filter":"data.n >"}"#)).await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
    host.stop().await;
}

#[tokio::test]
async fn queues_are_bounded_ordered_and_keep_failures_apart() {
    let folder = tempfile::tempdir().unwrap();
    let queue = config::Queue { max_size: 3, max_attempts: 2, ..config::Queue::default() };
    let host = Host::start(folder.path(), Config { queues: [("q".to_owned(), queue)].into(), ..Config::default() });
    assert!(matches!(host.delivery.lease("q", 1, None).await, Err(Error::NotFound(_))));
    let enqueue = |priority: u8| {
        let draft = Draft { queue: "q".to_owned(), data: format!("{priority}").into(), priority, ..Draft::default() };
        host.delivery.enqueue(Publisher::operator("/test"), draft)
    };
    for priority in [0, 9, 0] {
        enqueue(priority).await.unwrap();
    }
    assert_eq!(enqueue(0).await.unwrap_err().to_string(), "Queue q is full");
    let leased = host.delivery.lease("q", 2, None).await.unwrap();
    assert_eq!(leased.iter().map(|message| message.priority).collect::<Vec<_>>(), [9, 0]);
    let (first, second) = (&leased[0], &leased[1]);
    host.delivery.settle("q", &first.id, &first.token, Settlement::Ack).await.unwrap();
    let again = host.delivery.settle("q", &first.id, &first.token, Settlement::Ack).await;
    assert!(matches!(again, Err(Error::NotLeased(_))), "{again:?}");
    let nack = |reason: &str| Settlement::Nack { reason: reason.to_owned(), delay: Some(Duration::ZERO) };
    host.delivery.settle("q", &second.id, &second.token, nack("once")).await.unwrap();
    let leased = host.delivery.lease("q", 10, None).await.unwrap();
    let failed = leased.iter().find(|message| message.id == second.id).unwrap();
    assert_eq!((leased.len(), failed.attempt), (2, 2));
    host.delivery.settle("q", &failed.id, &failed.token, nack("twice")).await.unwrap();
    let letters = host.delivery.dead_letters(list()).await.unwrap();
    assert_eq!((letters[0].queue.as_deref(), letters[0].error.as_str(), letters[0].attempts), (Some("q"), "twice", 2));
    let view = host.delivery.queue("q").await.unwrap();
    assert_eq!((view.enqueued, view.dequeued, view.failed, view.in_flight, view.dead_letters), (3, 1, 1, 1, 1));
    host.delivery.redrive(&letters[0].id).await.unwrap();
    assert_eq!(host.delivery.lease("q", 10, None).await.unwrap()[0].id, second.id);
    host.stop().await;
}

#[tokio::test]
async fn an_interval_fires_and_makes_up_for_what_it_missed_once() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = ScheduleSpec {
        name: "tick".to_owned(),
        timetable: Timetable::Every(HumanDuration(Duration::from_secs(1))),
        target: Target::Topic("tick".to_owned()),
        data: json!({"n": 1}),
    };
    let config = || Config { schedules: vec![schedule.clone()], ..Config::default() };
    let ticks = async |host: &Host| {
        let page = host.delivery.events(Some("tick".parse().unwrap()), From::First, 100).await.unwrap();
        page.items.len()
    };
    let host = Host::start(folder.path(), config());
    let ticked = async {
        while ticks(&host).await < 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ticked).await.unwrap();
    host.stop().await;
    // Longer than three intervals without a host.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let seen = AtomicUsize::new(0);
    let host = Host::start(folder.path(), config());
    let caught_up = async {
        while ticks(&host).await < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        seen.store(ticks(&host).await, Relaxed);
    };
    tokio::time::timeout(PATIENCE, caught_up).await.unwrap();
    assert_eq!(seen.load(Relaxed), 2);
    host.stop().await;
}

fn list() -> ListDead {
    ListDead { limit: 100, ..ListDead::default() }
}

async fn eventually_in_state(host: &Host, name: &str, state: &str) {
    let all = async {
        while host.try_view(name).await.is_none_or(|view| view.state != state) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect(state);
}

/// Waits until nothing is under way, and the cursor has come to the newest event.
async fn eventually_settled(host: &Host, name: &str) {
    let all = async {
        loop {
            let view = host.try_view(name).await;
            if view.is_some_and(|view| view.lag == 0 && view.in_flight == 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("the cursor never came to the end");
}
