//! OTLP over HTTP: bytes of protobuf to a collector, and what it takes until it has them.
//!
//! A collector that says "later" (429, 502, 503, 504) or is not there is asked again, with pauses that grow or that it
//! names; after [`ATTEMPTS_MAX`] attempts what was to be sent is given up, for more is coming. Any other answer is final.

mod resource;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use opentelemetry_proto::tonic::{common::v1::InstrumentationScope, resource::v1::Resource};
use switchyard_dispatch::Webhooks;
use tokio::time::{Instant, sleep};

pub(crate) use self::resource::pairs;
use crate::config::Otlp;

/// Where spans go.
pub(crate) const TRACES: &str = "/v1/traces";

/// How often something is sent.
const ATTEMPTS_MAX: u32 = 5;

/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after the first attempt; it doubles with each.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause, also when the collector names a longer one: meanwhile more is coming.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How often somebody is told that the collector does not take what is sent.
const COMPLAINT_PERIOD: Duration = Duration::from_secs(60);

/// Sends to a collector. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exporter(Arc<Inner>);

struct Inner {
    otlp: Otlp,
    headers: HeaderMap,
    client: Webhooks,
    resource: Resource,
    complained: Mutex<Option<Instant>>,
    failures: AtomicU64,
}

/// Why something was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Undelivered(String);

/// How an attempt ended that did not succeed.
enum Failed {
    /// Another one may succeed, after the pause that was named.
    ForNow(String, Option<Duration>),
    /// None will.
    ForGood(String),
}

// === impl Exporter ===

impl Exporter {
    /// Sends to this collector; nothing is connected before there is something to send.
    pub(crate) fn new(otlp: Otlp) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in &otlp.headers {
            // It was checked with the configuration.
            if let Ok(mut value) = HeaderValue::from_str(value.reveal()) {
                value.set_sensitive(true);
                headers.append(name, value);
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("switchyard/", env!("CARGO_PKG_VERSION"))));
        Self(Arc::new(Inner {
            otlp,
            headers,
            client: Webhooks::new(),
            resource: resource::of_this_process(),
            complained: Mutex::default(),
            failures: AtomicU64::new(0),
        }))
    }

    /// What sends: this process, in OpenTelemetry's words.
    pub(crate) fn resource(&self) -> &Resource {
        &self.0.resource
    }

    /// Who measured, or recorded.
    pub(crate) fn scope() -> InstrumentationScope {
        InstrumentationScope {
            name: "switchyard".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        }
    }

    /// How often something was given up.
    pub(crate) fn failures(&self) -> u64 {
        self.0.failures.load(Relaxed)
    }

    /// Posts to a path below the collector's URL, as [`TRACES`], and again while that makes sense. That it failed is told
    /// in the log, once a minute.
    ///
    /// # Errors
    /// When the collector did not take it.
    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Result<(), Undelivered> {
        let url = format!("{}{path}", self.0.otlp.endpoint);
        let mut number = 1;
        let error = loop {
            let (error, named) = match self.attempt(&url, body.clone()).await {
                Ok(()) => return Ok(()),
                Err(Failed::ForGood(error)) => break error,
                Err(Failed::ForNow(error, named)) => (error, named),
            };
            if number == ATTEMPTS_MAX {
                break error;
            }
            sleep(pause(number, named, fraction())).await;
            number += 1;
        };
        self.0.failures.fetch_add(1, Relaxed);
        self.complain(&url, &error);
        Err(Undelivered(error))
    }

    async fn attempt(&self, url: &str, body: Bytes) -> Result<(), Failed> {
        let deadline = Instant::now() + ATTEMPT_TIMEOUT;
        let (status, headers) = match self.0.client.post(url, self.0.headers.clone(), body, deadline).await {
            Ok(answer) => answer,
            Err(error) => return Err(Failed::ForNow(error.to_string(), None)),
        };
        let error = || format!("{url} answered {status}");
        match status {
            _ if status.is_success() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Failed::ForNow(error(), named_pause(&headers))),
            _ => Err(Failed::ForGood(error())),
        }
    }

    fn complain(&self, url: &str, error: &str) {
        let now = Instant::now();
        let mut last = self.0.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.duration_since(last) >= COMPLAINT_PERIOD) {
            *last = Some(now);
            tracing::warn!(url, error, "the collector of [telemetry] otlp does not take what is sent; it is dropped");
        }
    }
}

/// Seconds; a date is not read, since the pause is bounded anyway.
fn named_pause(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The pause after an attempt: what the collector names, else twice as long each time, by as much as a quarter more.
fn pause(number: u32, named: Option<Duration>, fraction: f64) -> Duration {
    let own = PAUSE * 2_u32.saturating_pow(number - 1);
    named.unwrap_or(own).mul_f64(1.0 + fraction / 4.0).min(PAUSE_MAX)
}

/// A number in [0, 1), of chance.
fn fraction() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u64_pair().1 & 0xffff_ffff;
    f64::from(u32::try_from(bits).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;
