//! Queues: listed, filled, and consumed by whoever speaks HTTP.

use http::{Method, StatusCode};
use schemars::JsonSchema;
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

/// How long leases may be asked to last, as it is written: 1s to 12h.
const LASTING: &str = r"^([1-9][0-9]{0,3} *s|([1-9][0-9]?|[1-6][0-9]{2}) *m)$";

/// How long messages may be asked to wait, as it is written.
const WAIT: &str = r"^[0-9]{1,6} *(ms|s|m)$";

/// The body that enqueues.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewMessage {
    /// Any JSON, kept as it is written.
    #[schemars(with = "Value")]
    data: Box<RawValue>,
    #[serde(default)]
    #[schemars(range(max = 9))]
    priority: u8,
    #[schemars(with = "Option<String>", regex(pattern = WAIT))]
    delay: Option<HumanDuration>,
    #[schemars(regex(pattern = r"^[ -~]{1,255}$"))]
    dedup_id: Option<String>,
}

/// The body that leases.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Lease")]
pub(super) struct NewLease {
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    max: u32,
    #[schemars(with = "Option<String>", regex(pattern = LASTING))]
    visibility_timeout: Option<HumanDuration>,
}

/// The body that has a lease last longer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Extension")]
pub(super) struct NewExtension {
    token: String,
    /// From now on; as long as leases of the queue last when nothing is said.
    #[schemars(with = "Option<String>", regex(pattern = LASTING))]
    visibility_timeout: Option<HumanDuration>,
    /// The same by another name.
    #[schemars(with = "Option<String>", regex(pattern = LASTING))]
    delay: Option<HumanDuration>,
}

/// The body that settles a lease.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Settlement")]
pub(super) struct NewSettlement {
    token: String,
    #[schemars(with = "Option<String>", regex(pattern = WAIT))]
    delay: Option<HumanDuration>,
    /// Why it failed.
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Enqueued {
    id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Leased")]
pub(super) struct LeasedMessages {
    messages: Vec<MessageItem>,
}

/// A leased message.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LeasedMessage")]
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
            if *how == "extend" {
                let new: NewExtension = body::read(&asked.body)?;
                let timeout = new.visibility_timeout.or(new.delay);
                let timeout = timeout.map_or_else(|| delivery.visibility(queue), |timeout| timeout.0);
                delivery.settle(queue, id, &new.token, Settlement::Extend(timeout)).await?;
                return Ok(empty());
            }
            let new: NewSettlement = body::read(&asked.body)?;
            let reason = new.reason.unwrap_or_else(|| NO_REASON.to_owned());
            let settlement = match *how {
                "ack" => Settlement::Ack,
                "nack" => Settlement::Nack { reason, delay: new.delay.map(|delay| delay.0) },
                _ => Settlement::Reject { reason },
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
