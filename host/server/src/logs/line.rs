//! One line, as it is kept and as it is shown.

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::timestamp::Timestamp;
use switchyard_runtime::ports::{LogLevel, LogLine};

/// What a line names as its source that the host itself wrote.
pub(super) const HOST_SOURCE: &str = "host";

/// What a line takes besides its texts, about.
const OVERHEAD: usize = 200;

/// A line that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Lines are numbered in the order in which they were written.
    pub(crate) number: u64,
    time: Timestamp,
    pub(crate) service: String,
    pub(crate) level: LogLevel,
    source: String,
    message: String,
    generation: Option<u64>,
    request_id: Option<String>,
    trace_id: Option<String>,
}

/// How grave a line is, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "LogLevel")]
pub(crate) enum Level {
    /// Of use to who looks for a fault.
    Debug,
    /// What happens in the course of things.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something has failed.
    Error,
}

/// A line that a service's guest wrote, or the host about the service.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LogLine")]
pub(crate) struct LineView<'a> {
    /// Where it stands among the lines of this process; `cursor` and `Last-Event-ID` take it.
    pub(crate) id: String,
    /// When it was written.
    pub(crate) time: Timestamp,
    /// The service that it is about.
    pub(crate) service: &'a str,
    /// How grave it is.
    pub(crate) level: Level,
    /// `stdout`, `stderr`, `host` for what the host says about the service, or what the guest named.
    pub(crate) source: &'a str,
    /// The text, as it was written: whoever shows it has to keep control characters and markup from working.
    pub(crate) message: &'a str,
    /// Which activation of the service wrote it.
    pub(crate) generation: Option<u64>,
    /// The request in which it was written.
    pub(crate) request_id: Option<&'a str>,
    /// The trace that this request belongs to.
    pub(crate) trace_id: Option<&'a str>,
}

// === impl Line ===

impl Line {
    /// What a guest wrote; a source that says it were the host is told apart from it.
    pub(super) fn of_guest(line: LogLine<'_>) -> Self {
        let source = match line.source {
            HOST_SOURCE => "guest:host",
            source => source,
        };
        Self {
            number: 0,
            time: SystemTime::now().into(),
            service: line.service.as_str().to_owned(),
            level: line.level,
            source: source.to_owned(),
            message: line.text.to_owned(),
            generation: Some(line.generation.0),
            request_id: line.request_id.map(str::to_owned),
            trace_id: line.traceparent.and_then(trace_id).map(str::to_owned),
        }
    }

    /// What the host says about a service.
    pub(super) fn of_host(service: &str, generation: Option<u64>, level: LogLevel, message: String) -> Self {
        Self {
            number: 0,
            time: SystemTime::now().into(),
            service: service.to_owned(),
            level,
            source: HOST_SOURCE.to_owned(),
            message,
            generation,
            request_id: None,
            trace_id: None,
        }
    }

    /// The same, in this request.
    pub(super) fn within(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let ids = [&self.request_id, &self.trace_id].into_iter().flatten().map(String::len).sum::<usize>();
        OVERHEAD + self.service.len() + self.source.len() + self.message.len() + ids
    }

    /// How it is shown, under this id.
    pub(crate) fn view(&self, id: String) -> LineView<'_> {
        LineView {
            id,
            time: self.time,
            service: &self.service,
            level: self.level.into(),
            source: &self.source,
            message: &self.message,
            generation: self.generation,
            request_id: self.request_id.as_deref(),
            trace_id: self.trace_id.as_deref(),
        }
    }
}

/// The second part of a traceparent.
fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

// === impl Level ===

impl Level {
    /// By its name.
    pub(crate) fn parse(text: &str) -> Option<LogLevel> {
        match text {
            "debug" => Some(LogLevel::Debug),
            "info" => Some(LogLevel::Info),
            "warn" => Some(LogLevel::Warn),
            "error" => Some(LogLevel::Error),
            _ => None,
        }
    }
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
}
