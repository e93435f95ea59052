//! The host in memory that a service meets natively, for its tests: what reached it, and what it brings.
//!
//! Each thread has a host of its own, so tests do not meet. It keeps the rules that handlers run into: deduplication,
//! leases, back-off, dead letters, conditions of batches. What it does not do by itself is call handlers: a test does.
//!
//! ```
//! use std::time::Duration;
//! use switchyard_sdk::{Delivery, Event, Failure, Message, Result, Subscriber, Worker, queues, testing};
//!
//! fn on_order(event: &Event, _: &Delivery) -> Result<(), Failure> {
//!     queues::enqueue(Message::new("emails").data(event.data()).dedup_id(event.id()))?;
//!     Ok(())
//! }
//!
//! fn send(message: &Message) -> Result<(), Failure> {
//!     if message.attempt() == 1 { Err(Failure::retry("busy")) } else { Ok(()) }
//! }
//!
//! let subscriber = Subscriber::new().on("order.*", on_order);
//! testing::deliver(&subscriber, "shop/order.*", &testing::event(Event::new("order.created")))?;
//! assert_eq!(testing::waiting("emails").len(), 1);
//!
//! let worker = Worker::new().on("emails", send);
//! assert_eq!(testing::work(&worker, "emails"), [Err(Failure::retry("busy"))]);
//! testing::advance(Duration::from_secs(2)); // the back-off
//! assert_eq!(testing::work(&worker, "emails"), [Ok(())]);
//! # Ok::<(), Failure>(())
//! ```

use std::time::Duration;

use crate::host::memory as host;
use crate::{Delivery, Event, Failure, Message, Subscriber, Worker, events};

/// Messages that [`work`] leases at once, as many as a queue holds.
const ALL: u32 = 1_000;

/// The event that the host makes of a draft, not published.
///
/// # Panics
/// When the host would refuse it.
pub fn event(draft: events::Draft) -> Event {
    host::complete(draft.into()).expect("the draft is a valid event").into()
}

/// Delivers an event as the first attempt for a subscription of this name.
///
/// # Errors
/// With the handler's failure.
pub fn deliver(subscriber: &Subscriber, subscription: &str, event: &Event) -> Result<(), Failure> {
    let delivery = Delivery { subscription: subscription.to_owned(), sequence: host::next_sequence(), attempt: 1 };
    subscriber.handle(event, &delivery)
}

/// Has every message that is ready in a queue handled once, first in, first out within its lane, and settles it by the
/// handler's answer, as the host does. Answers what the handler answered.
pub fn work(worker: &Worker, queue: &str) -> Vec<Result<(), Failure>> {
    // A queue into which nothing was enqueued yet has nothing ready.
    let leased = host::lease(queue, ALL, None).unwrap_or_default();
    let messages = leased.into_iter().map(Message::from);
    let answers = messages.map(|message| {
        let answer = worker.handle(&message);
        // A message that its handler settled itself is not leased any more, and stays as it is.
        let _ = match &answer {
            Ok(()) => host::ack(message.raw()),
            Err(Failure::Retry(why)) => host::nack(message.raw(), why, None),
            Err(Failure::Reject(why)) => host::reject(message.raw(), why),
            Err(Failure::Defer(delay)) => host::defer(message.raw(), *delay),
        };
        answer
    });
    answers.collect()
}

/// All events that were published, oldest first.
pub fn published() -> Vec<Event> {
    host::published().into_iter().map(Event::from).collect()
}

/// The messages of a queue that nobody has leased, delayed ones too, in the order in which they were enqueued.
pub fn waiting(queue: &str) -> Vec<Message> {
    host::waiting(queue).into_iter().map(Message::from).collect()
}

/// All messages that became dead letters, oldest first.
pub fn dead_letters() -> Vec<Message> {
    host::dead_letters().into_iter().map(Message::from).collect()
}

/// Puts the host's clock ahead.
pub fn advance(time: Duration) {
    host::advance(time);
}

/// Sets a text of the service's configuration.
pub fn set_config(key: &str, value: &str) {
    host::set_config(key, value);
}

/// All lines that were logged, oldest first: level, context and message.
pub fn logged() -> Vec<String> {
    host::logged()
}
