//! Upstreams: registered, kept alive, deregistered.

use std::time::Duration;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{problem::Code, timestamp::Timestamp, upstream::Registration};

use super::{
    Sources,
    api::{Answer, Asked},
    body,
    reply::{Problem, empty, json, with_status},
};
use crate::{registrations::Kept, reload::Live};

/// How long an answer waits for what it tells of to be live.
const LIVE_WITHIN: Duration = Duration::from_secs(5);

/// An upstream that was registered here.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Registration")]
pub(super) struct RegistrationItem {
    #[serde(flatten)]
    registration: Registration,
    registered_at: Timestamp,
    last_heartbeat: Option<Timestamp>,
}

/// `POST /api/v1/services`: 201 when it is new, 200 when another of the same id was replaced.
pub(super) async fn register(asked: &Asked<'_>, sources: &Sources) -> Answer {
    let registration: Registration = body::read(&asked.body)?;
    let is_configured = |id: &str| is_configured(id, sources);
    let registered = sources.registrations.register(registration, is_configured).await?;
    until(sources, |live| live.upstreams >= registered.version).await;
    let last = sources.registrations.last_seen(&registered.kept.upstream.id);
    let status = if registered.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(with_status(status, json(&RegistrationItem::of(&registered.kept, last))))
}

/// `DELETE /api/v1/services/{id}`.
pub(super) async fn deregister(id: &str, sources: &Sources) -> Answer {
    if is_configured(id, sources) {
        let detail = format!("the configuration registers the upstream {id}; remove it there");
        return Err(Problem::new(Code::Conflict, detail));
    }
    let version = sources.registrations.deregister(id).await?;
    until(sources, |live| live.upstreams >= version).await;
    Ok(empty())
}

/// `/api/v1/services/{id}/heartbeat`.
pub(super) fn heartbeat(asked: &Asked<'_>, id: &str, sources: &Sources) -> Answer {
    if *asked.method != http::Method::PUT {
        return Err(Problem::method_not_allowed("PUT"));
    }
    if is_configured(id, sources) {
        let detail = format!("the configuration registers the upstream {id}, which needs no heartbeat");
        return Err(Problem::new(Code::Conflict, detail));
    }
    let (kept, seen) = sources.registrations.heartbeat(id)?;
    let snapshot = sources.dispatcher.snapshot();
    let instances = snapshot.services.get(&kept.upstream.name).into_iter().flat_map(|service| service.upstreams.iter());
    instances.filter(|instance| instance.id() == id).for_each(|instance| instance.note_alive());
    Ok(json(&RegistrationItem::of(&kept, Some(seen.shown))))
}

fn is_configured(id: &str, sources: &Sources) -> bool {
    sources.config.borrow().upstreams.iter().any(|upstream| upstream.id == id)
}

/// Waits until what was asked for is live, so that whoever asked finds it. When that takes long, it is durable at least.
pub(super) async fn until(sources: &Sources, is: impl Fn(&Live) -> bool) {
    if tokio::time::timeout(LIVE_WITHIN, sources.plugins.until(is)).await.is_err() {
        tracing::warn!(after = ?LIVE_WITHIN, "what was asked for over the admin API is not live yet");
    }
}

// === impl RegistrationItem ===

impl RegistrationItem {
    fn of(kept: &Kept, last_heartbeat: Option<Timestamp>) -> Self {
        let registration = Registration::from(&*kept.upstream);
        Self { registration, registered_at: kept.registered_at, last_heartbeat }
    }
}
