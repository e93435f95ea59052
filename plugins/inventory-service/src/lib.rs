//! Inventory: `inventory.reserve` and `inventory.release`, and the stock over HTTP.
//!
//! Reserving moves pieces from available to reserved, for all items of an order or for none; releasing moves them back.
//! That a command was carried out is remembered in the commit of what it changes, see `switchyard_sdk::commands`.
//! How hundreds of commands at once reserve one product is told in `stock`.

mod stock;

use serde::{Deserialize, Serialize};
use shop::{Home, Item, Items, is_id, simulate};
use stock::Stock;
use switchyard_sdk::batch::Batch;
use switchyard_sdk::{Command, Failure, Manifest, Participant, Request, Response, Result, Route, Router, commands};

/// The most pieces of one product.
const AVAILABLE_MAX: i64 = 1_000_000_000_000;

/// Where this instance takes and puts pieces.
static HOME: Home = Home::new();

switchyard_sdk::plugin! { manifest: manifest, http: router, commands: participant }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("orders").route(Route::new("/api/inventory/*").strip_prefix("/api"))
}

fn router() -> Router {
    Router::new().get("/inventory/{productId}", read).put("/inventory/{productId}", put)
}

fn participant() -> Participant {
    Participant::new()
        .on("inventory.reserve", |command: &Command| simulate::around(command, || reserve(command)))
        .on("inventory.release", |command: &Command| simulate::around(command, || release(command)))
}

/// What of an order this service reads.
#[derive(Deserialize)]
struct Order {
    items: Items,
}

/// What was reserved: the result of the step, and what releasing needs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reservation {
    reservation_id: String,
    reserved: Vec<Item>,
}

/// What a product is said to have.
#[derive(Deserialize)]
struct Delivered {
    available: i64,
}

fn reserve(command: &Command) -> Result<Reservation, Failure> {
    let order: Order = command.payload()?;
    let wanted = order.items.by_product();
    let mut shard = HOME.shards();
    commands::once(command, || {
        let (mut batch, start) = (Batch::new(), shard());
        for (product, quantity) in &wanted {
            batch = Stock::of(product)?.take(*quantity, start, &HOME, batch)?;
        }
        let item = |(product, quantity): (&&str, &i64)| Item { product_id: (*product).into(), quantity: *quantity };
        let reserved = wanted.iter().map(item).collect();
        let reservation_id = format!("{}:{}", command.saga_id(), command.step_index());
        Ok::<_, Failure>((batch, Reservation { reservation_id, reserved }))
    })
}

fn release(command: &Command) -> Result<(), Failure> {
    let mut shard = HOME.shards();
    commands::undo(command, |reservation: Reservation| {
        let (batch, start) = (Batch::new(), shard());
        reservation
            .reserved
            .iter()
            .try_fold(batch, |batch, item| Stock::of(&item.product_id)?.give_back(item.quantity, start, batch))
    })
}

/// `{available, reserved}` of a product.
fn read(request: &Request) -> Result<Response> {
    let product = request.param("productId");
    if !is_id(product) {
        return Ok(unknown());
    }
    let levels = Stock::of(product)?.levels()?;
    Ok(levels.map_or_else(unknown, |levels| Response::json(&levels)))
}

/// Says how many pieces are available; what is reserved stays so.
fn put(request: &Request) -> Result<Response> {
    let product = request.param("productId");
    let Ok(Delivered { available }) = serde_json::from_slice(request.body()) else {
        return Ok(Response::problem(400, "the body is {\"available\": N}, with N an integer"));
    };
    if !is_id(product) {
        return Ok(Response::problem(400, "a productId has 1 to 128 bytes"));
    }
    if !(0..=AVAILABLE_MAX).contains(&available) {
        return Ok(Response::problem(400, format!("available is 0 to {AVAILABLE_MAX}")));
    }
    Stock::put(product, available)?;
    read(request)
}

fn unknown() -> Response {
    Response::problem(404, "Product not found")
}

#[cfg(test)]
mod tests;
