//! The time that a component's own code may take in the compile child, where no call of the host's bounds it.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Engine, Store, UpdateDeadline};

/// How often it is looked whether the time is over.
const TICK: Duration = Duration::from_millis(20);

/// It went on for too long.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it did not end within {0:?} of CPU time")]
pub(super) struct TimeOver(Duration);

/// Interrupts the guests of an engine again and again, until it is dropped.
pub(super) struct Clock {
    _alive: Sender<()>,
}

// === impl Clock ===

impl Clock {
    pub(super) fn start(engine: &Engine) -> Self {
        let (alive, dropped) = channel();
        let engine = engine.clone();
        std::thread::spawn(move || {
            while dropped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        });
        Self { _alive: alive }
    }
}

/// Ends the store's guest once this thread has spent so much time on it. It is the thread's own time that counts: a
/// machine with other things to do is no fault of the component's.
pub(super) fn limit<T>(store: &mut Store<T>, max: Duration) {
    let began = spent();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if spent().saturating_sub(began) > max {
            return Err(TimeOver(max).into());
        }
        Ok(UpdateDeadline::Continue(1))
    });
}

/// The CPU time of this thread.
fn spent() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}
