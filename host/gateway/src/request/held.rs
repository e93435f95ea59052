//! Bodies that are small enough to be held: shown to middleware, and sent twice.

use bytes::Bytes;
use http_body::Body as _;
use switchyard_dispatch::{Body, BodyError};
use tokio::time::{Instant, timeout_at};

/// The longest body in bytes that is held; 64 KiB. Longer ones, and those whose length is not known, pass as they come.
pub(crate) const HELD_MAX: usize = 64 << 10;

/// The body, and its bytes when it can be held.
///
/// # Errors
/// When it does not arrive by the deadline, or breaks off.
pub(crate) async fn hold(body: Body, deadline: Instant) -> Result<(Body, Option<Bytes>), BodyError> {
    match body.size_hint().exact() {
        Some(length) if length <= HELD_MAX as u64 => {}
        _ => return Ok((body, None)),
    }
    let collected = timeout_at(deadline, body.collect(HELD_MAX)).await;
    let bytes = collected.map_err(|_| BodyError::TimedOut)??;
    Ok((Body::full(bytes.clone()), Some(bytes)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn only_a_short_body_of_known_length_is_held() {
        let deadline = Instant::now() + Duration::from_secs(60);
        for (length, is_held) in [(0, true), (1, true), (HELD_MAX, true), (HELD_MAX + 1, false)] {
            let (body, held) = hold(Body::full(vec![7; length]), deadline).await.unwrap();
            assert_eq!(held.map(|held| held.len()), is_held.then_some(length));
            assert_eq!(body.collect(length).await.unwrap().len(), length);
        }
    }
}
