//! Requests of guests to other hosts, and how many there may be at once.

use std::{sync::Arc, time::Duration};

use http::Request;
use switchyard_core::manifest::Guests;
use switchyard_runtime::{Body, Limits, Settings};

use crate::world::{World, context};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_to_other_hosts_wait_for_each_other() {
    for guest in ["hello-p2", "hello-p3"] {
        let limits = Limits { outbound_max: 1, ..Limits::default() };
        let world = World::with(guest, Settings { limits, guests: Guests::Reused, ..Settings::default() }).await;
        let world = Arc::new(world);
        let fetch = |host: &str, within| {
            let (world, uri) = (Arc::clone(&world), format!("http://shop/fetch?url=http://{host}/"));
            tokio::spawn(async move {
                let request = Request::get(uri).body(Body::empty()).unwrap();
                let response = world.plugin.call(context(within), request).await?;
                let status = response.status().as_u16();
                response.into_body().collect(1 << 20).await?;
                Ok::<_, switchyard_runtime::GuestError>(status)
            })
        };
        let held = fetch("held.example", PATIENCE);
        world.ports.until_sent("held.example", 1).await;
        // The one place is taken, so this one does not get as far as the network in its time.
        let waited = fetch("other.example", Duration::from_millis(300)).await.unwrap();
        assert!(!matches!(waited, Ok(200)), "{guest}: {waited:?}");
        assert_eq!(world.ports.sent("other.example"), 0, "{guest}");
        // Services of this host have places of their own.
        assert_eq!(fetch("users.internal", PATIENCE).await.unwrap().unwrap(), 200, "{guest}");
        world.ports.release();
        assert_eq!(held.await.unwrap().unwrap(), 200, "{guest}");
        assert_eq!(fetch("other.example", PATIENCE).await.unwrap().unwrap(), 200, "{guest}");
    }
}
