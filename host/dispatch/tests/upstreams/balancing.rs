//! Several instances of one service.

use std::{collections::BTreeMap, time::Duration};

use switchyard_core::{
    balance::{Config, Kind, hash},
    health::CheckStatus,
    problem::Code,
    upstream::Registration,
};
use switchyard_dispatch::{CallOptions, CallSettings, Snapshot};

use crate::world::{PATIENCE, Server, World, context, get, quick, read, text, upstream};

/// Three servers that answer their names, with these weights.
struct Three {
    world: World,
    servers: Vec<Server>,
}

impl Three {
    async fn new(kind: Kind, weights: [u32; 3]) -> Self {
        let mut servers = Vec::new();
        for name in ["a", "b", "c"] {
            servers.push(Server::http1(move |_| async move { text(200, name) }).await);
        }
        let of = |(server, weight): (&Server, u32)| Registration { weight: Some(weight), ..upstream(&server.address) };
        let world = World::new(servers.iter().zip(weights).map(of).collect());
        let balancer = Config { kind, ..Config::default() };
        world.set(CallSettings { balancer, retry: quick(), ..CallSettings::default() });
        Self { world, servers }
    }

    /// Who answered so many calls.
    async fn shares(&self, calls: usize) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for _ in 0..calls {
            *shares.entry(self.world.text().await).or_default() += 1;
        }
        shares
    }

    fn set_health(&self, index: usize, status: CheckStatus) {
        self.world.service.upstreams[index].set_health(status);
    }
}

fn shares(shares: &[(&str, usize)]) -> BTreeMap<String, usize> {
    shares.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect()
}

#[tokio::test]
async fn turns_are_taken_and_survive_a_new_snapshot() {
    let three = Three::new(Kind::RoundRobin, [1, 1, 1]).await;
    assert_eq!(three.shares(30).await, shares(&[("a", 10), ("b", 10), ("c", 10)]));
    assert_eq!(three.world.text().await, "a");
    let upstreams = three.world.service.upstreams.to_vec();
    let service = switchyard_dispatch::Service::of_upstreams(upstreams).unwrap().succeeding(&three.world.service);
    let service = std::sync::Arc::new(service);
    let services = BTreeMap::from([(service.name().clone(), service.clone())]);
    three.world.dispatcher.publish(Snapshot { services, ..Snapshot::default() });
    let call = three.world.dispatcher.call(&service, context(PATIENCE), get("/"));
    assert_eq!(read(call.await.unwrap()).await, "b");
}

#[tokio::test]
async fn weights_are_shares() {
    for kind in [Kind::RoundRobin, Kind::Weighted] {
        let three = Three::new(kind, [3, 2, 1]).await;
        assert_eq!(three.shares(60).await, shares(&[("a", 30), ("b", 20), ("c", 10)]));
    }
}

#[tokio::test]
async fn the_same_key_leads_to_the_same_instance() {
    let three = Three::new(Kind::ConsistentHash, [1, 1, 1]).await;
    let call = async |affinity: u64| {
        let options = CallOptions { affinity: Some(affinity), ..CallOptions::default() };
        read(
            three.world.dispatcher.call_with(&three.world.service, context(PATIENCE), get("/"), options).await.unwrap(),
        )
        .await
    };
    let mut seen = BTreeMap::new();
    for client in 0..30_u64 {
        let key = hash(&client.to_le_bytes());
        let first = call(key).await;
        assert_eq!(call(key).await, first);
        *seen.entry(first).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    let balancer = Config { kind: Kind::ConsistentHash, ..Config::default() };
    let hash_header = Some("x-user".parse().unwrap());
    three.world.set(CallSettings { balancer, hash_header, ..CallSettings::default() });
    let by_header = async |user: &'static str, affinity: u64| {
        let mut request = get("/");
        request.headers_mut().insert("x-user", user.parse().unwrap());
        let options = CallOptions { affinity: Some(affinity), ..CallOptions::default() };
        let call = three.world.dispatcher.call_with(&three.world.service, context(PATIENCE), request, options);
        read(call.await.unwrap()).await
    };
    for user in ["u1", "u2", "u3"] {
        assert_eq!(by_header(user, 1).await, by_header(user, 2).await);
    }
}

