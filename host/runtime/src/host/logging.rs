//! `wasi:logging`, and the gate that all output of a service's guests passes: so many lines a second, the rest is
//! counted and told once the second is over.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use switchyard_core::name::ServiceName;

use wasmtime::{
    StoreContextMut,
    component::{ComponentType, Lift, Linker},
};

use crate::{
    settings::{LOG_LINE_MAX, LOG_SOURCE_MAX},
    state::GuestState,
};

/// The versions under which the one shape went.
pub(crate) const INTERFACES: [&str; 2] = ["wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"];

/// A guest's own word for how grave a line is.
#[derive(Clone, Copy, Debug, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "guests make them; lifting writes the number")]
enum WasiLevel {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
    #[component(name = "critical")]
    Critical,
}

/// Where a line comes from and how grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// The output of one service.
#[derive(Debug)]
pub(crate) struct LogGate {
    service: ServiceName,
    /// Lines in a second.
    rate: u32,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    lines: u32,
    dropped: u64,
}

// === impl LogGate ===

impl LogGate {
    pub(crate) fn new(service: ServiceName, rate: u32) -> Self {
        Self { service, rate, window: Mutex::new(Window { began: Instant::now(), lines: 0, dropped: 0 }) }
    }

    /// Logs one line, unless the service has used up its second.
    pub(crate) fn line(&self, level: Level, source: &str, line: &str) {
        let Some(dropped) = self.admit(Instant::now()) else { return };
        let service = self.service.as_str();
        if dropped > 0 {
            tracing::warn!(target: "guest", service, dropped, "guest logs too fast; lines were dropped");
        }
        let line = &line[..line.floor_char_boundary(LOG_LINE_MAX)];
        match level {
            Level::Debug => tracing::debug!(target: "guest", service, source, "{line}"),
            Level::Info => tracing::info!(target: "guest", service, source, "{line}"),
            Level::Warn => tracing::warn!(target: "guest", service, source, "{line}"),
            Level::Error => tracing::error!(target: "guest", service, source, "{line}"),
        }
    }

    /// Whether a line may pass, and how many were dropped before it.
    fn admit(&self, now: Instant) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dropped = 0;
        if now.duration_since(window.began) >= Duration::from_secs(1) {
            dropped = window.dropped;
            *window = Window { began: now, lines: 0, dropped: 0 };
        }
        if window.lines >= self.rate {
            window.dropped += 1;
            return None;
        }
        window.lines += 1;
        Some(dropped)
    }
}

pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    for name in INTERFACES {
        linker.instance(name)?.func_wrap("log", log)?;
    }
    Ok(())
}

fn log(
    store: StoreContextMut<'_, GuestState>,
    (level, context, message): (WasiLevel, String, String),
) -> wasmtime::Result<()> {
    let level = match level {
        WasiLevel::Trace | WasiLevel::Debug => Level::Debug,
        WasiLevel::Info => Level::Info,
        WasiLevel::Warn => Level::Warn,
        WasiLevel::Error | WasiLevel::Critical => Level::Error,
    };
    let source = if context.is_empty() { "log" } else { context.as_str() };
    let source = &source[..source.floor_char_boundary(LOG_SOURCE_MAX)];
    // Each line of it counts, and none can look like one of the host's own.
    for line in message.lines() {
        store.data().shared.log.line(level, source, line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chatty_service_is_counted_not_logged() {
        let gate = LogGate::new("chatty".parse().unwrap(), 100);
        let start = gate.window.lock().unwrap().began;
        let passed = (0..250).filter(|_| gate.admit(start).is_some()).count();
        assert_eq!(passed, 100);
        assert_eq!(gate.admit(start + Duration::from_secs(1)), Some(150));
    }
}
