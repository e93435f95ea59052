//! One line for each request, target `access`; off, it costs one comparison.

use std::time::Duration;

use http::StatusCode;

use crate::request::Exchange;

/// Logs a request whose response's head is there.
pub(crate) fn record(exchange: &Exchange, status: StatusCode, latency: Duration) {
    if !exchange.policy().access_log {
        return;
    }
    tracing::info!(
        target: "access",
        method = %exchange.method,
        path = exchange.uri.path(),
        status = status.as_u16(),
        duration_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
        service = exchange.service().map(|service| service.name().as_str()),
        client = %exchange.client.address,
        request_id = &*exchange.ids.request_id,
        "request"
    );
}
