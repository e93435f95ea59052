//! `switchyard saga test`: definitions under every fault, as their authors run it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use serde_json::Value;
use switchyard_tests::{Setup, root};

/// The file of a definition.
fn file(name: &str) -> String {
    root().join("tests/tests/saga_harness").join(name).display().to_string()
}

/// Runs it in a folder, and answers its exit code and what it printed.
fn saga_test(setup: &Setup, arguments: &[&str]) -> (Option<i32>, String) {
    let (status, text) = setup.run(&[&["saga", "test"], arguments].concat());
    (status.code(), text)
}

/// The cases of a run in which all is well.
#[track_caller]
fn well(setup: &Setup, arguments: &[&str]) -> Vec<Value> {
    let (code, text) = saga_test(setup, &[arguments, &["--json"]].concat());
    assert_eq!(code, Some(0), "{text}");
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["ok"], true, "{text}");
    shown["cases"].as_array().unwrap().clone()
}

/// How many cases there are, and how many of them are completed, failed and stuck.
fn ends(cases: &[Value]) -> [usize; 4] {
    let count = |status: &str| cases.iter().filter(|case| case["status"] == status).count();
    [cases.len(), count("completed"), count("failed"), count("stuck")]
}

/// What became of a case.
#[track_caller]
fn case<'a>(cases: &'a [Value], step: u32, direction: &str, fault: &str, always: bool) -> &'a Value {
    let is_it = |case: &&Value| {
        (&case["step"], &case["direction"], &case["fault"], &case["always"])
            == (&step.into(), &direction.into(), &fault.into(), &always.into())
    };
    cases.iter().find(is_it).unwrap_or_else(|| panic!("no case {step} {direction} {fault}: {cases:#?}"))
}

#[test]
fn parallel_groups_end_done_or_undone() {
    let cases = well(&Setup::new(), &[&file("parallel.json")]);
    let [all, completed, failed, stuck] = ends(&cases);
    assert_eq!((all, completed + failed + stuck), (1 + 5 * 8 + 4 * 12, all));
    // Of each of four compensations those that reject, and those that never come to be answered.
    assert_eq!(stuck, 4 * 5, "{cases:#?}");
    assert_eq!(case(&cases, 0, "forward", "fail", false)["status"], "failed");
    let unanswered = case(&cases, 3, "compensation", "trap", true);
    assert!(unanswered["error"].as_str().unwrap().contains("the compensation of the step 3 ('card.charge') failed"));
    assert_eq!(unanswered["simulated"][3], serde_json::json!({"step": 3, "net": 0}));
}

#[test]
fn at_the_pivot_and_past_it_a_saga_is_stuck_or_goes_on() {
    // Where there is one attempt only, a machine that is busy must not pass for a participant that is slow.
    let cases = well(&Setup::new(), &[&file("pivot.json"), "--time-out", "1s"]);
    assert_eq!(cases.len(), 1 + 4 * 8 + 2 * 12);
    let forward = |step, fault| case(&cases, step, "forward", fault, false);
    assert_eq!(forward(2, "fail")["status"], "failed", "a pivot that rejects has done nothing");
    for (step, fault) in [(2, "trap"), (2, "late"), (2, "time-out"), (3, "fail")] {
        assert_eq!(forward(step, fault)["status"], "stuck", "{step} {fault}");
    }
    assert_eq!(forward(3, "trap")["status"], "completed");
}

#[test]
fn signals_timers_and_answers_by_event_come_through_every_fault() {
    let cases = well(&Setup::new(), &[&file("waiting.json")]);
    let [all, completed, failed, stuck] = ends(&cases);
    assert_eq!((all, completed + failed + stuck), (1 + 3 * 8 + 3 * 12, all));
    assert_eq!(case(&cases, 2, "forward", "crash-after-effect", false)["status"], "completed");
    assert_eq!(case(&cases, 4, "compensation", "late", false)["status"], "failed");
}

