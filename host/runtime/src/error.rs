//! How a call of a guest can fail, and the way from wasmtime's errors to it.

use std::time::Duration;

use switchyard_core::name::ServiceName;
use wasmtime::{Trap, WasmBacktrace};

use crate::{
    body::BodyError,
    limiter::{CpuExceeded, MessagesExceeded, Refused},
};

/// Why a guest gave no response.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GuestError {
    /// All of its places are taken, and so are those in the queue, or waiting took too long.
    #[error("the service '{service}' is busy: {reason}")]
    Busy {
        /// Which service.
        service: ServiceName,
        /// Which limit was reached.
        reason: String,
    },
    /// No response within the time that a call may take.
    #[error("the service '{service}' gave no response within {after:?}")]
    TimedOut {
        /// Which service.
        service: ServiceName,
        /// Wall or CPU time that had passed.
        after: Duration,
    },
    /// The guest trapped, ran out of memory, or answered what is no response.
    #[error("the service '{service}' failed: {reason}")]
    Failed {
        /// Which service.
        service: ServiceName,
        /// What happened, fit to be shown to clients.
        reason: String,
        /// Where in the guest, for its developers only.
        backtrace: Option<String>,
    },
    /// The instance ended while other requests were inside as well. Whose fault it was cannot be told, so one that may be
    /// repeated is worth it.
    #[error("{cause}")]
    Shared {
        /// How it ended.
        cause: Box<GuestError>,
        /// Whether this one stands for all of them where failures are counted: it was one.
        counts: bool,
    },
    /// The request's body did not arrive.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It has no export for such a call.
    #[error("the service '{service}' cannot be called like this: it exports no {export}")]
    NotExported {
        /// Which service.
        service: ServiceName,
        /// What it would have to export.
        export: String,
    },
    /// Its code cannot be loaded.
    #[error("the service '{service}' cannot be loaded: {reason}")]
    Unloadable {
        /// Which service.
        service: ServiceName,
        /// Why.
        reason: String,
    },
}

/// Explains why a guest's call ended in an error of wasmtime's.
pub(crate) fn explain(service: &ServiceName, error: &wasmtime::Error, refused: Option<Refused>) -> GuestError {
    let service = service.clone();
    if let Some(exceeded) = error.downcast_ref::<CpuExceeded>() {
        return GuestError::TimedOut { service, after: exceeded.max };
    }
    if let Some(exceeded) = error.downcast_ref::<MessagesExceeded>() {
        return GuestError::Failed { service, reason: exceeded.to_string(), backtrace: None };
    }
    if refused == Some(Refused::HostMemory) {
        // It may be others who hold it.
        let reason = "all guests together hold as much memory as they may (memory-max under [plugins])".to_owned();
        return GuestError::Busy { service, reason };
    }
    let reason = match error.downcast_ref::<Trap>() {
        _ if refused == Some(Refused::Memory) => "it ran out of memory (memory-max)".to_owned(),
        _ if refused == Some(Refused::Tables) => "its tables grew over their limit (tables-max)".to_owned(),
        Some(Trap::StackOverflow) => "its call stack overflowed".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it panicked".to_owned(),
        Some(trap) => format!("it trapped: {}", trap.to_string().trim_start_matches("wasm trap: ")),
        None => "it trapped".to_owned(),
    };
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(|frames| format!("{}\n{frames}", error.root_cause()));
    GuestError::Failed { service, reason, backtrace: backtrace.or_else(|| Some(format!("{error:#}"))) }
}
