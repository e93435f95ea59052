//! The shell around the machine: what it does to callers, and what it tells.

use std::{sync::Arc, time::SystemTime};

use switchyard_core::{breaker::Cause, problem::Code};
use tokio::sync::broadcast;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// A breaker that is open for next to no time, and what it tells.
fn breaker() -> (Breaker, broadcast::Receiver<BreakerChange>) {
    let breaker = Breaker::new("users".parse().unwrap(), "users-3".into());
    let listeners = Listeners::new(64);
    let told = listeners.subscribe();
    let config = Config { open: Duration::from_millis(20), ..Config::default() };
    breaker.adopt(&listeners, config, Stance::Automatic);
    (breaker, told)
}

fn call(breaker: &Breaker, outcome: Outcome) -> Result<Option<Receipt>, CallError> {
    Ok(breaker.admit(Instant::now() + PATIENCE)?.settle(outcome))
}

/// Fails until it is open.
fn open(breaker: &Breaker) {
    for _ in 0..5 {
        call(breaker, Outcome::Failure).unwrap();
    }
    assert_eq!(breaker.machine.lock().unwrap().state(), State::Open);
}

/// Waits until it is half-open.
async fn half_open(breaker: &Breaker) {
    while let Some(due) = breaker.poll() {
        tokio::time::sleep_until(due).await;
    }
    assert_eq!(breaker.state(), State::HalfOpen);
}

/// The moves that were told, with their causes.
fn moves(told: &mut broadcast::Receiver<BreakerChange>) -> Vec<(State, State, Cause)> {
    std::iter::from_fn(|| told.try_recv().ok()).map(|change| (change.from, change.to, change.cause)).collect()
}

#[tokio::test]
async fn moves_are_told_in_order() {
    let (breaker, mut told) = breaker();
    open(&breaker);
    half_open(&breaker).await;
    assert!(!breaker.is_open());
    for _ in 0..3 {
        call(&breaker, Outcome::Success).unwrap();
    }
    let expected = [
        (State::Closed, State::Open, Cause::InARow(5)),
        (State::Open, State::HalfOpen, Cause::Elapsed),
        (State::HalfOpen, State::Closed, Cause::Recovered(3)),
    ];
    assert_eq!(moves(&mut told), expected);
    breaker.stand(Stance::Measuring);
    breaker.reset(Stance::Automatic);
    breaker.reset(Stance::Automatic);
    let expected =
        [(State::Closed, State::Measuring, Cause::Operator), (State::Measuring, State::Closed, Cause::Operator)];
    assert_eq!(moves(&mut told), expected);
}

#[tokio::test]
async fn a_call_that_is_refused_is_told_by_whom_and_when_to_come_back() {
    let (breaker, mut told) = breaker();
    let listeners = Listeners::new(1);
    breaker.adopt(&listeners, Config::default(), Stance::Automatic);
    open(&breaker);
    let change = told.try_recv().unwrap();
    assert_eq!((change.id.as_str(), change.service.as_str()), ("users-3", "users"));
    assert!(change.next_attempt.is_some_and(|at| at > SystemTime::now().into()));
    let error = call(&breaker, Outcome::Success).unwrap_err();
    assert_eq!(error.code(), Code::BreakerOpen);
    assert!(error.retry_after() > Some(Duration::from_secs(1)) && error.retry_after() <= Some(Duration::from_secs(6)));
    assert!(error.to_string().contains("'users-3' is open"), "{error}");
    breaker.stand(Stance::ForcedOpen);
    let error = call(&breaker, Outcome::Success).unwrap_err();
    assert!(error.to_string().contains("by an operator") && error.retry_after().is_some(), "{error}");
    let view = breaker.view();
    assert_eq!((view.id.as_str(), view.state, view.next_attempt), ("users-3", State::ForcedOpen, None));
    assert_eq!((view.metrics.requests, view.metrics.failures, view.metrics.rejected), (7, 5, 2));
}

#[tokio::test]
async fn a_probe_that_is_dropped_gives_its_place_back() {
    let (breaker, _told) = breaker();
    open(&breaker);
    half_open(&breaker).await;
    let deadline = Instant::now() + PATIENCE;
    let probes = [breaker.admit(deadline).unwrap(), breaker.admit(deadline).unwrap(), breaker.admit(deadline).unwrap()];
    let refused = breaker.admit(deadline).err().unwrap();
    assert!(refused.to_string().contains("half-open"), "{refused}");
    drop(probes);
    let probe = async {
        let _admitted = breaker.admit(deadline).unwrap();
        std::future::pending::<()>().await;
    };
    assert!(tokio::time::timeout(Duration::ZERO, probe).await.is_err());
    for _ in 0..3 {
        assert!(call(&breaker, Outcome::Success).unwrap().is_some());
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.view().metrics.failures, 5, "who went away is no failure");
}

#[tokio::test]
async fn a_call_that_is_given_up_at_its_deadline_had_no_answer_in_time() {
    let (breaker, mut told) = breaker();
    for _ in 0..5 {
        drop(breaker.admit(Instant::now() + PATIENCE).unwrap());
    }
    assert!(moves(&mut told).is_empty());
    for _ in 0..5 {
        drop(breaker.admit(Instant::now()).unwrap());
    }
    assert_eq!(moves(&mut told)[0], (State::Closed, State::Open, Cause::InARow(5)));
    let metrics = breaker.view().metrics;
    assert_eq!((metrics.requests, metrics.timeouts), (10, 5));
}

#[tokio::test]
async fn a_stance_and_numbers_are_taken_over_and_kept() {
    let (breaker, mut told) = breaker();
    let listeners = Listeners::new(1);
    let slow = Config { slow: Some(breaker::Slow { after: PATIENCE, percent: 1 }), ..Config::default() };
    assert!(breaker.pass().is_some_and(|pass| pass.to_bits() & 1 == 0));
    breaker.adopt(&listeners, slow, Stance::Automatic);
    assert!(breaker.pass().is_some_and(|pass| pass.to_bits() & 1 == 1), "calls are timed from now on");
    assert!(moves(&mut told).is_empty());
    breaker.adopt(&listeners, slow, Stance::ForcedOpen);
    breaker.adopt(&listeners, slow, Stance::ForcedOpen);
    assert_eq!(moves(&mut told), [(State::Closed, State::ForcedOpen, Cause::Operator)]);
    assert!(breaker.is_open() && breaker.poll().is_none());
}

#[test]
fn threads_lose_no_count() {
    let breaker = Arc::new(breaker().0);
    breaker.stand(Stance::ForcedClosed);
    let threads = (0..4).map(|_| {
        let breaker = Arc::clone(&breaker);
        std::thread::spawn(move || {
            for n in 0..1_000 {
                call(&breaker, if n % 2 == 0 { Outcome::Success } else { Outcome::TimedOut }).unwrap();
            }
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    let metrics = breaker.view().metrics;
    assert_eq!((metrics.requests, metrics.successes, metrics.timeouts), (4_000, 2_000, 2_000));
}

#[test]
fn chance_is_a_fraction_and_differs() {
    let fractions: Vec<f64> = (0..100).map(|_| fraction()).collect();
    assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)));
    assert!(fractions.iter().any(|fraction| *fraction < 0.5) && fractions.iter().any(|fraction| *fraction >= 0.5));
}
