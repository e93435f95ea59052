//! How upstreams are asked how they are.

use std::time::Duration;

use switchyard_core::{health::CheckStatus, upstream::Registration};
use tokio::time::Instant;

use crate::world::{PATIENCE, Server, World, text, upstream};

fn asked(address: &str, health: &str) -> Registration {
    Registration { health: Some(health.to_owned()), ..upstream(address) }
}

async fn probe(world: &World, within: Duration) -> Result<(), String> {
    world.dispatcher.probe(&world.service.upstreams[0], Instant::now() + within).await
}

#[tokio::test]
async fn it_is_asked_where_it_says_and_past_its_breaker() {
    let server = Server::http1(|request| async move {
        let agent = request.headers().get("user-agent").map(http::HeaderValue::as_bytes);
        match (request.uri().to_string().as_str(), agent) {
            ("/healthz?deep=1", Some(b"switchyard-health")) => text(204, ""),
            _ => text(500, "x"),
        }
    })
    .await;
    let other = Server::http1(|_| async { text(418, "x") }).await;
    let world = World::new(vec![asked(&server.address, "/healthz?deep=1")]).with_touchy_breakers();
    world.call(crate::world::get("/")).await.unwrap();
    assert!(world.service.is_refusing());
    assert_eq!(probe(&world, PATIENCE).await, Ok(()));
    assert_eq!(world.counted(), (1, 1, 0));
    let world = World::new(vec![asked(&other.address, &format!("{}/healthz?deep=1", server.address))]);
    assert_eq!((probe(&world, PATIENCE).await, other.requests()), (Ok(()), 0));
    let world = World::new(vec![asked(&other.address, "/")]);
    assert_eq!(probe(&world, PATIENCE).await, Err("it answers 418 I'm a teapot".to_owned()));
}

#[tokio::test]
async fn the_want_of_an_answer_is_told() {
    let silent = Server::http1(|_| std::future::pending()).await;
    let world = World::new(vec![asked(&silent.address, "/")]);
    assert_eq!(probe(&world, Duration::from_millis(50)).await, Err("it did not answer in time".to_owned()));
    let gone = Server::http1(|_| async { text(200, "") }).await.address.clone();
    let world = World::new(vec![asked(&gone, "/")]);
    let error = probe(&world, PATIENCE).await.unwrap_err();
    assert!(error.contains("it cannot be reached"), "{error}");
}

#[tokio::test]
async fn who_is_not_well_is_not_discovered() {
    let world = World::new(vec![
        Registration { tags: vec!["eu".into(), "blue".into()], id: Some("a".into()), ..asked("http://a:1", "/h") },
        Registration { tags: vec!["eu".into()], id: Some("b".into()), ..upstream("http://b:1") },
    ]);
    let name = world.service.name().clone();
    let found = |tags: &[&str]| -> Vec<String> {
        let snapshot = world.dispatcher.snapshot();
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        snapshot.discover(Some(&name), &tags).iter().map(|(_, instance)| instance.id().to_owned()).collect()
    };
    assert_eq!(found(&[]), ["b"], "nobody has asked a yet");
    world.service.upstreams[0].set_health(CheckStatus::Healthy);
    assert_eq!(
        (found(&[]), found(&["eu"]), found(&["eu", "blue"])),
        (vec!["a".into(), "b".into()], vec!["a".into(), "b".into()], vec!["a".into()])
    );
    world.service.upstreams[0].set_health(CheckStatus::Unhealthy);
    assert_eq!(found(&["eu"]), ["b"]);
    assert!(world.dispatcher.snapshot().discover(Some(&"other".parse().unwrap()), &[]).is_empty());
    assert_eq!(world.dispatcher.snapshot().discover(None, &[]).len(), 1);
    let described = world.service.describe(&world.service.upstreams[0]);
    assert_eq!((&*described.address, described.port, described.health.as_deref()), ("a", 1, Some("/h")));
}
