//! Versions of one service, and the calls that each of them gets.

use std::{sync::Arc, time::Duration};

use switchyard_core::{
    manifest::Manifest,
    route::action::{Mirror, Part},
};
use switchyard_dispatch::{BreakerAction, MirrorCounts, Service, Stats, Traffic};

use crate::world::{NAME, PATIENCE, Server, World, get, instance, read, request, text, upstream};

const CALLS: usize = 400;

/// A version that this server answers for.
fn version(of: &Service, number: u64, server: &Server) -> Arc<Service> {
    let mut manifest = Manifest::of_file(NAME.parse().unwrap(), None);
    manifest.version = semver::Version::new(number, 0, 0);
    Arc::new(of.version(Arc::new(manifest), instance(upstream(&server.address)), Arc::new(Stats::default())))
}

/// A service that nobody else answers for.
fn nobody() -> Service {
    Service::new(Arc::new(Manifest::of_file(NAME.parse().unwrap(), None)), None, Vec::new())
}

/// Shares between versions, the first of which is the main one.
fn shared(versions: &[(&Arc<Service>, u32)], mirror: Option<Mirror<Arc<Service>>>) -> Service {
    let parts = versions.iter().map(|(version, weight)| Part { service: Arc::clone(version), weight: *weight });
    let traffic = Traffic::new(parts.collect(), mirror).unwrap();
    let all = versions.iter().map(|(version, _)| Arc::clone(version)).collect();
    let mut service = nobody();
    service.local.clone_from(&versions[0].0.local);
    service.with_versions(all, Some(Arc::new(traffic)))
}

async fn saying(status: u16, what: &'static str) -> Server {
    Server::http1(move |_| async move { text(status, what) }).await
}

fn calls(version: &Service) -> u64 {
    version.stats.tally().calls()
}

#[tokio::test]
async fn each_version_gets_its_share_and_is_counted_alone() {
    let (first, second) = (saying(200, "1").await, saying(500, "2").await);
    let service = nobody();
    let versions = [version(&service, 1, &first), version(&service, 2, &second)];
    let world = World::of(shared(&[(&versions[0], 3), (&versions[1], 1)], None)).with_patient_breakers();
    for _ in 0..CALLS {
        world.call(get("/")).await.unwrap();
    }
    let (first, second) = (first.requests(), second.requests());
    assert_eq!(first + second, CALLS);
    // Out of this range with a chance of 1 to a million.
    assert!((CALLS * 5 / 8..CALLS * 7 / 8).contains(&first), "{first}");
    assert_eq!(versions.each_ref().map(|version| calls(version)), [first as u64, second as u64]);
    assert_eq!(versions.each_ref().map(|version| version.stats.tally().failures), [0, second as u64]);
    assert_eq!(world.dispatcher.breakers().len(), 2, "each has a breaker of its own");
}

#[tokio::test]
async fn a_version_whose_breaker_opens_leaves_its_calls_to_another() {
    let (first, second) = (saying(200, "1").await, saying(500, "2").await);
    let service = nobody();
    let versions = [version(&service, 1, &first), version(&service, 2, &second)];
    let world = World::of(shared(&[(&versions[0], 0), (&versions[1], 1)], None)).with_touchy_breakers();
    assert_eq!(world.call(get("/")).await.unwrap().status(), 500);
    for _ in 0..10 {
        assert_eq!(world.text().await, "1");
    }
    assert_eq!((first.requests(), second.requests()), (10, 1));
    world.dispatcher.operate_breaker(versions[0].local.as_ref().unwrap().id(), BreakerAction::Open);
    assert!(world.call(get("/")).await.is_err(), "nobody is left");
}

#[tokio::test]
async fn a_route_that_names_a_version_gets_that_one() {
    let (first, second) = (saying(200, "1").await, saying(200, "2").await);
    let service = nobody();
    let versions = [version(&service, 1, &first), version(&service, 2, &second)];
    let whole = shared(&[(&versions[0], 1)], None);
    let named = whole.answered_by(Arc::clone(&versions[1]));
    assert_eq!(named.traffic.as_ref().unwrap().pinned().unwrap().manifest.version.major, 2);
    let world = World::of(named);
    for _ in 0..10 {
        assert_eq!(world.text().await, "2");
    }
    assert_eq!((first.requests(), calls(&versions[1])), (0, 10));
}

#[tokio::test]
async fn a_version_may_itself_be_shared_by_two_of_its_generations() {
    let (first, second) = (saying(200, "1").await, saying(200, "2").await);
    let service = nobody();
    let generations = [version(&service, 1, &first), version(&service, 1, &second)];
    let rolling = Arc::new(shared(&[(&generations[0], 1), (&generations[1], 1)], None));
    let whole = shared(&[(&rolling, 3), (&generations[1], 1)], None);
    let shares = whole.traffic.as_ref().unwrap().shares().into_iter().map(|(_, share)| share).collect::<Vec<_>>();
    assert_eq!(shares, [0.375, 0.375, 0.25]);
    let world = World::of(shared(&[(&rolling, 1)], None));
    for _ in 0..CALLS {
        world.text().await;
    }
    let counted = generations.each_ref().map(|generation| calls(generation));
    assert!(counted.iter().all(|calls| *calls > CALLS as u64 / 4), "{counted:?}");
    assert_eq!((counted.iter().sum::<u64>(), calls(&rolling)), (CALLS as u64, 0));
}

#[tokio::test]
async fn a_version_can_get_copies_of_what_another_answers() {
    let echo = |request: hyper::Request<hyper::body::Incoming>| async move {
        let body = http_body_util::BodyExt::collect(request.into_body()).await.unwrap().to_bytes();
        text(200, body)
    };
    let (first, second) = (Server::http1(echo).await, saying(500, "2").await);
    let service = nobody();
    let versions = [version(&service, 1, &first), version(&service, 2, &second)];
    let mirror = Mirror { service: Arc::clone(&versions[1]), percent: 100 };
    let world = World::of(shared(&[(&versions[0], 1)], Some(mirror))).with_patient_breakers();
    for _ in 0..10 {
        let answer = world.call(request("POST", "/", "all of it")).await.unwrap();
        assert_eq!(read(answer).await, "all of it");
    }
    assert_eq!(world.dispatcher.mirrors(), MirrorCounts { sent: 10, dropped: 0 });
    while calls(&versions[1]) < 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!((calls(&versions[0]), versions[1].stats.tally().failures), (10, 10));
}

#[tokio::test]
async fn one_that_does_not_answer_in_time_has_failed_and_a_caller_who_left_says_nothing() {
    let silent = Server::http1(|_| std::future::pending()).await;
    let versions = [version(&nobody(), 1, &silent)];
    let world = World::of(shared(&[(&versions[0], 1)], None));
    assert!(world.call_within(Duration::from_millis(30), get("/")).await.is_err());
    assert_eq!((calls(&versions[0]), versions[0].stats.tally().failures), (1, 1));
    let left = tokio::time::timeout(Duration::from_millis(30), world.call_within(PATIENCE, get("/"))).await;
    assert!(left.is_err());
    assert_eq!(calls(&versions[0]), 1);
}
