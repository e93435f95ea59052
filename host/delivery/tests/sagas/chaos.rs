//! Whatever participants answer, and whenever the host dies: every saga ends, and the books balance.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::json;
use switchyard_core::{handled::Failure, saga::Status};

use crate::host::{Host, Party, Reply};

/// Steps, a group, and a pivot with more after it.
const CHAOS: &str = r#"{"name": "chaos", "steps": [
    {"command": "a", "compensation": "undo-a", "timeout": "100ms", "retry": {"backoff": {"linear": "2ms"}}, "compensationRetry": {"maxAttempts": 40, "backoff": {"linear": "2ms"}}},
    {"parallel": [
        {"command": "b", "compensation": "undo-b", "timeout": "100ms", "retry": {"backoff": {"linear": "2ms"}}, "compensationRetry": {"maxAttempts": 40, "backoff": {"linear": "2ms"}}},
        {"command": "c", "compensation": "undo-c", "timeout": "100ms", "retry": {"maxAttempts": 1}, "compensationRetry": {"maxAttempts": 40, "backoff": {"linear": "2ms"}}}
    ]},
    {"command": "d", "pivot": true, "timeout": "100ms", "retry": {"maxAttempts": 40, "backoff": {"linear": "2ms"}}},
    {"command": "e", "timeout": "100ms", "retry": {"maxAttempts": 40, "backoff": {"linear": "2ms"}}}
]}"#;

const COMMANDS: [&str; 8] = ["a", "b", "c", "d", "e", "undo-a", "undo-b", "undo-c"];

/// Numbers that look like chance, the same for a seed.
struct Dice(AtomicU64);

impl Dice {
    fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seed)))
    }

    fn roll(&self, sides: u64) -> u64 {
        let n = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (n ^ (n >> 31)) % sides
    }
}

#[test]
fn every_saga_ends_and_the_books_balance() {
    for seed in [1, 2, 3] {
        check(seed);
    }
}

fn check(seed: u64) {
    const SAGAS: u64 = 60;
    let (folder, party, dice) = (tempfile::tempdir().unwrap(), Party::new(), Dice::new(seed));
    for command in COMMANDS {
        let dice = Arc::clone(&dice);
        let forward = !command.starts_with("undo");
        party.on(command, move |_| match dice.roll(20) {
            0 => Reply::Failed(Failure::Retry("later".to_owned())),
            1 if forward && matches!(command, "a" | "b" | "c") => Reply::Failed(Failure::Reject("never".to_owned())),
            2 => Reply::Lost,
            3 => Reply::Silent,
            4 => Reply::Late(Duration::from_millis(130)),
            5 => Reply::Failed(Failure::Defer(Duration::from_millis(10))),
            6..12 => Reply::Late(Duration::from_millis(3)),
            _ => Reply::Done(json!({command: 1})),
        });
    }
    let ids: Vec<String> = (0..SAGAS).map(|n| format!("c-{n}")).collect();
    let mut started = 0;
    let host = loop {
        let host = Host::start(folder.path(), &party, &[CHAOS]);
        for id in ids.iter().skip(started).take(12) {
            host.start_saga("chaos", id, &json!({}));
            started += 1;
        }
        if started == ids.len() {
            break host;
        }
        std::thread::sleep(Duration::from_millis(dice.roll(120)));
        host.crash();
    };
    host.eventually(|| host.block(host.delivery.saga_stats()).unwrap().open == 0);
    for id in &ids {
        let saga = host.saga(id);
        let net: Vec<_> = (0..5).map(|step| party.net(id, step)).collect();
        match saga["status"].as_str().unwrap() {
            "completed" => assert_eq!(net, [1; 5], "seed {seed}: {saga:#}"),
            "failed" => assert_eq!(net, [0; 5], "seed {seed}: {saga:#}"),
            // A pivot of which nobody knows, after so many attempts.
            status => assert_eq!((status, saga["error"].is_string()), ("stuck", true), "seed {seed}: {saga:#}"),
        }
        let last = host.history(id).last().cloned();
        assert!(
            last.is_some_and(|last| ["completed", "failedCleanly", "stuck", "answeredLate"].contains(&last.as_str()))
        );
    }
    let count = |status| host.list(Some(status)).len();
    let ends = [Status::Completed, Status::Failed, Status::Stuck].map(count);
    assert_eq!(ends.iter().sum::<usize>(), ids.len(), "seed {seed}");
    assert!(ends[0] > 0 && ends[1] > 0, "seed {seed}: {ends:?} is no chaos");
    host.stop();
}
