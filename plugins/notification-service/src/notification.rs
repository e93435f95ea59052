//! What is sent, to whom.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use switchyard_sdk::clock::Timestamp;
use switchyard_sdk::{Event, JsonError, Message};

/// A notification, as it waits in the queue.
#[derive(Serialize, Deserialize)]
pub struct Notification {
    /// Where it goes, when the event says so.
    to: Option<String>,
    text: String,
    /// `"fail"` in the event's data makes sending fail, to see retries and dead letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulate: Option<String>,
    /// Whatever else an enqueuer wants to find again among what was sent.
    #[serde(flatten)]
    further: Map<String, Value>,
}

/// A notification that was sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent<'a> {
    id: &'a str,
    #[serde(flatten)]
    notification: Notification,
    attempt: u32,
    sent_at: String,
}

// === impl Notification ===

impl Notification {
    /// Greets a new user.
    pub fn welcome(event: &Event) -> Result<Self, JsonError> {
        let data: Value = event.json()?;
        let text = text(&data["name"]).map_or("Welcome!".to_owned(), |name| format!("Welcome, {name}!"));
        Ok(Self::new(event, &data, text))
    }

    /// Tells how an order is: `order.shipped` says that it is shipped.
    pub fn of_order(event: &Event) -> Result<Self, JsonError> {
        let data: Value = event.json()?;
        let order = text(&data["orderId"]).map_or("An order".to_owned(), |id| format!("Order {id}"));
        let state = event.topic().rsplit('.').next().unwrap_or_default();
        Ok(Self::new(event, &data, format!("{order} is {state}.")))
    }

    fn new(event: &Event, data: &Value, text: String) -> Self {
        let of_data = |member: &str| data[member].as_str().map(str::to_owned);
        let further = [("eventId", event.id()), ("topic", event.topic())];
        Self {
            to: of_data("email"),
            text,
            simulate: of_data("simulate"),
            further: further.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect(),
        }
    }

    /// Whether sending it has to fail.
    pub fn is_to_fail(&self) -> bool {
        self.simulate.as_deref() == Some("fail")
    }

    /// What is recorded of it.
    pub fn sent(self, message: &Message, at: Timestamp) -> Sent<'_> {
        Sent { id: message.id(), notification: self, attempt: message.attempt(), sent_at: at.to_string() }
    }
}

/// Text as it is, anything else that is there as JSON.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
