//! The ids of a request: a UUIDv7 of our own, and its place in a trace.
//!
//! The random bits come from a generator of the thread: they must not collide, but nobody has to be unable to guess
//! them, and a call into the kernel for each request is dear.

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::HeaderMap;
use switchyard_core::trace::TraceParent;
use uuid::{Builder, Uuid, fmt::Hyphenated};

use super::trace;

/// The ids of one request.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// The request's id, a UUID as text.
    pub(crate) request_id: Arc<str>,
    /// The traceparent that services get.
    pub(crate) traceparent: Arc<str>,
    /// The same as a place: the request's own.
    pub(super) place: TraceParent,
    /// The span that led to it; none when the trace begins here, and not at the client or before.
    pub(super) parent_id: Option<[u8; 8]>,
}

impl Ids {
    /// New ids. The client's trace goes on when it sent a valid traceparent; its own request id does not count. `samples`
    /// says whether a trace that begins here is recorded.
    pub(crate) fn new(headers: &HeaderMap, samples: impl FnOnce() -> bool) -> Self {
        let parent = trace::parent(headers);
        let id = new_uuid();
        let mut buffer = [0; Hyphenated::LENGTH];
        let request_id = (*id.hyphenated().encode_lower(&mut buffer)).into();
        let place = trace::place(parent, *id.as_bytes(), samples);
        let traceparent = place.to_text().as_str().into();
        Self { request_id, traceparent, place, parent_id: parent.map(|parent| parent.span_id) }
    }

    /// Whether the trace began at the client or before.
    pub(crate) fn continues(&self) -> bool {
        self.parent_id.is_some()
    }

    /// The trace that the request belongs to, recorded or not: 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> &str {
        &self.traceparent[3..35]
    }
}

fn new_uuid() -> Uuid {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mut random = [0; 10];
    let (high, low) = (next_random(), next_random());
    random[..8].copy_from_slice(&low.to_le_bytes());
    random[8..].copy_from_slice(&high.to_le_bytes()[..2]);
    Builder::from_unix_timestamp_millis(u64::try_from(now.as_millis()).unwrap_or(0), &random).into_uuid()
}

/// A number of chance, for shares of requests.
pub(super) fn chance() -> u64 {
    next_random()
}

/// xoroshiro128++ (Blackman and Vigna), seeded for each thread with 124 bits from the system.
fn next_random() -> u64 {
    thread_local! {
        static STATE: Cell<[u64; 2]> = Cell::new([Uuid::now_v7().as_u64_pair().1, Uuid::now_v7().as_u64_pair().1]);
    }
    STATE.with(|state| {
        let [s0, mut s1] = state.get();
        let result = s0.wrapping_add(s1).rotate_left(17).wrapping_add(s0);
        s1 ^= s0;
        state.set([s0.rotate_left(49) ^ s1 ^ (s1 << 21), s1.rotate_left(28)]);
        result
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_distinct_version_seven_uuids_of_now() {
        let ids: HashSet<Uuid> = (0..10_000).map(|_| new_uuid()).collect();
        assert_eq!(ids.len(), 10_000);
        let id = new_uuid();
        assert_eq!(id.get_version_num(), 7);
        let (seconds, _) = id.get_timestamp().unwrap().to_unix();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(now.abs_diff(seconds) < 60);
    }

    #[test]
    fn a_new_trace_has_the_request_s_own_id() {
        let ids = Ids::new(&HeaderMap::new(), || false);
        assert!(!ids.continues());
        let digits = ids.request_id.replace('-', "");
        assert_eq!(&*ids.traceparent, format!("00-{digits}-{}-00", &digits[16..]));
        assert_eq!(ids.trace_id(), digits);
        assert!(Ids::new(&HeaderMap::new(), || true).traceparent.ends_with("-01"));
    }

    #[test]
    fn a_client_s_trace_goes_on_with_a_new_parent() {
        let mut headers = HeaderMap::new();
        let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", http::HeaderValue::from_static(sent));
        let ids = Ids::new(&headers, || false);
        assert!(ids.continues());
        let traceparent = ids.traceparent;
        assert!(traceparent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert!(traceparent.ends_with("-01"));
        assert!(!traceparent.contains("b7ad6b7169203331"));
    }
}
