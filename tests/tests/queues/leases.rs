//! What becomes of a leased message: settled by its token, extended, given back, or lost.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::Setup;

use crate::{lease_one, problem};

#[tokio::test]
async fn only_the_token_of_the_lease_settles_a_message() {
    let host = Setup::new().start().await;
    host.enqueue("t", json!({"data": 1})).await;
    let old = host.lease("t", json!({"visibilityTimeout": "1s"})).await.remove(0);
    let new = lease_one(&host, "t").await;
    assert_eq!((&new["id"], &new["attempt"]), (&old["id"], &json!(1)), "a lease that ran out is no failure");
    assert_ne!(new["token"], old["token"]);
    for how in ["ack", "nack", "reject", "extend"] {
        problem(&host.settle("t", &old, how, json!({"delay": "5s"})).await, 409, "SY");
        let forged = json!({"token": "forged", "delay": "5s"});
        problem(&host.settle("t", &new, how, forged).await, 409, "SY");
    }
    let host = host.kill().start().await;
    assert!(host.settle("t", &new, "extend", json!({"delay": "1h"})).await.status.is_success(), "leases are durable");
    assert!(host.settle("t", &new, "ack", json!({})).await.status.is_success());
    problem(&host.settle("t", &new, "ack", json!({})).await, 409, "SY");
    assert_eq!(host.queue("t").await["dequeued"], 1);
}

#[tokio::test]
async fn an_extended_lease_holds_as_long_as_it_says() {
    let host = Setup::new().start().await;
    host.enqueue("x", json!({"data": 1})).await;
    let since = Instant::now();
    let message = host.lease("x", json!({"visibilityTimeout": "1s"})).await.remove(0);
    assert!(host.settle("x", &message, "extend", json!({"delay": "3s"})).await.status.is_success());
    let again = lease_one(&host, "x").await;
    assert!(since.elapsed() >= Duration::from_secs(3));
    assert_eq!(again["id"], message["id"]);
}

#[tokio::test]
async fn nack_backs_off_by_powers_of_two_unless_it_names_a_delay() {
    let host = Setup::new().start().await;
    host.enqueue("n", json!({"data": "precious"})).await;
    let message = lease_one(&host, "n").await;
    let since = Instant::now();
    assert!(host.settle("n", &message, "nack", json!({"reason": "first"})).await.status.is_success());
    let message = lease_one(&host, "n").await;
    assert!(since.elapsed() >= Duration::from_secs(2), "2^1 s");
    assert_eq!(message["attempt"], 2);
    let since = Instant::now();
    host.settle("n", &message, "nack", json!({"reason": "second", "delay": "100ms"})).await;
    let message = lease_one(&host, "n").await;
    assert!(since.elapsed() >= Duration::from_millis(100));
    assert_eq!(message["attempt"], 3);
    host.settle("n", &message, "nack", json!({"reason": "third"})).await;
    let dead = host.until_dead("queue=n", 1).await.remove(0);
    assert_eq!((&dead["kind"], &dead["queue"], &dead["attempts"]), (&json!("message"), &json!("n"), &json!(3)));
    assert!(dead["error"].as_str().unwrap().contains("third"), "{dead:#}");
    assert_eq!(
        (&dead["originalMessage"]["data"], &dead["originalMessage"]["id"]),
        (&json!("precious"), &message["id"])
    );
    let queue = host.queue("n").await;
    assert_eq!((&queue["failed"], &queue["currentSize"], &queue["inFlight"]), (&json!(1), &json!(0), &json!(0)));
    // Redriven, it is in its queue again, with its attempts before it.
    let path = format!("/api/v1/dead-letters/{}/redrive", dead["id"].as_str().unwrap());
    assert!(host.ask(Method::POST, &path, &Value::Null).await.status.is_success());
    let message = lease_one(&host, "n").await;
    assert_eq!((&message["data"], &message["attempt"]), (&json!("precious"), &json!(1)));
    assert!(host.settle("n", &message, "reject", json!({"reason": "never"})).await.status.is_success());
    let dead = host.until_dead("queue=n", 1).await.remove(0);
    assert!(dead["error"].as_str().unwrap().contains("never"), "{dead:#}");
}

#[tokio::test]
async fn dead_letters_go_to_the_queue_that_is_named() {
    let config = "[queues.jobs]\nmax-attempts = 1\ndead-letter-queue = 'jobs.dead'\n";
    let host = Setup::new().config(config).start().await;
    host.enqueue("jobs", json!({"data": {"n": 1}, "priority": 2})).await;
    let message = lease_one(&host, "jobs").await;
    host.settle("jobs", &message, "nack", json!({"reason": "broken"})).await;
    let listed = async || host.admin("/api/v1/queues/jobs.dead").await.status.is_success().then_some(());
    host.eventually("the dead letter's queue", listed).await;
    let dead = lease_one(&host, "jobs.dead").await;
    let letter = &dead["data"];
    assert_eq!(
        (&letter["originalMessage"]["id"], &letter["originalMessage"]["data"]),
        (&message["id"], &json!({"n": 1}))
    );
    assert!(letter["error"].as_str().unwrap().contains("broken"), "{letter:#}");
    assert!(letter["failedAt"].as_str().unwrap().ends_with('Z'), "{letter:#}");
    assert_eq!(host.dead_letters("").await.len(), 0);
    assert_eq!(host.queue("jobs").await["failed"], 1);
    let config = "[queues.jobs]\ndead-letter-queue = 'jobs'\n";
    let (status, text) = Setup::new().config(config).run_to_end();
    assert!(status.code() == Some(1) && text.contains("dead letters of 'jobs'"), "{text}");
}

#[tokio::test]
async fn leases_that_run_out_are_counted_apart_from_failures() {
    let host = Setup::new().start().await;
    host.enqueue("lost", json!({"data": 1})).await;
    for _ in 0..20 {
        let leased = async || host.lease("lost", json!({"visibilityTimeout": "1s"})).await.into_iter().next();
        let message = host.eventually("the lease has run out", leased).await;
        assert_eq!(message["attempt"], 1, "no attempt has failed");
        assert_eq!(host.dead_letters("").await.len(), 0);
    }
    // Whoever asks for it next gets it no more.
    let dead = async || {
        assert_eq!(host.lease("lost", json!({"max": 1})).await.len(), 0, "its twentieth lease was the last");
        host.dead_letters("queue=lost").await.into_iter().next()
    };
    let dead = host.eventually("it is a dead letter", dead).await;
    assert!(!dead["error"].as_str().unwrap().is_empty(), "{dead:#?}");
    let queue = host.queue("lost").await;
    assert_eq!((&queue["failed"], &queue["currentSize"], &queue["inFlight"]), (&json!(1), &json!(0), &json!(0)));
}
