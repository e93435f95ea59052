//! The bodies of requests on their way into the fast lane, which takes them whole.
//!
//! They are read before their call takes a place: otherwise as many clients as there are places, each stopping in the
//! middle of its body, would keep everybody else out for as long as a request may take. What is read is held in
//! memory, so it has a limit of its own.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;

use super::gate::Gate;
use crate::{body::Body, error::GuestError};

/// The most bytes of bodies that are held for one service at a time, those of calls that wait included: 256 MiB. A
/// body that is in memory already, as small ones are when their head is read, does not count.
pub(super) const HELD_MAX: u64 = 256 << 20;

/// What is held for one service.
#[derive(Default)]
pub(super) struct Uploads {
    held: AtomicU64,
}

/// A whole body, and the room that it takes until it is dropped.
pub(super) struct Held<'a> {
    pub(super) body: Bytes,
    _room: Room<'a>,
}

struct Room<'a> {
    uploads: &'a Uploads,
    bytes: u64,
}

// === impl Uploads ===

impl Uploads {
    /// Reads a body to its end. The caller bounds the time.
    pub(super) async fn read(&self, gate: &Gate, body: Body, body_max: usize) -> Result<Held<'_>, GuestError> {
        let mut room = Room { uploads: self, bytes: 0 };
        let body = match body.as_full() {
            Some(_) => body.collect(body_max).await?,
            None => body.collect_while(body_max, |length| room.take(gate, length)).await?,
        };
        Ok(Held { body, _room: room })
    }
}

// === impl Room ===

impl Room<'_> {
    fn take(&mut self, gate: &Gate, length: usize) -> Result<(), GuestError> {
        let length = length as u64;
        self.bytes += length;
        if self.uploads.held.fetch_add(length, Relaxed) + length > HELD_MAX {
            return Err(gate.busy("the bodies of its requests take too much memory already"));
        }
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.uploads.held.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;
    use crate::body::BodyError;

    const PART: usize = 1 << 20;

    fn body(parts: u64) -> Body {
        let part = Bytes::from(vec![0; PART]);
        Body::stream(StreamBody::new(stream::iter(
            (0..parts).map(move |_| Ok::<_, BodyError>(Frame::data(part.clone()))),
        )))
    }

    #[tokio::test]
    async fn what_is_held_has_a_limit_and_comes_back() {
        let (gate, uploads) = (Gate::new("a".parse().unwrap(), 1, 1), Uploads::default());
        let most = HELD_MAX / PART as u64;
        let held = uploads.read(&gate, body(most), usize::MAX).await.unwrap();
        assert_eq!(held.body.len() as u64, HELD_MAX);
        assert!(matches!(uploads.read(&gate, body(1), usize::MAX).await, Err(GuestError::Busy { .. })));
        // One that is there already takes no more memory by being looked at.
        assert!(uploads.read(&gate, Body::full("x"), usize::MAX).await.is_ok());
        drop(held);
        assert_eq!(uploads.held.load(Relaxed), 0);
        assert!(uploads.read(&gate, body(1), usize::MAX).await.is_ok());
        let too_large = uploads.read(&gate, body(2), PART).await;
        assert!(matches!(too_large, Err(GuestError::Body(BodyError::TooLarge { .. }))));
    }
}
