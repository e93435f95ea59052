//! `process-order` from the order to the end of its saga.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, bus::texts};

use crate::shop::{self, check_fulfilled, check_reserved};

/// Places an order that is taken.
async fn place(host: &Host, order: Value) -> Value {
    let answer = host.send(Method::POST, "/api/orders", &order.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

/// Waits until an order has this status.
async fn until_order(host: &Host, id: &str, status: &str) -> Value {
    let find = async || Some(host.books("orders", id).await).filter(|order| order["status"] == status);
    host.eventually(&format!("the order {id} is {status}"), find).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_reserved_paid_and_shipped_or_nothing_of_it() {
    let host = shop::setup(&[]).start().await;
    assert_eq!(host.books("inventory", "p2").await, Value::Null);
    let plugin = host.plugin("order-service").await;
    assert_eq!(plugin["sagas"][0]["name"], "process-order", "{plugin:#}");
    let plugin = host.plugin("payment-service").await;
    assert_eq!(plugin["commands"], json!(["payment.charge", "payment.refund"]), "{plugin:#}");
    let (status, text) = host.run(&["inspect", "plugins/order-service.wasm"]);
    assert!(status.success() && text.contains("process-order (inventory.reserve, payment.charge"), "{text}");
    let put = host.send(Method::PUT, "/api/inventory/p2", r#"{"available": 10}"#).await;
    assert_eq!((put.status.as_u16(), put.json()), (200, json!({"available": 10, "reserved": 0})));

    let items = |quantity: i64| json!([{"productId": "p2", "quantity": quantity}, {"productId": "p1", "quantity": 1}]);
    let order = json!({"customerId": "456", "items": items(3), "amount": 25.5});
    let placed = place(&host, order.clone()).await;
    let (id, saga) = (placed["orderId"].as_str().unwrap(), placed["sagaId"].as_str().unwrap());
    assert_eq!(placed, json!({"orderId": id, "sagaId": saga, "status": "pending"}));
    let ended = host.until_saga(saga, "completed").await;
    assert_eq!((&ended["sagaName"], &ended["data"]["orderId"]), (&json!("process-order"), &json!(id)));
    assert_eq!(host.books("inventory", "p2").await, json!({"available": 7, "reserved": 3}));
    assert_eq!(host.books("payments", id).await, json!({"charged": 25.5, "refunded": 0}));
    assert_eq!(host.books("shipments", id).await, json!({"status": "created"}));
    let shown = until_order(&host, id, "completed").await;
    let members = json!({"orderId": id, "customerId": "456", "items": items(3), "amount": 25.5, "sagaId": saga,
                         "status": "completed"});
    assert_eq!(shown, members);
    // The saga goes on with the trace of the request that started it.
    let told = host.told_of(saga).await;
    assert!(told.iter().all(|event| event["traceparent"] == told[0]["traceparent"]), "{told:#?}");
    assert!(told[0]["traceparent"].as_str().unwrap().starts_with("00-"), "{told:#?}");

    let placed = place(&host, json!({"customerId": "456", "items": items(8), "amount": 1})).await;
    let (id, saga) = (placed["orderId"].as_str().unwrap(), placed["sagaId"].as_str().unwrap());
    let failed = host.until_saga(saga, "failed").await;
    assert!(failed["error"].as_str().unwrap().contains("Insufficient stock for p2"), "{failed:#}");
    assert_eq!(until_order(&host, id, "failed").await["error"], failed["error"]);
    assert_eq!(host.books("inventory", "p2").await, json!({"available": 7, "reserved": 3}));
    check_reserved(&host, 1).await;
    assert_eq!(host.books("payments", id).await, Value::Null);
    assert_eq!(host.books("shipments", id).await, Value::Null);

    for wrong in [json!({}), json!({"customerId": "456", "items": [], "amount": 1}), json!({"amount": 99.999})] {
        let answer = host.send(Method::POST, "/api/orders", &wrong.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (400, "application/problem+json"),
            "{wrong}"
        );
    }
    assert_eq!(host.books("orders", "unknown").await, Value::Null);
    assert_eq!(host.sagas("").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_is_told_of_shown_and_listed_with_all_its_members() {
    let host = shop::setup(&[]).start().await;
    let answer = host.ask_for_saga("process-order", "order-123", shop::order("123")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (201, "/api/v1/sagas/order-123"));
    let started = answer.json();
    assert_eq!((&started["sagaId"], &started["existing"]), (&json!("order-123"), &json!(false)));
    assert!(["running", "completed"].contains(&started["status"].as_str().unwrap()), "{started}");

    let saga = host.until_saga("order-123", "completed").await;
    let results = [
        json!({"reservationId": "order-123:0", "reserved": [{"productId": "p1", "quantity": 2}]}),
        json!({"paymentId": "order-123:1", "orderId": "123", "charged": 99.99}),
        json!({"shipmentId": "order-123:2", "orderId": "123"}),
    ];
    let mut data = shop::order("123");
    for result in &results {
        data.as_object_mut().unwrap().extend(result.as_object().unwrap().clone());
    }
    assert_eq!((&saga["sagaId"], &saga["sagaName"]), (&json!("order-123"), &json!("process-order")));
    assert_eq!((&saga["data"], &saga["currentStep"], &saga["lateAnswers"]), (&data, &json!(3), &json!(0)));
    assert!(saga["error"].is_null() && saga["startedAt"].is_string() && saga["endedAt"].is_string(), "{saga:#}");
    let commands = ["inventory.reserve", "payment.charge", "shipping.create"];
    let steps = saga["steps"].as_array().unwrap();
    for (index, (step, command)) in steps.iter().zip(commands).enumerate() {
        let members = [("index", json!(index)), ("name", json!(command)), ("command", json!(command))];
        let more = [("status", json!("completed")), ("attempts", json!(1)), ("round", json!(1))];
        for (name, value) in members.into_iter().chain(more).chain([("result", results[index].clone())]) {
            assert_eq!(step[name], value, "{name}: {step:#}");
        }
        assert!(step["startedAt"].is_string() && step["endedAt"].is_string() && step["error"].is_null(), "{step:#}");
    }
    check_fulfilled(&host, "123").await;
    check_reserved(&host, 2).await;

    let told = host.told_of("order-123").await;
    let topics =
        ["saga.started", "saga.step.completed", "saga.step.completed", "saga.step.completed", "saga.completed"];
    assert_eq!(texts(&told, "type"), topics);
    let names = json!({"sagaId": "order-123", "sagaName": "process-order"});
    let with = |more: Value| {
        let mut data = names.clone();
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    assert_eq!(told[0]["data"], with(json!({"data": shop::order("123")})));
    for (index, event) in told[1..4].iter().enumerate() {
        let (command, result) = (commands[index], &results[index]);
        let expected = with(json!({"stepIndex": index, "step": command, "command": command, "result": result}));
        assert_eq!(event["data"], expected);
    }
    assert_eq!(told[4]["data"], with(json!({"data": data})));
    assert!(told.iter().all(|event| event["correlationid"] == saga["correlationId"]), "{told:#?}");

    let history = host.saga_history("order-123").await;
    let words = ["started", "intended", "succeeded", "intended", "succeeded", "intended", "succeeded", "completed"];
    assert_eq!(texts(&history, "event"), words);
    assert!(history.iter().all(|line| line["at"].is_string()), "{history:#?}");
    let numbers: Vec<u64> = history.iter().map(|line| line["sequence"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let intended = &history[3];
    let members = ["step", "name", "command", "direction", "attempt", "round"].map(|name| intended[name].clone());
    let charge = [json!(1), json!("payment.charge"), json!("payment.charge"), json!("forward"), json!(1), json!(1)];
    assert_eq!((members, intended["until"].is_string()), (charge, true), "{intended:#}");

    // Started once more, it is the first one, whatever is said.
    let again = host.ask_for_saga("process-order", "order-123", json!({"other": true})).await;
    let expected = json!({"sagaId": "order-123", "existing": true, "status": "completed"});
    assert_eq!((again.status.as_u16(), again.json()), (200, expected));
    assert_eq!(host.told_of("order-123").await.len(), 5);
    let answer = host.ask_for_saga("process-order", "", shop::order("124")).await;
    let made = answer.json()["sagaId"].as_str().unwrap().to_owned();
    host.until_saga(&made, "completed").await;
    check_fulfilled(&host, "124").await;
    check_fulfilled(&host, "123").await;
    check_reserved(&host, 4).await;

    let mut both = vec!["order-123".to_owned(), made];
    both.sort();
    assert_eq!(host.sagas("status=completed").await, both);
    assert_eq!(host.sagas("name=process-order").await, both);
    for none in ["status=running", "status=failed", "status=stuck", "name=other"] {
        assert_eq!(host.sagas(none).await, Vec::<String>::new(), "{none}");
    }
    let pages = host.items("/api/v1/sagas?limit=1").await;
    let summary = pages.iter().find(|saga| saga["sagaId"] == "order-123").unwrap();
    for name in ["sagaName", "status", "currentStep", "startedAt", "endedAt", "error"] {
        assert_eq!(summary[name], saga[name], "{name}");
    }
    let stats = host.saga_stats().await;
    let counts = ["open", "owned", "stuck", "completed", "failed", "commandsInFlight"].map(|name| stats[name].clone());
    assert_eq!(counts, [0, 0, 0, 2, 0, 0].map(Value::from), "{stats:#}");

    let definitions = host.items("/api/v1/sagas/definitions").await;
    assert_eq!(definitions.len(), 1, "{definitions:#?}");
    let definition = &definitions[0];
    let head = [&definition["name"], &definition["service"], &definition["digest"], &definition["onFailure"]];
    let expected = [&json!("process-order"), &json!("order-service"), &saga["definition"], &json!("compensate")];
    assert_eq!(head, expected, "{definition:#}");
    let first = &definition["steps"][0];
    let members = [&first["command"], &first["compensation"], &first["data"]["timeout"]];
    let expected = [&json!("inventory.reserve"), &json!("inventory.release"), &json!(30_000)];
    assert_eq!(members, expected, "{definition:#}");
}
