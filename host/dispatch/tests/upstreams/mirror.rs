//! Copies of requests.

use std::sync::Arc;

use switchyard_dispatch::{MIRRORS_MAX, MirrorCounts};
use tokio::sync::{Semaphore, mpsc};

use crate::world::{PATIENCE, Server, World, context, get, text, upstream};

#[tokio::test]
async fn copies_are_sent_once_and_only_so_many_at_a_time() {
    let (seen, mut told) = mpsc::unbounded_channel();
    let go = Arc::new(Semaphore::new(0));
    let gate = go.clone();
    let server = Server::http1(move |request| {
        let (seen, gate) = (seen.clone(), gate.clone());
        async move {
            seen.send(request.uri().path().to_owned()).unwrap();
            gate.acquire().await.unwrap().forget();
            text(503, "x")
        }
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]).with_patient_breakers();
    let copy = || world.dispatcher.mirror(&world.service, context(PATIENCE), get("/copy"));
    assert!((0..MIRRORS_MAX).all(|_| copy()));
    assert!(!copy());
    assert_eq!(world.dispatcher.mirrors(), MirrorCounts { sent: MIRRORS_MAX as u64, dropped: 1 });
    for _ in 0..MIRRORS_MAX {
        assert_eq!(told.recv().await.unwrap(), "/copy");
    }
    go.add_permits(MIRRORS_MAX);
    while !copy() {
        tokio::task::yield_now().await;
    }
    assert_eq!(told.recv().await.unwrap(), "/copy");
    assert_eq!(server.requests(), MIRRORS_MAX + 1, "a 503 of a copy is not repeated");
}
