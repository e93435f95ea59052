//! Delivery to an HTTP endpoint: a CloudEvent in binary mode, by the rules of CloudEvents' webhooks.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use switchyard_core::event::{Delivery as Told, Event};
use tokio::time::Instant;

use super::{
    Subscription,
    deliver::{DEFER, HANDLE_MAX},
    settle::Outcome,
};
use crate::delivery::Delivery;

/// Which attempt this is, for the endpoint.
const ATTEMPT: HeaderName = HeaderName::from_static("x-switchyard-attempt");

/// The trace that the event was published in goes on.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

// === impl Subscription ===

impl Subscription {
    /// Posts an event to the endpoint.
    pub(super) async fn post(
        &self,
        delivery: &Delivery,
        url: &str,
        event: &Event,
        told: &Told,
        traceparent: Option<&str>,
    ) -> Outcome {
        let headers = match headers(event, told, traceparent) {
            Ok(headers) => headers,
            Err(reason) => return Outcome::Reject(reason),
        };
        let body = event.data.clone().unwrap_or_default();
        match delivery.webhooks.post(url, headers, body, Instant::now() + HANDLE_MAX).await {
            Ok((status, headers)) => outcome(url, status, &headers),
            Err(error) => Outcome::Retry { reason: error.to_string(), after: None },
        }
    }
}

fn headers(event: &Event, told: &Told, traceparent: Option<&str>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in event.to_headers() {
        let name: HeaderName = name.parse().map_err(|_| format!("'{name}' cannot be a header"))?;
        let value = HeaderValue::from_str(&value).map_err(|_| format!("the {name} cannot be a header's value"))?;
        headers.insert(name, value);
    }
    headers.insert(ATTEMPT, told.attempt.into());
    if let Some(traceparent) = traceparent.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(TRACEPARENT, traceparent);
    }
    Ok(headers)
}

/// 2xx is success, 410 ends the subscription, 429 and 503 may say when to come back; everything else counts.
fn outcome(url: &str, status: StatusCode, headers: &HeaderMap) -> Outcome {
    let reason = format!("{url} answered {status}");
    match status {
        _ if status.is_success() => Outcome::Done,
        StatusCode::GONE => Outcome::Unsubscribed(reason),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let after = headers.get(RETRY_AFTER).and_then(retry_after);
            Outcome::Retry { reason, after: after.map(|after| after.clamp(*DEFER.start(), *DEFER.end())) }
        }
        _ => Outcome::Retry { reason, after: None },
    }
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, retry_after: Option<&str>, expected: &Outcome) {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        assert_eq!(outcome("http://x/", StatusCode::from_u16(status).unwrap(), &headers), *expected);
    }

    #[test]
    fn statuses_mean_what_webhooks_say() {
        let retry = |status: &str, after| Outcome::Retry { reason: format!("http://x/ answered {status}"), after };
        check(200, None, &Outcome::Done);
        check(204, None, &Outcome::Done);
        check(302, None, &retry("302 Found", None));
        check(400, None, &retry("400 Bad Request", None));
        check(410, None, &Outcome::Unsubscribed("http://x/ answered 410 Gone".to_owned()));
        check(429, Some("7"), &retry("429 Too Many Requests", Some(Duration::from_secs(7))));
        check(503, Some("Thu, 01 Jan 1970 00:00:00 GMT"), &retry("503 Service Unavailable", Some(*DEFER.start())));
        check(503, None, &retry("503 Service Unavailable", None));
        check(500, Some("7"), &retry("500 Internal Server Error", None));
    }
}
