//! my-service: remembers every order that an event tells of, and what each customer has spent.

use serde::{Deserialize, Serialize};
use switchyard_sdk::batch::{self, Batch};
use switchyard_sdk::{
    Delivery, Event, Failure, Json, Manifest, Path, Result, Route, Router, Subscription, kv,
};

switchyard_sdk::plugin! { manifest: manifest, http: router, events: on_order }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!()
        .route(Route::new("/my-service/*").strip_prefix("/my-service"))
        .subscription(Subscription::new("order.created"))
}

fn router() -> Router {
    Router::new().get("/{customer}", spent)
}

/// What of an order this service reads.
#[derive(Deserialize)]
struct Order {
    id: String,
    customer: String,
    cents: u64,
}

/// What a customer has spent.
#[derive(Default, Serialize, Deserialize)]
struct Spent {
    orders: Vec<String>,
    cents: u64,
}

/// An event may come twice, so what is known already is not counted again. An error says what becomes of the event:
/// data of another shape is a dead letter at once, a store that does not answer means another attempt.
fn on_order(event: &Event, _: &Delivery) -> Result<(), Failure> {
    let order: Order = event.json()?;
    if order.cents == 0 {
        return Err(Failure::reject("nothing is for free"));
    }
    batch::update(key(&order.customer), |current| {
        let mut spent: Spent = match current {
            Some(json) => serde_json::from_slice(&json).map_err(Failure::reject)?,
            None => Spent::default(),
        };
        if spent.orders.contains(&order.id) {
            return Ok((Batch::new().ack(), ()));
        }
        spent.orders.push(order.id.clone());
        spent.cents += order.cents;
        // One commit: it is never counted without being acknowledged, nor the other way round.
        let batch = Batch::new()
            .put_json(key(&order.customer), &spent)
            .map_err(Failure::reject)?;
        Ok::<_, Failure>((batch.ack(), ()))
    })
}

fn spent(Path(customer): Path<String>) -> Result<Json<Spent>> {
    let spent = kv::own()?.get_json(&key(&customer))?;
    Ok(Json(spent.unwrap_or_default()))
}

fn key(customer: &str) -> String {
    format!("customer/{customer}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use switchyard_sdk::{Request, events::IntoSubscriber, testing};

    fn deliver(data: Value) -> Result<(), Failure> {
        let event = testing::event(Event::new("order.created").json(&data).expect("JSON"));
        testing::deliver(
            &on_order.into_subscriber(),
            "my-service/order.created",
            &event,
        )
    }

    fn spent(customer: &str) -> Value {
        let response = router().serve(Request::get(&format!("/{customer}")));
        serde_json::from_slice(response.body()).expect("JSON")
    }

    #[test]
    fn an_order_counts_once_however_often_it_is_told_of() {
        for (id, cents) in [("1", 500), ("2", 250), ("1", 500)] {
            deliver(json!({ "id": id, "customer": "ann", "cents": cents })).expect("handled");
        }
        assert_eq!(spent("ann"), json!({ "orders": ["1", "2"], "cents": 750 }));
        assert_eq!(spent("bea"), json!({ "orders": [], "cents": 0 }));
    }

    #[test]
    fn what_can_never_be_handled_is_rejected() {
        for data in [
            json!({}),
            json!({ "id": "1", "customer": "ann", "cents": 0 }),
        ] {
            assert!(matches!(deliver(data), Err(Failure::Reject(_))));
        }
    }
}
