//! A body on its way, which tells how far it is.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::progress::Progress;

/// How much goes out at a time, in bytes.
const CHUNK: usize = 64 << 10;

/// The bytes that are still to be sent.
#[derive(Default)]
pub(in crate::remote) struct Sending {
    rest: Bytes,
    told: Option<(Arc<Progress>, &'static str)>,
}

// === impl Sending ===

impl Sending {
    /// Of which nobody is told.
    pub(super) fn silently(bytes: Bytes) -> Self {
        Self { rest: bytes, told: None }
    }

    /// Of which somebody is told; `then` is what comes after it.
    pub(in crate::remote) fn telling(bytes: Bytes, progress: Arc<Progress>, then: &'static str) -> Self {
        Self { rest: bytes, told: Some((progress, then)) }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(CHUNK);
        let chunk = self.rest.split_to(length);
        if let Some((progress, then)) = &self.told {
            progress.advance(length as u64);
            if self.rest.is_empty() {
                progress.go_on(then);
            }
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn all_of_it_goes_out_in_pieces() {
        let bytes = Bytes::from(vec![7; CHUNK * 2 + 5]);
        let mut body = Sending::silently(bytes.clone());
        assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        assert_eq!(body.frame().await.expect("a piece").expect("no error").into_data().expect("data").len(), CHUNK);
        assert_eq!(body.collect().await.expect("the rest").to_bytes().len(), CHUNK + 5);
    }
}
