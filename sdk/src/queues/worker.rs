//! Chooses the handler of a message.

use super::Message;
use crate::failure::IntoHandled;
use crate::{Failure, host};

type Handler = Box<dyn Fn(&Message) -> Result<(), Failure> + Send + Sync>;

/// The message handlers of a plugin that consumes several queues. A message of another queue is rejected: a dead
/// letter, to be seen.
///
/// ```
/// use switchyard_sdk::{Consumer, Failure, Manifest, Message, Worker};
///
/// fn worker() -> Worker {
///     Worker::new().on("emails", send).on("invoices", |_: &Message| Err::<(), _>(Failure::retry("printer on fire")))
/// }
///
/// fn send(message: &Message) -> Result<(), Failure> {
///     let to: String = message.json()?;
///     switchyard_sdk::log::info!("to {to}");
///     Ok(())
/// }
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!().queue(Consumer::new("emails").concurrency(8)).queue(Consumer::new("invoices"))
/// }
///
/// switchyard_sdk::plugin! { manifest: manifest, queues: worker }
/// # fn main() {}
/// ```
#[derive(Default)]
pub struct Worker {
    /// By queue; none is for all.
    handlers: Vec<(Option<&'static str>, Handler)>,
}

/// What can handle the messages of a plugin: a `fn() -> Worker`, or one `fn(&Message)` for all of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` handles no messages",
    note = "name a `fn(&Message) -> Result<(), Failure>` or a `fn() -> Worker`"
)]
pub trait IntoWorker<Kind> {
    /// Makes the worker.
    fn into_worker(self) -> Worker;
}

/// Marks functions that make a worker.
#[derive(Debug)]
pub struct Routed;

/// Marks functions that handle all messages.
#[derive(Debug)]
pub struct One<R>(std::marker::PhantomData<R>);

// === impl Worker ===

impl Worker {
    /// No handlers: every message is rejected.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handler for the messages of this queue.
    ///
    /// # Panics
    /// When the queue has one already.
    pub fn on<R: IntoHandled>(
        self,
        queue: &'static str,
        handler: impl Fn(&Message) -> R + Send + Sync + 'static,
    ) -> Self {
        assert!(!self.handlers.iter().any(|(other, _)| *other == Some(queue)), "`{queue}` has two handlers");
        self.add(Some(queue), handler)
    }

    /// Handles a message.
    ///
    /// # Errors
    /// With the handler's failure.
    pub fn handle(&self, message: &Message) -> Result<(), Failure> {
        let found = self.handlers.iter().find(|(queue, _)| queue.is_none_or(|queue| queue == message.queue()));
        let Some((_, handler)) = found else {
            return Err(Failure::Reject(format!("no handler for queue `{}`", message.queue())));
        };
        host::handling(host::Handled::Message(message), || handler(message))
    }

    fn add<R: IntoHandled>(
        mut self,
        queue: Option<&'static str>,
        handler: impl Fn(&Message) -> R + Send + Sync + 'static,
    ) -> Self {
        self.handlers.push((queue, Box::new(move |message| handler(message).into_handled())));
        self
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|(queue, _)| queue)).finish()
    }
}

// === impl IntoWorker ===

impl<F: FnOnce() -> Worker> IntoWorker<Routed> for F {
    fn into_worker(self) -> Worker {
        self()
    }
}

impl<F, R> IntoWorker<One<R>> for F
where
    F: Fn(&Message) -> R + Send + Sync + 'static,
    R: IntoHandled,
{
    fn into_worker(self) -> Worker {
        Worker::new().add(None, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{queues, testing};

    fn enqueue(queue: &str, data: &str) {
        queues::enqueue(Message::new(queue).data(data)).expect("enqueued");
    }

    #[test]
    fn a_message_goes_to_the_handler_of_its_queue() {
        let worker = Worker::new().on("a", |_: &Message| ()).on("b", |_: &Message| Err::<(), _>(Failure::retry("b")));
        for queue in ["a", "b", "c"] {
            enqueue(queue, "");
        }
        assert_eq!(testing::work(&worker, "a"), [Ok(())]);
        assert_eq!(testing::work(&worker, "b"), [Err(Failure::retry("b"))]);
        assert_eq!(testing::work(&worker, "c"), [Err(Failure::reject("no handler for queue `c`"))]);
        assert_eq!(testing::dead_letters().len(), 1);
    }

    #[test]
    fn one_function_handles_everything() {
        fn on_message(message: &Message) -> Result<(), Failure> {
            if message.data() == b"good" { Ok(()) } else { Err(Failure::defer(std::time::Duration::ZERO)) }
        }
        let worker = on_message.into_worker();
        enqueue("a", "good");
        enqueue("b", "bad");
        assert_eq!(testing::work(&worker, "a"), [Ok(())]);
        assert!(matches!(testing::work(&worker, "b")[..], [Err(Failure::Defer(_))]));
    }
}
