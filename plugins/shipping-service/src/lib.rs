//! Shipping: `shipping.create` and `shipping.cancel`, and where the shipment of an order stands over HTTP.
//!
//! Of an order that several sagas concern, shipments are counted, see `shop::ledger`: it is cancelled when all of them
//! are. That a command was carried out is remembered in the same commit, see `switchyard_sdk::commands`.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shop::{Home, OrderId, Sums, ledger, simulate};
use switchyard_sdk::{Command, Failure, Manifest, Participant, Request, Response, Result, Route, Router, commands};

/// Where this instance counts shipments.
static HOME: Home = Home::new();

switchyard_sdk::plugin! { manifest: manifest, http: router, commands: participant }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("orders").route(Route::new("/api/shipments/*").strip_prefix("/api"))
}

fn router() -> Router {
    Router::new().get("/shipments/{orderId}", read)
}

fn participant() -> Participant {
    Participant::new()
        .on("shipping.create", |command: &Command| simulate::around(command, || create(command)))
        .on("shipping.cancel", |command: &Command| simulate::around(command, || cancel(command)))
}

/// What of an order this service reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    order_id: OrderId,
}

/// A shipment: the result of the step, and what cancelling needs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shipment {
    shipment_id: String,
    order_id: OrderId,
}

fn create(command: &Command) -> Result<Shipment, Failure> {
    let Order { order_id } = command.payload()?;
    let mut shard = HOME.shards();
    commands::once(command, || {
        let batch = ledger::add(&order_id, shard(), Sums { done: 1, undone: 0 })?;
        let shipment_id = format!("{}:{}", command.saga_id(), command.step_index());
        Ok::<_, Failure>((batch, Shipment { shipment_id, order_id: order_id.clone() }))
    })
}

fn cancel(command: &Command) -> Result<(), Failure> {
    let mut shard = HOME.shards();
    commands::undo(command, |shipment: Shipment| ledger::add(&shipment.order_id, shard(), Sums { done: 0, undone: 1 }))
}

/// `{status}` of an order's shipment.
fn read(request: &Request) -> Result<Response> {
    let sums = match OrderId::try_from(request.param("orderId").to_owned()) {
        Ok(order) => ledger::of(&order)?,
        Err(_) => None,
    };
    Ok(match sums {
        Some(Sums { done, undone }) => {
            Response::json(&json!({ "status": if done > undone { "created" } else { "cancelled" } }))
        }
        None => Response::problem(404, "Shipment not found"),
    })
}

#[cfg(test)]
mod tests;
