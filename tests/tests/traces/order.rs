//! One POST of an order is one trace.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Setup,
    otlp::{Collector, tree},
};

use super::{check_tree, check_whole, only};

const SERVICES: [&str; 5] =
    ["order-service", "inventory-service", "payment-service", "shipping-service", "notification-service"];

/// `process-order` with a last step that tells of it, which `probe` takes, since none of the services does.
fn definition() -> Value {
    let step = |command: &str, compensation: &str| json!({"command": command, "compensation": compensation});
    let event = json!({"topic": "order.fulfilled", "data": {"orderId": "17"}});
    let deeds = json!({"order.announce": {"do": "publish", "draft": event}});
    json!({"name": "process-order", "steps": [
        step("inventory.reserve", "inventory.release"),
        step("payment.charge", "payment.refund"),
        step("shipping.create", "shipping.cancel"),
        {"command": "order.announce", "irreversible": true, "data": {"deeds": deeds}},
    ]})
}

/// All that an order leads to. What the host tells of the saga meanwhile has no subscriber but the order service, which
/// gets its end.
const TREE: &str = "
POST /api/orders/* (server)
  order-service request (internal)
    saga start process-order (internal)
      saga process-order/inventory.reserve (internal)
        inventory-service command (internal)
      saga process-order/payment.charge (internal)
        payment-service command (internal)
      saga process-order/shipping.create (internal)
        shipping-service command (internal)
      saga process-order/order.announce (internal)
        probe command (internal)
          send order.fulfilled (producer)
            process order.fulfilled (consumer)
              notification-service event (internal)
                send notifications (producer)
                  process notifications (consumer)
                    notification-service message (internal)
      process saga.completed (consumer)
        order-service event (internal)
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_one_trace_from_the_gateway_to_the_notification() {
    let collector = Collector::listen().await;
    let setup = SERVICES.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name));
    let setup = setup.plugin("probe", "probe").side("probe", "commands = ['order.announce']");
    let setup = setup.sagas("order-service", &[definition()], "").config(&collector.telemetry());
    let host = setup.start().await;
    let order = json!({"customerId": "456", "items": [{"productId": "p1", "quantity": 1}], "amount": 25.5});
    let placed = host.send(Method::POST, "/api/orders", &order.to_string()).await;
    assert_eq!(placed.status, 202, "{}", placed.text());
    let saga = placed.json()["sagaId"].as_str().unwrap().to_owned();
    let ended = host.until_saga(&saga, "completed").await;

    // Spans of one request come in any order, and not all at once.
    let is_all = async || {
        let spans = collector.spans();
        let first = spans.iter().find(|span| span.name == "POST /api/orders/*")?;
        let trace: Vec<_> = spans.iter().filter(|span| span.trace == first.trace).cloned().collect();
        let lines = TREE.lines().filter(|line| !line.is_empty()).count();
        Some(trace).filter(|trace| trace.len() >= lines)
    };
    let spans = host.eventually(&format!("the trace is whole: {}", tree(&collector.spans())), is_all).await;
    check_whole(&spans);
    check_tree(&spans, TREE);
    assert!(spans.iter().all(|span| span.error.is_none()), "{}", tree(&spans));

    let first = only(&spans, "POST /api/orders/*");
    for (name, value) in [
        ("http.request.method", json!("POST")),
        ("http.route", json!("/api/orders/*")),
        ("url.path", json!("/api/orders")),
        ("url.scheme", json!("http")),
        ("http.response.status_code", json!(202)),
        ("client.address", json!("127.0.0.1")),
        ("server.port", json!(host.gateway.port())),
        ("switchyard.service", json!("order-service")),
        ("switchyard.request.id", json!(placed.header("x-gateway-request-id"))),
    ] {
        assert_eq!(first.attributes.get(name), Some(&value), "{name}: {first:#?}");
    }
    let guest = only(&spans, "order-service request");
    assert_eq!(guest.text("switchyard.role"), "switchyard:plugin/http-handler@0.1.x");
    assert_eq!((guest.number("http.response.status_code"), guest.text("url.path")), (Some(202), "/orders"));
    assert!(!guest.text("switchyard.service.version").is_empty() && guest.number("switchyard.generation").is_some());
    let start = only(&spans, "saga start process-order");
    assert_eq!(
        (start.text("switchyard.saga.id"), start.text("switchyard.saga.name")),
        (saga.as_str(), "process-order")
    );
    let step = only(&spans, "saga process-order/payment.charge");
    assert_eq!((step.number("switchyard.saga.step"), step.number("switchyard.attempt")), (Some(1), Some(1)));
    assert_eq!((step.text("switchyard.saga.direction"), step.text("switchyard.saga.id")), ("forward", saga.as_str()));
    let taken = only(&spans, "process notifications");
    for (name, value) in [
        ("messaging.system", "switchyard"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", "notifications"),
        ("messaging.consumer.group.name", "notification-service"),
    ] {
        assert_eq!(taken.text(name), value, "{taken:#?}");
    }
    assert_eq!(taken.text("messaging.message.id"), only(&spans, "send notifications").text("messaging.message.id"));
    // Who looks at an event finds the trace.
    let told = host.told_of(&saga).await;
    let expected = format!("00-{}-{}-01", start.trace, start.id);
    assert!(told.iter().all(|event| event["traceparent"] == expected), "{expected}: {told:#?}");
    assert_eq!(ended["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_publishes_begins_a_trace_and_what_fails_says_why() {
    let collector = Collector::listen().await;
    let side = "[[subscriptions]]\ntopic = 'a.b'\nmax-attempts = 2\nbackoff = { linear = '10ms' }\n";
    let setup = Setup::new().plugin("probe", "probe").side("probe", side).config(&collector.telemetry());
    let host = setup.start().await;
    host.subscribed("probe/a.b").await;
    let data = json!({"do": "fail-times", "text": "not yet", "times": 1});
    host.publish(json!({"id": "e-1", "type": "a.b", "data": data})).await;
    let is_second = |span: &switchyard_tests::otlp::Span| {
        span.name == "process a.b" && span.number("switchyard.attempt") == Some(2)
    };
    let spans = collector.until(&host, "the second attempt", is_second).await;
    check_whole(&spans);
    let mut expected = "send a.b (producer)\n".to_owned();
    expected += "  process a.b (consumer) ! not yet\n    probe event (internal)\n";
    expected += "  process a.b (consumer)\n    probe event (internal)\n";
    check_tree(&spans, &expected);
    let first = spans.iter().find(|span| span.error.is_some()).unwrap();
    assert_eq!((first.text("error.type"), first.text("messaging.message.id")), ("retry", "e-1"));
    assert_eq!(first.text("messaging.consumer.group.name"), "probe/a.b");
}
