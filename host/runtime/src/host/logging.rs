//! `wasi:logging`, and the gate that all output of a service's guests passes: so many lines a second, the rest is
//! counted and told once the second is over.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use switchyard_core::name::{Generation, ServiceName};

use wasmtime::{
    StoreContextMut,
    component::{ComponentType, Lift, Linker},
};

use crate::{
    context::CallContext,
    ports::{LogLevel, LogLine, Logs},
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

/// The output of one generation of a service.
pub(crate) struct LogGate {
    service: ServiceName,
    generation: Generation,
    /// Lines in a second.
    rate: u32,
    window: Mutex<Window>,
    /// Where lines go, besides the host's own log.
    port: Arc<dyn Logs>,
}

/// The call that a guest is in, as far as its lines tell of it. Its output streams share it.
#[derive(Default)]
pub(crate) struct Current(Mutex<Option<Call>>);

struct Call {
    request_id: Arc<str>,
    traceparent: Option<Arc<str>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    lines: u32,
    dropped: u64,
}

// === impl LogGate ===

impl LogGate {
    pub(crate) fn new(service: ServiceName, generation: Generation, rate: u32, port: Arc<dyn Logs>) -> Self {
        let window = Mutex::new(Window { began: Instant::now(), lines: 0, dropped: 0 });
        Self { service, generation, rate, window, port }
    }

    /// Logs one line, unless the service has used up its second.
    pub(crate) fn line(&self, level: LogLevel, source: &str, line: &str, current: &Current) {
        let Some(dropped) = self.admit(Instant::now()) else { return };
        let service = self.service.as_str();
        if dropped > 0 {
            tracing::warn!(target: "guest", service, dropped, "guest logs too fast; lines were dropped");
            self.port.dropped(&self.service, self.generation, dropped);
        }
        let line = &line[..line.floor_char_boundary(LOG_LINE_MAX)];
        let call = current.lock().as_ref().map(|call| (call.request_id.clone(), call.traceparent.clone()));
        let request_id = call.as_ref().map(|(id, _)| &**id);
        match level {
            LogLevel::Debug => tracing::debug!(target: "guest", service, source, request_id, "{line}"),
            LogLevel::Info => tracing::info!(target: "guest", service, source, request_id, "{line}"),
            LogLevel::Warn => tracing::warn!(target: "guest", service, source, request_id, "{line}"),
            LogLevel::Error => tracing::error!(target: "guest", service, source, request_id, "{line}"),
        }
        self.port.line(LogLine {
            service: &self.service,
            generation: self.generation,
            level,
            source,
            text: line,
            request_id,
            traceparent: call.as_ref().and_then(|(_, traceparent)| traceparent.as_deref()),
        });
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

// === impl Current ===

impl Current {
    /// The guest is in this call now.
    pub(crate) fn begin(&self, context: &CallContext) {
        let call = Call { request_id: context.request_id.clone(), traceparent: context.traceparent.clone() };
        *self.lock() = Some(call);
    }

    /// The guest is in no call that could be told.
    pub(crate) fn end(&self) {
        *self.lock() = None;
    }

    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, Option<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        WasiLevel::Trace | WasiLevel::Debug => LogLevel::Debug,
        WasiLevel::Info => LogLevel::Info,
        WasiLevel::Warn => LogLevel::Warn,
        WasiLevel::Error | WasiLevel::Critical => LogLevel::Error,
    };
    let source = if context.is_empty() { "log" } else { context.as_str() };
    let source = &source[..source.floor_char_boundary(LOG_SOURCE_MAX)];
    // Each line of it counts, and none can look like one of the host's own.
    for line in message.lines() {
        store.data().shared.log.line(level, source, line, &store.data().current);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Recorder, context};

    fn gate(rate: u32) -> (LogGate, Arc<Recorder>) {
        let recorder = Arc::<Recorder>::default();
        (LogGate::new("chatty".parse().unwrap(), Generation(1), rate, recorder.clone()), recorder)
    }

    #[test]
    fn a_line_says_in_which_call_it_was_written_while_that_can_be_told() {
        let ((gate, recorder), current) = (gate(9), Current::default());
        gate.line(LogLevel::Warn, "a", "before", &current);
        current.begin(&context(&[]));
        gate.line(LogLevel::Info, "a", &"x".repeat(LOG_LINE_MAX + 1), &current);
        current.end();
        gate.line(LogLevel::Debug, "a", "", &current);
        let long = format!("Info a: {} (r)", "x".repeat(LOG_LINE_MAX));
        assert_eq!(*recorder.asked.lock().unwrap(), ["Warn a: before (none)", &long, "Debug a:  (none)"]);
    }

    #[test]
    fn what_was_dropped_is_told_with_the_next_line_that_passes() {
        let (gate, recorder) = gate(1);
        let line = |text| gate.line(LogLevel::Info, "a", text, &Current::default());
        line("first");
        gate.window.lock().unwrap().dropped += 7;
        gate.window.lock().unwrap().began -= Duration::from_secs(1);
        line("second");
        let expected = ["Info a: first (none)", "chatty dropped 7", "Info a: second (none)"];
        assert_eq!(*recorder.asked.lock().unwrap(), expected);
    }

    #[test]
    fn a_chatty_service_is_counted_not_logged() {
        let (gate, _) = gate(100);
        let start = gate.window.lock().unwrap().began;
        let passed = (0..250).filter(|_| gate.admit(start).is_some()).count();
        assert_eq!(passed, 100);
        assert_eq!(gate.admit(start + Duration::from_secs(1)), Some(150));
    }
}
