//! Where guests' lines go, besides the host's own log.

use switchyard_core::name::{Generation, ServiceName};

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Of use to who looks for a fault.
    Debug,
    /// What happens in the course of things.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something has failed.
    Error,
}

/// One line that a guest wrote.
#[derive(Clone, Copy, Debug)]
pub struct LogLine<'a> {
    /// The service whose guest it is.
    pub service: &'a ServiceName,
    /// Which activation of it.
    pub generation: Generation,
    /// How grave it is.
    pub level: LogLevel,
    /// `stdout`, `stderr`, or what the guest itself names; at most [`LOG_SOURCE_MAX`](crate::settings::LOG_SOURCE_MAX)
    /// bytes.
    pub source: &'a str,
    /// The line; at most [`LOG_LINE_MAX`](crate::settings::LOG_LINE_MAX) bytes of whatever the guest likes.
    pub text: &'a str,
    /// The id of the request in which it was written; none where that cannot be told.
    pub request_id: Option<&'a str>,
    /// The W3C trace context of that request, as the header's value.
    pub traceparent: Option<&'a str>,
}

/// Keeps what guests write. Whoever writes waits for it, so it has to be quick.
pub trait Logs: Send + Sync + 'static {
    /// Takes one line.
    fn line(&self, line: LogLine<'_>);

    /// So many lines of this service were dropped before that, since it wrote more than its limit in one second.
    fn dropped(&self, service: &ServiceName, generation: Generation, lines: u64);
}
