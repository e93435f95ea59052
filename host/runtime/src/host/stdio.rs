//! Guests' stdout and stderr, cut into lines for the log.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::logging::{Current, LogGate};
use crate::{ports::LogLevel, settings::LOG_LINE_MAX};

/// How much a guest may write in one go.
const WRITE_MAX: usize = 64 << 10;

/// One of a guest's output streams. Clones share the unfinished line.
#[derive(Clone)]
pub(crate) struct LineStream {
    gate: Arc<LogGate>,
    current: Arc<Current>,
    source: &'static str,
    level: LogLevel,
    unfinished: Arc<Mutex<Vec<u8>>>,
}

// === impl LineStream ===

impl LineStream {
    pub(crate) fn stdout(gate: Arc<LogGate>, current: Arc<Current>) -> Self {
        Self { gate, current, source: "stdout", level: LogLevel::Info, unfinished: Arc::default() }
    }

    pub(crate) fn stderr(gate: Arc<LogGate>, current: Arc<Current>) -> Self {
        Self { gate, current, source: "stderr", level: LogLevel::Warn, unfinished: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LOG_LINE_MAX.saturating_sub(unfinished.len());
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            unfinished.extend_from_slice(&text[..text.len().min(room)]);
            if part.len() > text.len() {
                let text = String::from_utf8_lossy(&unfinished);
                self.gate.line(self.level, self.source, text.trim_end_matches('\r'), &self.current);
                unfinished.clear();
            }
        }
    }
}

impl Drop for LineStream {
    /// The last line of a guest may lack its end; a panic message in a trap often does.
    fn drop(&mut self) {
        if Arc::strong_count(&self.unfinished) == 1 {
            let unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
            if !unfinished.is_empty() {
                self.gate.line(self.level, self.source, &String::from_utf8_lossy(&unfinished), &self.current);
            }
        }
    }
}

impl IsTerminal for LineStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl Pollable for LineStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LineStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_MAX)
    }
}