#[test]
fn an_order_is_processed_or_leaves_nothing_behind() {
    let services = ["order-service", "inventory-service", "payment-service", "shipping-service"];
    let setup = services.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name));
    let order =
        r#"{"orderId": "123", "customerId": "456", "items": [{"productId": "p1", "quantity": 2}], "amount": 99.99}"#;
    let books = [
        "/api/inventory/p1#/available",
        "/api/inventory/p1#/reserved",
        "/api/payments/{orderId}#/charged-/refunded",
        "/api/shipments/{orderId}#/status=created",
    ];
    let books: Vec<&str> = books.into_iter().flat_map(|book| ["--books", book]).collect();
    let cases = well(&setup, &[&["process-order", "--data", order][..], &books].concat());
    assert_eq!(cases.len(), 1 + 3 * (8 + 12));
    let after: Vec<f64> =
        cases[0]["books"].as_array().unwrap().iter().map(|book| book["after"].as_f64().unwrap()).collect();
    assert_eq!(after, [999_998.0, 2.0, 99.99, 1.0]);
    assert!(cases.iter().all(|case| case["simulated"] == serde_json::json!([])), "{cases:#?}");
    let refund = case(&cases, 1, "compensation", "time-out", true);
    assert_eq!(refund["books"][2]["after"], 99.99, "{refund:#}");
}

/// A service that takes commands and undoes nothing: its books are how many commands it got.
fn forgetful() -> Setup {
    Setup::new().probe("commands = ['stock.take', 'stock.put', 'pay']")
}

#[test]
fn a_compensation_that_undoes_nothing_is_found() {
    let arguments = [&file("forgetful.json"), "--books", "/probe/count?kind=s", "--fault", "fail"];
    let (code, text) = saga_test(&forgetful(), &arguments);
    assert_eq!(code, Some(1), "{text}");
    // Where nothing was done, nothing is to be undone.
    assert!(text.contains("0 stock.take  forward       fail                failed     balance"), "{text}");
    assert!(text.contains("1 pay         forward       fail                failed     WRONG"), "{text}");
    assert!(text.contains("wrong: /probe/count?kind=s says 2; before the saga it said 0"), "{text}");
    // The history of its saga says what happened.
    assert!(text.contains("compensationStarted") && text.contains("failedCleanly"), "{text}");
    assert!(text.trim_end().ends_with("5 cases: 1 did not end as a saga may, or the books do not balance"), "{text}");
}

#[test]
fn a_participant_that_does_a_command_twice_is_found() {
    let arguments = [&file("forgetful.json"), "--books", "/probe/count?kind=s", "--fault", "twice", "--step", "1"];
    let (code, text) = saga_test(&forgetful(), &arguments);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("says 3; after the case without a fault it said 2"), "{text}");
}

#[test]
fn a_case_without_a_fault_that_fails_is_all_that_is_run() {
    let broken = r#"{"deeds": {"pay": {"do": "reject", "text": "no money"}}}"#;
    let (code, text) = saga_test(&forgetful(), &[&file("forgetful.json"), "--data", broken]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("without a fault it has to be completed, and is failed: the step 1 ('pay')"), "{text}");
    assert!(text.contains("no money") && text.trim_end().contains("no other was run"), "{text}");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let setup = Setup::new().plugin("order-service", "order-service");
    let (code, text) = saga_test(&setup, &["process-orders"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("declares the definition 'process-orders'") && text.contains("process-order"), "{text}");
    // Whoever takes no part in a run is simulated.
    let (code, text) = saga_test(&setup, &["process-order", "--fault", "trap", "--keep"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("simulated: 0 inventory.reserve, 1 payment.charge, 2 shipping.create"), "{text}");
    let folder = text.lines().find_map(|line| line.strip_prefix("the folders of the cases are in ")).unwrap();
    assert!(std::path::Path::new(folder).join("case-1/store").is_dir(), "{text}");
    std::fs::remove_dir_all(folder).unwrap();
}
