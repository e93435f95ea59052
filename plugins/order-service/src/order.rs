//! An order, from what was asked for to how it ended.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shop::{Cents, Items, is_id, simulate};
use switchyard_sdk::Failure;

/// The commands that can be told to misbehave.
const COMMANDS: [&str; 6] = [
    "inventory.reserve",
    "inventory.release",
    "payment.charge",
    "payment.refund",
    "shipping.create",
    "shipping.cancel",
];

/// An order as it is stored and sent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub order_id: String,
    customer_id: String,
    items: Items,
    amount: Cents,
    pub status: Status,
    pub saga_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How an order is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its saga is under way.
    Pending,
    /// Reserved, paid and shipped.
    Completed,
    /// Not fulfilled; what was done is undone.
    Failed,
    /// An operator decides.
    Stuck,
}

/// What a client asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    customer_id: String,
    items: Items,
    amount: Cents,
    /// Misbehaviour of the services, by command.
    simulate: Option<Value>,
}

// === impl Order ===

impl Order {
    /// One that is to be fulfilled.
    pub fn new(order_id: String, saga_id: String, placed: Placed) -> Self {
        let Placed { customer_id, items, amount, simulate: _ } = placed;
        Self { order_id, customer_id, items, amount, status: Status::Pending, saga_id, error: None }
    }

    pub fn from_json(json: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(json).map_err(Failure::retry)
    }

    /// How it is after its saga ended so; none when it ended before. One that was stuck may go on and end, and what is
    /// told of both may come in any order.
    pub fn ended(self, status: Status, error: Option<String>) -> Option<Self> {
        match self.status {
            Status::Pending | Status::Stuck => {
                let error = error.filter(|_| status != Status::Completed);
                Some(Self { status, error, ..self })
            }
            Status::Completed | Status::Failed => None,
        }
    }
}

// === impl Status ===

impl Status {
    /// What an event about a saga says of its order.
    pub fn told_by(topic: &str) -> Option<Self> {
        match topic {
            "saga.completed" => Some(Self::Completed),
            "saga.failed" => Some(Self::Failed),
            "saga.stuck" => Some(Self::Stuck),
            _ => None,
        }
    }
}

// === impl Placed ===

impl Placed {
    /// Reads a body, or says what is wrong with it.
    pub fn from_body(body: &[u8]) -> Result<Self, String> {
        let placed: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if !is_id(&placed.customer_id) {
            return Err("a customerId has 1 to 128 bytes".to_owned());
        }
        if let Some(simulate) = &placed.simulate {
            simulate::check(simulate, &COMMANDS)?;
        }
        Ok(placed)
    }

    /// What the order's saga is about.
    pub fn saga_data(&self, order_id: &str) -> Value {
        let Self { customer_id, items, amount, simulate } = self;
        let mut data = json!({ "orderId": order_id, "customerId": customer_id, "items": items, "amount": amount });
        if let Some(simulate) = simulate {
            data["simulate"] = simulate.clone();
        }
        data
    }
}
