//! Orders: placing one starts the saga `process-order`, whose end is told by the order's status.
//!
//! The order and the start of its saga are one commit: there is no order that nobody fulfils, and no saga without its
//! order. The saga's id is `order-` and the order's, so that what is told of a saga names the order. Sagas of this name
//! that were started elsewhere are no orders of this service's, and are passed over.

mod order;

use order::{Order, Placed, Status};
use serde::Deserialize;
use serde_json::json;
use switchyard_sdk::batch::{self, Batch, Condition};
use switchyard_sdk::{
    Delivery, Event, Failure, Manifest, Path, Request, Response, Result, Route, Router, Saga, Subscription, kv, uuid,
};

/// What an order's saga does.
const DEFINITION: &str = include_str!("process-order.json");

/// The definition's name.
const PROCESS_ORDER: &str = "process-order";

/// The largest body taken, in bytes: 100 items are far fewer.
const BODY_MAX: usize = 64 * 1024;

/// What the id of a saga begins with that belongs to an order of this service's.
const SAGA_PREFIX: &str = "order-";

switchyard_sdk::plugin! { manifest: manifest, http: router, events: on_saga }

fn manifest() -> Manifest {
    // Whether it ends, and how. The host passes over what was started elsewhere, and what others say of sagas.
    let told = "source == '/switchyard'";
    let ours = format!("{told} && data.sagaName == '{PROCESS_ORDER}' && data.sagaId.startsWith('{SAGA_PREFIX}')");
    let ends = |topic: &str| Subscription::new(topic).filter(ours.as_str());
    switchyard_sdk::manifest!()
        .tag("orders")
        .route(Route::new("/api/orders/*").strip_prefix("/api"))
        .saga(DEFINITION)
        .subscription(ends("saga.completed"))
        .subscription(ends("saga.failed"))
        .subscription(ends("saga.stuck"))
}

fn router() -> Router {
    Router::new().post("/orders", place).get("/orders/{orderId}", read)
}

/// Takes an order, and answers before it is fulfilled.
fn place(request: &Request) -> Result<Response> {
    if request.body().len() > BODY_MAX {
        return Ok(Response::problem(413, "Payload too large"));
    }
    let placed = match Placed::from_body(request.body()) {
        Ok(placed) => placed,
        Err(why) => return Ok(Response::problem(400, why)),
    };
    let order_id = uuid::v7();
    let saga_id = format!("{SAGA_PREFIX}{order_id}");
    let saga = Saga::new(PROCESS_ORDER).id(saga_id.as_str()).json(&placed.saga_data(&order_id))?;
    let order = Order::new(order_id, saga_id, placed);
    Batch::new().put_json(key(&order.order_id), &order)?.start_saga(saga).commit()?;
    let Order { order_id, saga_id, status, .. } = &order;
    Ok(Response::json(&json!({ "orderId": order_id, "sagaId": saga_id, "status": status })).with_status(202))
}

fn read(Path(id): Path<String>) -> Result<Response> {
    let order = if uuid::is_valid(&id) { kv::own()?.get(&key(&id))? } else { None };
    Ok(order.map_or_else(|| Response::problem(404, "Order not found"), Response::json_bytes))
}

/// What is told of a saga's end.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    saga_id: String,
    saga_name: String,
    error: Option<String>,
}

/// Writes into an order how its saga ended, in one commit with the acknowledgement of the event.
fn on_saga(event: &Event, _: &Delivery) -> Result<(), Failure> {
    let Some(status) = Status::told_by(event.topic()) else { return Ok(()) };
    let ended: Ended = event.json()?;
    let id = ended.saga_id.strip_prefix(SAGA_PREFIX).filter(|_| ended.saga_name == PROCESS_ORDER);
    let Some(key) = id.filter(|id| uuid::is_valid(id)).map(key) else { return Ok(()) };
    let Some(entry) = batch::read(key.as_str())? else { return Ok(()) };
    let order = Order::from_json(&entry.value)?;
    let Some(order) = order.ended(status, ended.error) else { return Ok(()) };
    let json = serde_json::to_vec(&order).map_err(Failure::reject)?;
    Batch::new().put_if(key, json, Condition::Revision(entry.revision)).ack().commit()?;
    Ok(())
}

fn key(order_id: &str) -> String {
    format!("order/{order_id}")
}

#[cfg(test)]
mod tests;
