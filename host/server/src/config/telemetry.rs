//! `[telemetry]`, as far as it is about what is sent to a collector.
//!
//! What the file does not say, the environment may, by the names that OpenTelemetry gives its variables.

use std::{collections::BTreeMap, env, time::Duration};

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::units::HumanDuration;
use switchyard_dispatch::Webhooks;
use switchyard_runtime::settings::Secret;

use super::{
    ConfigError, Telemetry,
    check::{Wrong, wrong},
    spanned::Spanned,
};

/// Where the environment says it.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The headers in the environment: `NAME=VALUE,NAME=VALUE`, values percent-encoded.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// The most headers.
const HEADERS_MAX: usize = 16;

/// The least and the most time between two requests with metrics.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
const INTERVAL_MAX: Duration = Duration::from_secs(60 * 60);

/// A collector that takes OTLP over HTTP, in protobuf.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Otlp {
    /// Its URL, without a slash at the end; `/v1/traces` and `/v1/metrics` are appended.
    pub(crate) endpoint: String,
    /// What it wants to be told with each request: mostly who we are.
    pub(crate) headers: Vec<(HeaderName, Secret)>,
}

/// A header, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a header's value is a text, or { env = \"VARIABLE\" }")]
#[schemars(rename = "OtlpHeader")]
pub(super) enum Header {
    /// The value itself.
    Plain(String),
    /// Where it stands.
    Env(Variable),
}

/// A variable of the environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Variable {
    /// Its name.
    env: String,
}

/// Checks where traces and metrics go, and with what.
pub(super) fn otlp(
    endpoint: Option<Spanned<String>>,
    headers: BTreeMap<Spanned<String>, Spanned<Header>>,
) -> Result<Option<Otlp>, Wrong> {
    let Some(endpoint) = endpoint else {
        return match headers.keys().next() {
            Some(name) => wrong(name, "otlp-headers are for a collector, which otlp names".to_owned()),
            None => Ok(None),
        };
    };
    if headers.len() > HEADERS_MAX {
        return wrong(&endpoint, format!("there are more than {HEADERS_MAX} otlp-headers"));
    }
    let url = url(endpoint.as_ref()).or_else(|message| wrong(&endpoint, message))?;
    let mut checked = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let text = match value.as_ref() {
            Header::Plain(text) => text.clone(),
            Header::Env(Variable { env: variable }) => match env::var(variable) {
                Ok(text) => text,
                Err(_) => return wrong(&value, format!("the environment variable {variable} is not set")),
            },
        };
        checked.push(header(name.as_ref(), text).or_else(|message| wrong(&name, message))?);
    }
    Ok(Some(Otlp { endpoint: url, headers: checked }))
}

/// The share of traces that begin here which is recorded, from 0 to 1.
pub(super) fn sample(raw: Option<Spanned<f64>>) -> Result<f64, Wrong> {
    match raw {
        Some(share) if !(0.0..=1.0).contains(share.as_ref()) => {
            wrong(&share, "sample is the share of traces that is recorded, from 0.0 to 1.0".to_owned())
        }
        share => Ok(share.map_or(1.0, Spanned::into_inner)),
    }
}

/// How often metrics are sent.
pub(super) fn metrics_interval(raw: Option<Spanned<HumanDuration>>) -> Result<Duration, Wrong> {
    match raw {
        None => Ok(Telemetry::default().metrics_interval),
        Some(interval) if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval.as_ref().0) => {
            wrong(&interval, "metrics-interval is from 1s to 1h".to_owned())
        }
        Some(interval) => Ok(interval.into_inner().0),
    }
}

/// What the environment says, when the file says nothing.
///
/// # Errors
/// When it makes no sense.
pub(super) fn of_environment() -> Result<Option<Otlp>, ConfigError> {
    let said = |name: &str| env::var(name).ok().filter(|text| !text.trim().is_empty());
    let Some(endpoint) = said(ENDPOINT) else { return Ok(None) };
    read(&endpoint, said(HEADERS).as_deref().unwrap_or_default()).map(Some).map_err(ConfigError::Invalid)
}

fn read(endpoint: &str, headers: &str) -> Result<Otlp, String> {
    let endpoint = url(endpoint).map_err(|message| format!("{ENDPOINT}: {message}"))?;
    let headers = crate::telemetry::otlp::pairs(headers)
        .map(|(name, value)| header(&name, value).map_err(|message| format!("{HEADERS}: {message}")));
    Ok(Otlp { endpoint, headers: headers.collect::<Result<_, _>>()? })
}

fn url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let has_query = text.contains(['?', '#']);
    match Webhooks::check(text) {
        Ok(()) if !has_query => Ok(text.to_owned()),
        _ => Err(format!(
            "'{text}' is no collector: write http:// or https://, a host, a port and maybe a path, as in \
             \"http://127.0.0.1:4318\"; what it wants to know of us belongs into otlp-headers"
        )),
    }
}

fn header(name: &str, value: String) -> Result<(HeaderName, Secret), String> {
    let name = name.parse::<HeaderName>().map_err(|_| format!("'{name}' cannot be a header's name"))?;
    // The value may be a secret, so it is not shown.
    HeaderValue::from_str(&value).map_err(|_| format!("the value of {name} cannot be that of a header"))?;
    Ok((name, Secret::new(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_a_url_without_credentials_or_query() {
        for (good, kept) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
            ("https://otel.example.com/otlp/", "https://otel.example.com/otlp"),
        ] {
            assert_eq!(url(good).as_deref(), Ok(kept));
        }
        for bad in ["", "127.0.0.1:4318", "grpc://a:4317", "http://me:secret@a", "http://a/?key=x"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_environment_names_collector_and_headers() {
        let otlp = read("http://a:1/", "authorization=Bearer%20x, x-tenant = b").unwrap();
        let shown: Vec<_> = otlp.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        assert_eq!(
            (otlp.endpoint.as_str(), shown),
            ("http://a:1", vec![("authorization", "Bearer x"), ("x-tenant", "b")])
        );
        assert!(!format!("{otlp:?}").contains("Bearer"));
        assert!(read("a", "").unwrap_err().starts_with(ENDPOINT));
        let wrong = read("http://a:1", "x=a%0ab").unwrap_err();
        assert!(wrong.starts_with(HEADERS) && !wrong.contains("%0a"), "{wrong}");
    }
}
