//! Notifications: events become messages of a queue, and the queue's messages are sent.
//!
//! The queue between keeps the two apart: an event is done as soon as its message is durable, and sending takes its
//! time, is tried again, and ends as a dead letter, without holding up any event. Both halves may run twice for the
//! same thing, so the message has the event for its deduplication id, and what was sent is a key with the message's id.
//! Sending is made up here: it is one commit that records the notification and acknowledges the message.

mod notification;

use notification::Notification;
use switchyard_sdk::batch::Batch;
use switchyard_sdk::{
    Consumer, Delivery, Event, Failure, Manifest, Message, Request, Response, Result, Route, Router, Subscriber,
    Subscription, clock, kv, queues,
};

const QUEUE: &str = "notifications";

switchyard_sdk::plugin! { manifest: manifest, http: router, events: subscriber, queues: send }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!()
        .tag("notifications")
        .route(Route::new("/api/notifications").strip_prefix("/api"))
        .subscription(Subscription::new("user.created"))
        .subscription(Subscription::new("order.*"))
        .queue(Consumer::new(QUEUE).concurrency(4))
}

fn router() -> Router {
    Router::new().get("/notifications", list)
}

fn subscriber() -> Subscriber {
    Subscriber::new().on("user.created", on_user_created).on("order.*", on_order)
}

fn on_user_created(event: &Event, _: &Delivery) -> Result<(), Failure> {
    notify(event, Notification::welcome(event)?)
}

fn on_order(event: &Event, _: &Delivery) -> Result<(), Failure> {
    notify(event, Notification::of_order(event)?)
}

/// Enqueues a notification; once, however often the event is delivered.
fn notify(event: &Event, notification: Notification) -> Result<(), Failure> {
    let once = format!("{} {}", event.source(), event.id());
    queues::enqueue(Message::new(QUEUE).json(&notification)?.dedup_id(once))?;
    Ok(())
}

/// "Sends" a notification: records it and acknowledges its message, both or neither.
fn send(message: &Message) -> Result<(), Failure> {
    let notification: Notification = message.json()?;
    if notification.is_to_fail() {
        return Err(Failure::retry("the mail server is busy, as the data asks for"));
    }
    let sent = notification.sent(message, clock::now());
    // Ids are UUIDv7, so the order of the keys is the order of enqueueing.
    Batch::new().put_json(format!("sent/{}", message.id()), &sent)?.ack().commit()?;
    Ok(())
}

/// All that was sent, oldest first.
fn list(_: &Request) -> Result<Response> {
    let bucket = kv::own()?;
    let sent = bucket.get_many(&bucket.keys("sent/")?)?;
    let sent: Vec<Vec<u8>> = sent.into_iter().flatten().collect();
    Ok(Response::json_bytes([b"[", sent.join(&b',').as_slice(), b"]"].concat()))
}

#[cfg(test)]
mod tests;
