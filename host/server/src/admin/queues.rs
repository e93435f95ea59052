//! Queues: listed, filled, and consumed by whoever speaks HTTP.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use switchyard_core::{
    message::{Draft, Leased},
    timestamp::Timestamp,
    units::HumanDuration,
};
use switchyard_delivery::Publisher;
use switchyard_runtime::ports::Settlement;

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    body,
    reply::{Problem, empty, json, page, with_status},
};

/// The source of what is enqueued over the admin API.
const SOURCE: &str = "/switchyard/admin";

/// Why a message failed when its consumer does not say.
const NO_REASON: &str = "the consumer gave it back without a reason";

/// The body that enqueues.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewMessage {
    /// Any JSON, kept as it is written.
    data: Box<RawValue>,
    #[serde(default)]
    priority: u8,
    delay: Option<HumanDuration>,
    dedup_id: Option<String>,
}

/// The body that leases.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewLease {
    #[serde(default = "one")]
    max: u32,
    visibility_timeout: Option<HumanDuration>,
}

/// The body that settles a lease.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSettlement {
    token: String,
    delay: Option<HumanDuration>,
    reason: Option<String>,
    visibility_timeout: Option<HumanDuration>,
}

#[derive(Debug, Serialize)]
struct Enqueued {
    id: String,
}

#[derive(Debug, Serialize)]
struct LeasedMessages {
    messages: Vec<MessageItem>,
}

/// A leased message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageItem {
    id: String,
    token: String,
    data: Value,
    priority: u8,
    attempt: u32,
    enqueued_at: Timestamp,
}

/// `/api/v1/queues` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    let delivery = &sources.delivery;
    match (asked.method.clone(), rest) {
        (Method::GET | Method::HEAD, []) => {
            let items = delivery.queues().await?.into_iter().map(|queue| (queue.name.clone(), queue)).collect();
            Ok(json(&page(items, &asked.query)?))
        }
        (Method::GET | Method::HEAD, [queue]) => Ok(json(&delivery.queue(queue).await?)),
        (_, [] | [_]) => Err(Problem::method_not_allowed("GET, HEAD")),
        (Method::POST, [queue, "messages"]) => {
            let new: NewMessage = body::read(&asked.body)?;
            let draft = Draft {
                queue: (*queue).to_owned(),
                data: new.data.get().as_bytes().to_vec().into(),
                priority: new.priority,
                delay: new.delay.map(|delay| delay.0),
                dedup_id: new.dedup_id,
            };
            let (id, duplicate) = delivery.enqueue(Publisher::operator(SOURCE), draft).await?;
            let status = if duplicate { StatusCode::OK } else { StatusCode::CREATED };
            Ok(with_status(status, json(&Enqueued { id })))
        }
        (Method::POST, [queue, "lease"]) => {
            let new: NewLease = body::read(&asked.body)?;
            let visibility = new.visibility_timeout.map(|timeout| timeout.0);
            let leased = delivery.lease(queue, new.max, visibility).await?;
            Ok(json(&LeasedMessages { messages: leased.into_iter().map(MessageItem::of).collect() }))
        }
        (Method::POST, [queue, "messages", id, how @ ("ack" | "nack" | "reject" | "extend")]) => {
            let new: NewSettlement = body::read(&asked.body)?;
            let reason = new.reason.unwrap_or_else(|| NO_REASON.to_owned());
            let settlement = match *how {
                "ack" => Settlement::Ack,
                "nack" => Settlement::Nack { reason, delay: new.delay.map(|delay| delay.0) },
                "reject" => Settlement::Reject { reason },
                _ => match new.visibility_timeout.or(new.delay) {
                    Some(timeout) => Settlement::Extend(timeout.0),
                    None => Settlement::Extend(delivery.visibility(queue)),
                },
            };
            delivery.settle(queue, id, &new.token, settlement).await?;
            Ok(empty())
        }
        (_, [_, "messages" | "lease"] | [_, "messages", _, "ack" | "nack" | "reject" | "extend"]) => {
            Err(Problem::method_not_allowed("POST"))
        }
        _ => Err(no_such_path()),
    }
}

fn one() -> u32 {
    1
}

// === impl MessageItem ===

impl MessageItem {
    fn of(message: Leased) -> Self {
        Self {
            id: message.id.as_ref().to_owned(),
            token: message.token.as_ref().to_owned(),
            data: switchyard_delivery::json_data(&message.data),
            priority: message.priority,
            attempt: message.attempt,
            enqueued_at: message.enqueued_at,
        }
    }
}
