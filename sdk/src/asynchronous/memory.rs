//! The host in memory: it answers at once.

use std::future::Future;
use std::time::Duration;

use crate::http::{Fault, Outgoing};
use crate::{Response, clock, host};

/// The body of an answer.
pub(super) struct Incoming(Option<Vec<u8>>);

#[expect(clippy::unused_async, reason = "a guest waits")]
pub(super) async fn sleep(duration: Duration) {
    clock::sleep(duration);
}

#[expect(clippy::unused_async, reason = "a guest waits")]
pub(super) async fn send(call: Outgoing) -> Result<(Response, Incoming), Fault> {
    let Response { status, headers, body } = host::send(&call)?;
    Ok((Response::of(status, headers, Vec::new()), Incoming(Some(body))))
}

/// The server in memory was given its time already.
pub(super) async fn within<T>(_: Duration, future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    future.await
}

// === impl Incoming ===

impl Incoming {
    #[expect(clippy::unused_async, reason = "a guest waits")]
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.take())
    }
}
