//! One line for each request, target `access`; off, it costs one comparison.

use std::time::Duration;

use http::StatusCode;

use crate::{connection::Connection, request::Exchange};

/// Logs a request whose response's head is there.
pub(crate) fn record(connection: &Connection, exchange: &Exchange, status: StatusCode, latency: Duration) {
    if !connection.shared.options.access_log {
        return;
    }
    tracing::info!(
        target: "access",
        method = %exchange.method,
        path = exchange.uri.path(),
        status = status.as_u16(),
        duration_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
        service = exchange.service.as_ref().map(|service| service.name().as_str()),
        client = connection.forwarded_for.to_str().unwrap_or_default(),
        request_id = &*exchange.ids.request_id,
        "request"
    );
}
