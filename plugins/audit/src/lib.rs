//! Audit: stamps every event before it is stored, and records the newest 1,000.
//!
//! The stamp is event middleware, attached by `[events] middleware = ["audit"]`; the host's own events pass it by. The
//! record is an ordinary subscription to `>`. For a subscriber of everything, places in the host's log rise without
//! gaps, so an event's place modulo 1,000 is the key it is kept under: the record never grows, there is no counter
//! that deliveries contend for, and an event that comes twice is written twice to the same key.

mod record;

use record::Record;
use serde::Deserialize;
use switchyard_sdk::{
    Delivery, Event, Failure, Manifest, Query, Response, Result, Route, Router, Subscription, Verdict, kv,
};

/// Events that are kept.
const KEPT: u64 = 1_000;

/// Events in an answer that asks for no other number.
const LIMIT: usize = 100;

switchyard_sdk::plugin! { manifest: manifest, http: router, events: record, event_middleware: stamp }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!()
        .tag("events")
        .route(Route::new("/api/audit").strip_prefix("/api"))
        .subscription(Subscription::new(">"))
}

fn router() -> Router {
    Router::new().get("/audit", list)
}

fn stamp(event: &Event) -> Verdict {
    Verdict::change(event.clone().with_extension("auditedby", "audit"))
}

fn record(event: &Event, delivery: &Delivery) -> Result<(), Failure> {
    let record = Record::new(event, delivery.sequence).to_json()?;
    kv::own()?.update(&key(delivery.sequence % KEPT), |kept| {
        // A delivery that was held up never replaces a newer event.
        let newer = kept.filter(|kept| Record::sequence_of(kept) > delivery.sequence);
        Ok::<_, kv::Error>(newer.unwrap_or_else(|| record.clone()))
    })?;
    Ok(())
}

/// What of the query string counts.
#[derive(Deserialize)]
struct Newest {
    limit: Option<usize>,
}

/// The newest events first, as many as `limit` asks for.
fn list(Query(newest): Query<Newest>) -> Result<Response> {
    let limit = newest.limit.unwrap_or(LIMIT);
    let keys: Vec<String> = (0..KEPT).map(key).collect();
    let mut records: Vec<Vec<u8>> = kv::own()?.get_many(&keys)?.into_iter().flatten().collect();
    records.sort_by_cached_key(|record| std::cmp::Reverse(Record::sequence_of(record)));
    records.truncate(limit);
    Ok(Response::json_bytes([b"[", records.join(&b',').as_slice(), b"]"].concat()))
}

fn key(slot: u64) -> String {
    format!("event/{slot:03}")
}

#[cfg(test)]
mod tests;