#[tokio::test]
async fn who_is_busy_is_spared() {
    let three = Three::new(Kind::LeastConnections, [1, 1, 1]).await;
    let slow = Server::http1(|_| std::future::pending()).await;
    let world = World::new(vec![upstream(&slow.address), upstream(&three.servers[0].address)]);
    let balancer = Config { kind: Kind::LeastConnections, ..Config::default() };
    world.set(CallSettings { balancer, ..CallSettings::default() });
    let call = || {
        let (dispatcher, service) = (world.dispatcher.clone(), world.service.clone());
        tokio::spawn(async move { dispatcher.call(&service, context(PATIENCE), get("/")).await })
    };
    let mut stuck = Vec::new();
    while slow.requests() == 0 {
        stuck.push(call());
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = slow.requests();
    for _ in 0..20 {
        assert_eq!(world.text().await, "a");
    }
    assert_eq!(slow.requests(), before);
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn the_quicker_one_gets_more() {
    let quick = Server::http1(|_| async { text(200, "quick") }).await;
    let slow = Server::http1(|_| async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        text(200, "slow")
    })
    .await;
    let world = World::new(vec![upstream(&quick.address), upstream(&slow.address)]);
    let balancer = Config { kind: Kind::P2cEwma, ..Config::default() };
    world.set(CallSettings { balancer, ..CallSettings::default() });
    for _ in 0..50 {
        world.text().await;
    }
    assert!(quick.requests() > 40, "{} of 50", quick.requests());
}

#[tokio::test]
async fn who_is_unhealthy_gets_nothing_until_most_are() {
    let three = Three::new(Kind::RoundRobin, [1, 1, 1]).await;
    three.set_health(0, CheckStatus::Unhealthy);
    assert_eq!(three.shares(30).await, shares(&[("b", 15), ("c", 15)]));
    three.set_health(1, CheckStatus::Unhealthy);
    assert_eq!(three.shares(30).await, shares(&[("a", 10), ("b", 10), ("c", 10)]), "panic mode");
    three.set_health(0, CheckStatus::Healthy);
    three.set_health(1, CheckStatus::Healthy);
    assert_eq!(three.shares(30).await.len(), 3);
}

#[tokio::test]
async fn panic_mode_does_not_pass_an_open_breaker() {
    let three = Three::new(Kind::RoundRobin, [1, 1, 1]).await;
    (0..3).for_each(|index| three.set_health(index, CheckStatus::Unhealthy));
    let id = three.world.service.upstreams[2].id();
    three.world.dispatcher.operate_breaker(id, switchyard_dispatch::BreakerAction::Open).unwrap();
    assert_eq!(three.shares(30).await, shares(&[("a", 15), ("b", 15)]));
}

#[tokio::test]
async fn when_nobody_may_answer_it_is_told_when_to_come_back() {
    let server = Server::http1(|_| async { text(200, "x") }).await;
    let world = World::new(vec![upstream(&server.address)]);
    world.set(CallSettings { health_period: Duration::from_secs(7), ..CallSettings::default() });
    world.service.upstreams[0].set_health(CheckStatus::Unhealthy);
    let error = world.call(get("/")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::NoHealthyInstance, Some(Duration::from_secs(7))));
    let failing = Server::http1(|_| async { text(500, "x") }).await;
    let two = vec![upstream(&failing.address), Registration { id: Some("b".into()), ..upstream(&failing.address) }];
    let world = World::new(two).with_touchy_breakers();
    for _ in 0..2 {
        assert_eq!(world.call(get("/")).await.unwrap().status(), 500);
    }
    let error = world.call(get("/")).await.unwrap_err();
    assert_eq!(error.code(), Code::NoHealthyInstance);
    let after = error.retry_after().unwrap();
    assert!(after > Duration::from_secs(30) && after < Duration::from_secs(80), "{after:?}: that of a breaker");
    assert_eq!(server.requests() + failing.requests(), 2);
}

#[tokio::test]
async fn who_has_just_become_healthy_begins_slowly() {
    let three = Three::new(Kind::RoundRobin, [1, 1, 1]).await;
    let balancer = Config { kind: Kind::RoundRobin, slow_start: Duration::from_secs(3_600) };
    three.world.set(CallSettings { balancer, ..CallSettings::default() });
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3_601)).await;
    three.set_health(2, CheckStatus::Unhealthy);
    three.set_health(2, CheckStatus::Healthy);
    tokio::time::resume();
    let shares = three.shares(210).await;
    assert_eq!((shares["a"], shares["b"], shares["c"]), (100, 100, 10));
}

#[tokio::test]
async fn breakers_are_operated_by_instance_or_by_service() {
    let three = Three::new(Kind::RoundRobin, [1, 1, 1]).await;
    let dispatcher = &three.world.dispatcher;
    let ids: Vec<String> = dispatcher.breakers().iter().map(|view| view.id.clone()).collect();
    assert_eq!(ids, three.world.service.upstreams.iter().map(|one| one.id().to_owned()).collect::<Vec<_>>());
    dispatcher.operate_breaker("users", switchyard_dispatch::BreakerAction::Open).unwrap();
    assert!(three.world.service.is_refusing());
    dispatcher.operate_breaker(&ids[1], switchyard_dispatch::BreakerAction::Reset).unwrap();
    assert_eq!(three.shares(5).await, shares(&[("b", 5)]));
    assert!(dispatcher.operate_breaker("other", switchyard_dispatch::BreakerAction::Open).is_none());
}
