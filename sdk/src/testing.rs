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
//!
//! Commands of sagas are brought by [`carry_out`], and what was started is among [`sagas`]:
//!
//! ```
//! use serde_json::json;
//! use switchyard_sdk::{Command, Failure, Participant, testing};
//!
//! let participant = Participant::new().on("pay", |command: &Command| Ok::<u32, Failure>(command.attempt()));
//! let pay = || testing::command("pay").saga("s-1").step(1).payload(&json!({ "cents": 5 }));
//! assert_eq!(testing::carry_out(&participant, pay().attempt(2)), Ok(json!(2)));
//! ```

mod command;

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::host::memory as host;
use crate::registry::Instance;
use crate::router::Handler;
use crate::{Delivery, Event, Failure, Message, Participant, Request, Saga, Subscriber, Worker, events};

pub use command::CommandDraft;

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

/// Begins a command: the first attempt to do step 0 of the saga `saga`, with the payload `{}`.
pub fn command(name: impl Into<String>) -> CommandDraft {
    CommandDraft::new(name.into())
}

/// Brings a command to its handler, as the host does, and answers its result.
///
/// # Errors
/// With the handler's failure.
pub fn carry_out(participant: &Participant, command: CommandDraft) -> Result<Value, Failure> {
    let result = participant.handle(&command.into())?;
    Ok(serde_json::from_slice(&result).expect("a participant answers JSON"))
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

/// All sagas that were started, oldest first. Nothing carries out their steps.
pub fn sagas() -> Vec<Saga> {
    host::sagas().into_iter().map(Saga::from).collect()
}

/// All signals that sagas got, oldest first: the saga's id, the signal's name, its data.
pub fn signals() -> Vec<(String, String, Value)> {
    let signals = host::signals().into_iter();
    signals.map(|(id, name, data)| (id, name, serde_json::from_slice(&data).unwrap_or_default())).collect()
}

/// Puts an instance into the registry, over one of the same id.
pub fn register(instance: Instance) {
    host::register(instance);
}

/// Has a handler or a [`Router`](crate::Router) answer for a service of the host, over one of the same name. A service that
/// a test says nothing of is not there.
///
/// ```
/// use std::time::Duration;
/// use switchyard_sdk::{Error, Request, Response, clock, http, testing};
///
/// testing::service("users", |request: &Request| match request.path() {
///     "/users/7" => Ok("ann"),
///     "/slow" => Ok({ clock::sleep(Duration::from_secs(60)); "at last" }),
///     _ => Err(Error::not_found("User not found")),
/// });
/// let users = http::service("users");
/// assert_eq!(users.get("/users/7").send()?.text(), "ann");
/// assert_eq!(users.get("/users/8").send()?.status(), 404);
/// assert!(matches!(users.get("/slow").send(), Err(http::Error::TimedOut { .. })));
/// assert!(matches!(http::service("others").get("/").send(), Err(http::Error::Unreachable { .. })));
/// # Ok::<(), http::Error>(())
/// ```
pub fn service<Takes>(name: &str, handler: impl Handler<Takes>) {
    server(&format!("{name}.internal"), handler);
}

/// Has a handler or a router answer for another server, by its host, and its port if the URL names one. The host refuses
/// calls to servers that a test says nothing of, as to those that are not in `outbound`.
///
/// ```
/// use switchyard_sdk::{http, testing};
///
/// testing::server("api.example.com", || "hello");
/// assert_eq!(http::get("https://api.example.com/greeting").send()?.text(), "hello");
/// # Ok::<(), http::Error>(())
/// ```
pub fn server<Takes>(host: &str, handler: impl Handler<Takes>) {
    host::serve(host.to_owned(), Rc::new(move |request| handler.answer(request)));
}

/// All calls to other services and servers, oldest first: the host that was called, and what was asked of it.
///
/// ```
/// use switchyard_sdk::{http, testing};
///
/// let _ = http::service("mail").post("/send").json("hello").send();
/// let (host, request) = &testing::calls()[0];
/// assert_eq!((host.as_str(), request.path(), request.body()), ("mail.internal", "/send", &br#""hello""#[..]));
/// ```
pub fn calls() -> Vec<(String, Request)> {
    host::calls()
}

/// Puts the host's clock ahead.
pub fn advance(time: Duration) {
    host::advance(time);
}

/// Sets a text of the service's configuration.
pub fn set_config(key: &str, value: &str) {
    host::set_config(key, value);
}

/// Sets a [secret](crate::config::secret) of the service.
///
/// ```
/// use switchyard_sdk::{config, testing};
///
/// testing::set_secret("api-key", "t0ken");
/// assert_eq!(config::secret("api-key")?.expose(), "t0ken");
/// # Ok::<(), switchyard_sdk::Error>(())
/// ```
pub fn set_secret(name: &str, value: &str) {
    host::set_config(name, value);
}

/// All lines that were logged, oldest first: level, context and message.
pub fn logged() -> Vec<String> {
    host::logged()
}
