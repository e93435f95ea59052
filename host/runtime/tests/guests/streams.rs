//! Responses that stream, and how many there may be.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{future::poll_fn, stream};
use http::Request;
use http_body::{Body as _, Frame};
use http_body_util::StreamBody;
use switchyard_core::manifest::Guests;
use switchyard_runtime::{Body, BodyError, GuestError, Limits, Settings};
use tokio::sync::mpsc;

use crate::world::{World, context};

const PATIENCE: Duration = Duration::from_secs(60);

/// A call of `/echo` that has its head and goes on for as long as the sender is there.
struct Echo {
    sender: mpsc::UnboundedSender<Bytes>,
    body: Body,
}

impl Echo {
    async fn begin(world: &World) -> Result<Self, GuestError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let frames = stream::unfold(receiver, |mut receiver: mpsc::UnboundedReceiver<Bytes>| async {
            Some((Ok::<_, BodyError>(Frame::data(receiver.recv().await?)), receiver))
        });
        let request = Request::post("http://shop/echo").body(Body::stream(StreamBody::new(Box::pin(frames)))).unwrap();
        let response = world.plugin.call(context(PATIENCE), request).await?;
        Ok(Self { sender, body: response.into_body() })
    }

    /// Sends a part, and waits for it to come back.
    async fn says(&mut self, text: &'static str) {
        self.sender.send(Bytes::from_static(text.as_bytes())).unwrap();
        let frame = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), text);
    }

    async fn ends(self) {
        drop(self.sender);
        assert_eq!(self.body.collect(1 << 20).await.unwrap(), "");
    }
}

async fn is_served(world: &World) {
    let response =
        world.plugin.call(context(PATIENCE), Request::get("http://shop/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.into_body().collect(1 << 20).await.unwrap(), "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_keep_nobody_from_calling_and_are_bounded_themselves() {
    for guest in ["hello-p2", "hello-p3"] {
        // A guest may work on for a moment when its answer is whole, so the next call may have to wait for its place.
        let limits = Limits { concurrency_max: 1, queue_max: 1, streams_max: 2, ..Limits::default() };
        let settings = Settings { limits, guests: Guests::Reused, ..Settings::default() };
        let world = World::with(guest, settings).await;
        let mut first = Echo::begin(&world).await.unwrap();
        let mut second = Echo::begin(&world).await.unwrap();
        first.says("a").await;
        second.says("b").await;
        is_served(&world).await;
        let refused = Echo::begin(&world).await.err();
        assert!(
            matches!(&refused, Some(GuestError::Busy { reason, .. }) if reason.contains("streams-max")),
            "{guest}: {refused:?}"
        );
        // One that ends at once needs no place among those that go on.
        is_served(&world).await;
        second.ends().await;
        let mut third = Echo::begin(&world).await.unwrap();
        third.says("c").await;
        first.says("d").await;
        // Two clients that are gone take nothing with them.
        drop((first, third));
        let mut last = Echo::begin(&world).await.unwrap();
        last.says("e").await;
        last.ends().await;
    }
}
