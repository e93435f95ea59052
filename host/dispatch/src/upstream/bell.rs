//! Who is woken when something happens on a connection.
//!
//! A connection is polled by whichever request uses it, and by nobody while it is idle. Were it polled with the waker of
//! that request's task, everything inside would remember that one: it would be exchanged with every request, and
//! whatever a request does to its connection, such as handing it a message, would wake the task that does it once more.
//! So a connection has one waker of its own for life, which remembers that it rang, and wakes the task that listens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// The bell of one connection.
#[derive(Default)]
pub(super) struct Bell {
    has_rung: AtomicBool,
    listener: AtomicWaker,
}

// === impl Bell ===

impl Bell {
    /// Whether it rang since it was asked last.
    pub(super) fn heard(&self) -> bool {
        // Most of the time it did not, and then nothing has to be written.
        self.has_rung.load(Ordering::Acquire) && self.has_rung.swap(false, Ordering::AcqRel)
    }

    /// Wakes this task from now on. What rang before that has to be asked for after it.
    pub(super) fn listen(&self, waker: &Waker) {
        self.listener.register(waker);
    }

    /// Wakes nobody until somebody listens again.
    pub(super) fn mute(&self) {
        self.listener.take();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.listener.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_wakes_who_listens_and_remembers_for_who_does_not() {
        let (bell, count) = (Arc::new(Bell::default()), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&bell));
        assert!(!bell.heard());
        waker.wake_by_ref();
        assert!(bell.heard() && !bell.heard());
        bell.listen(&Waker::from(Arc::clone(&count)));
        waker.wake_by_ref();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(bell.heard());
        bell.listen(&Waker::from(Arc::clone(&count)));
        bell.mute();
        waker.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(bell.heard());
    }
}
