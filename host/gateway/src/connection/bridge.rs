//! A connection after its client and an upstream have agreed on another protocol: bytes, both ways.

use std::{sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional_with_sizes, time::timeout};

use super::{Activity, stream::Stream};
use crate::request::Switched;

/// How long an upstream that has said that it switches may take until it has.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(10);

/// What is on its way at a time, in each direction, in bytes.
const BUFFER: usize = 16 << 10;

/// Carries bytes until both sides have ended, one fails, or neither has said anything for the gateway's idle timeout.
/// `early` is what the client has sent already.
pub(super) async fn run(mut client: Stream, early: &[u8], switched: Switched, activity: &Arc<Activity>) {
    // The watch sees a response on its way from here on: bytes of either side are its progress.
    let _responding = activity.respond();
    let (upstream, in_use) = switched.into_parts();
    let upstream = match timeout(SWITCH_TIMEOUT, upstream).await {
        Ok(Ok(upstream)) => upstream,
        Ok(Err(error)) => return tracing::debug!(%error, "an upstream did not switch protocols"),
        Err(_) => return tracing::debug!("an upstream took too long to switch protocols"),
    };
    client.rewind(early);
    let mut upstream = TokioIo::new(upstream);
    match copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER, BUFFER).await {
        Ok((sent, received)) => tracing::debug!(sent, received, "a bridged connection ended"),
        Err(error) => tracing::debug!(%error, "a bridged connection broke off"),
    }
    drop(in_use);
}
