//! The thread that writes lines, so that nobody else waits for whoever reads them.
//!
//! [`WAITING_MAX`] lines may wait; what comes beyond that is dropped and counted, for a reader that stands still must not
//! stop the gateway.

use std::{
    io::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

/// Lines that wait to be written.
const WAITING_MAX: usize = 8_192;

/// How long a stop waits for lines to be written.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// Writes lines. Its thread begins with the first of them.
#[derive(Default)]
pub(crate) struct Writer {
    /// None within, when there could be no thread.
    waiting: OnceLock<Option<SyncSender<Asked>>>,
    dropped: AtomicU64,
}

enum Asked {
    Line(String),
    /// Answered when all lines before it are out.
    Flush(oneshot::Sender<()>),
}

// === impl Writer ===

impl Writer {
    /// Has a line written, if there is room for it.
    pub(crate) fn write(&self, line: String) {
        let waiting = self.waiting.get_or_init(|| start(io::stdout()));
        let sent = waiting.as_ref().is_some_and(|waiting| waiting.try_send(Asked::Line(line)).is_ok());
        if !sent {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Lines that nobody will see.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Waits until all lines so far are out, but not for long.
    pub(crate) async fn flush(&self) {
        let Some(Some(waiting)) = self.waiting.get() else { return };
        let (done, flushed) = oneshot::channel();
        let waiting = waiting.clone();
        // There may be no room yet.
        tokio::task::spawn_blocking(move || waiting.send(Asked::Flush(done)));
        let _ = tokio::time::timeout(FLUSH_MAX, flushed).await;
    }
}

fn start(out: impl Write + Send + 'static) -> Option<SyncSender<Asked>> {
    let (sender, waiting) = sync_channel(WAITING_MAX);
    let thread = thread::Builder::new().name("access-log".to_owned()).spawn(move || run(&waiting, out));
    match thread {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::error!(%error, "no access log is written: its thread cannot be started");
            None
        }
    }
}

/// Writes until nobody can ask any more, or nobody reads.
fn run(waiting: &Receiver<Asked>, out: impl Write) {
    let mut out = io::BufWriter::new(out);
    while let Ok(asked) = waiting.recv() {
        let mut next = Some(asked);
        // What waits goes out together.
        while let Some(asked) = next {
            match asked {
                Asked::Line(line) => {
                    if writeln!(out, "{line}").is_err() {
                        return;
                    }
                }
                Asked::Flush(done) => {
                    let _ = out.flush();
                    let _ = done.send(());
                }
            }
            next = waiting.try_recv().ok();
        }
        if out.flush().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use super::*;

    /// Takes lines once it is let.
    struct Slow(mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_stands_still_costs_lines_and_nothing_else() {
        let (go_on, wait) = mpsc::channel();
        let written = Arc::default();
        let writer = Writer::default();
        let _ = writer.waiting.set(start(Slow(wait, Arc::clone(&written))));
        // Those that wait, and as many as the writer may have taken ahead.
        for number in 0..3 * WAITING_MAX {
            writer.write(format!("{number:>100}"));
        }
        let dropped = writer.dropped();
        assert!(dropped > 0);
        drop(go_on);
        writer.flush().await;
        let lines = written.lock().unwrap().iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(lines + dropped, 3 * WAITING_MAX as u64);
    }
}
