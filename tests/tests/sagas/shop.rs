//! The example business: its services, what an order is about, and what the books say.

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

/// The services that `process-order` needs.
pub(crate) const SERVICES: [&str; 4] = ["order-service", "inventory-service", "payment-service", "shipping-service"];

/// Pieces of `p1` that are there before anybody says how many there are.
pub(crate) const STOCK: i64 = 1_000_000;

/// A host with all of them. The definitions in `sagas` are declared by the order service in the place of its own.
pub(crate) fn setup(sagas: &[Value]) -> Setup {
    let setup = if sagas.is_empty() { Setup::new() } else { Setup::new().sagas("order-service", sagas, "") };
    SERVICES.into_iter().fold(setup, |setup, name| setup.plugin(name, name))
}

/// The steps of `process-order`, with further members for one of them.
pub(crate) fn steps(special: &str, members: &Value) -> Vec<Value> {
    let commands = [
        ("inventory.reserve", "inventory.release"),
        ("payment.charge", "payment.refund"),
        ("shipping.create", "shipping.cancel"),
    ];
    let step = |(command, compensation)| {
        let mut step = json!({"command": command, "compensation": compensation});
        if command == special {
            step.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        }
        step
    };
    commands.into_iter().map(step).collect()
}

/// The data of an order: two pieces of `p1` for 99.99.
pub(crate) fn order(id: &str) -> Value {
    json!({"orderId": id, "customerId": "456", "items": [{"productId": "p1", "quantity": 2}], "amount": 99.99})
}

/// The same, with services that misbehave.
pub(crate) fn misbehaving(id: &str, simulate: Value) -> Value {
    let mut order = order(id);
    order["simulate"] = simulate;
    order
}

/// Checks that an order was fulfilled, once.
pub(crate) async fn check_fulfilled(host: &Host, id: &str) {
    assert_eq!(host.books("payments", id).await, json!({"charged": 99.99, "refunded": 0}), "{id}");
    assert_eq!(host.books("shipments", id).await, json!({"status": "created"}), "{id}");
}

/// Checks that nothing is left of an order.
pub(crate) async fn check_undone(host: &Host, id: &str) {
    let paid = host.books("payments", id).await;
    assert_eq!(paid["charged"], paid["refunded"], "{id}");
    assert_ne!(host.books("shipments", id).await["status"], "created", "{id}");
}

/// Checks that so many pieces of `p1` are reserved, and all others available.
pub(crate) async fn check_reserved(host: &Host, reserved: i64) {
    let books = host.books("inventory", "p1").await;
    assert_eq!(books, json!({"available": STOCK - reserved, "reserved": reserved}));
}
