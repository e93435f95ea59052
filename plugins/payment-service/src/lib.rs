//! Payments: `payment.charge` and `payment.refund`, and what was charged and refunded for an order over HTTP.
//!
//! Money is counted in cents. What an order was charged is a sum over all sagas that concern it, see `shop::ledger`;
//! that a command was carried out is remembered in the same commit, see `switchyard_sdk::commands`. A refund is of what
//! its saga was charged, whatever the payload says by then.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shop::{Cents, Home, OrderId, Sums, ledger, simulate};
use switchyard_sdk::{Command, Failure, Manifest, Participant, Request, Response, Result, Route, Router, commands};

/// Where this instance adds to sums.
static HOME: Home = Home::new();

switchyard_sdk::plugin! { manifest: manifest, http: router, commands: participant }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("orders").route(Route::new("/api/payments/*").strip_prefix("/api"))
}

fn router() -> Router {
    Router::new().get("/payments/{orderId}", read)
}

fn participant() -> Participant {
    Participant::new()
        .on("payment.charge", |command: &Command| simulate::around(command, || charge(command)))
        .on("payment.refund", |command: &Command| simulate::around(command, || refund(command)))
}

/// What of an order this service reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    order_id: OrderId,
    amount: Cents,
}

/// A payment: the result of the step, and what refunding needs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    payment_id: String,
    order_id: OrderId,
    charged: Cents,
}

fn charge(command: &Command) -> Result<Payment, Failure> {
    let Order { order_id, amount } = command.payload()?;
    let mut shard = HOME.shards();
    commands::once(command, || {
        let batch = ledger::add(&order_id, shard(), Sums { done: amount.get(), undone: 0 })?;
        let payment_id = format!("{}:{}", command.saga_id(), command.step_index());
        Ok::<_, Failure>((batch, Payment { payment_id, order_id: order_id.clone(), charged: amount }))
    })
}

fn refund(command: &Command) -> Result<(), Failure> {
    let mut shard = HOME.shards();
    commands::undo(command, |payment: Payment| {
        ledger::add(&payment.order_id, shard(), Sums { done: 0, undone: payment.charged.get() })
    })
}

/// `{charged, refunded}` of an order.
fn read(request: &Request) -> Result<Response> {
    let sums = match OrderId::try_from(request.param("orderId").to_owned()) {
        Ok(order) => ledger::of(&order)?,
        Err(_) => None,
    };
    Ok(match sums {
        Some(Sums { done, undone }) => {
            Response::json(&json!({ "charged": Cents::new(done), "refunded": Cents::new(undone) }))
        }
        None => Response::problem(404, "Payment not found"),
    })
}

#[cfg(test)]
mod tests;
