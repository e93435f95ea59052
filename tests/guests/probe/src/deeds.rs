//! What the data of an event or message, or the payload of a command, can ask for by its member `do`.

use serde_json::{Value, json};

use crate::{
    VERSION, draft,
    switchyard::plugin::{
        batch::{self, Condition, Key, Operation},
        events,
        queue_types::Message,
        queues, sagas,
        types::Failure,
    },
    wasi::{
        clocks::monotonic_clock::subscribe_duration,
        keyvalue::{atomics, store},
    },
};

/// How the handler was called.
pub struct Called<'a> {
    /// Unique for what is handled.
    pub name: String,
    /// From 1.
    pub attempt: u32,
    /// The message, when it is one.
    pub message: Option<&'a Message>,
}

/// What data asks for.
pub fn asked(data: &[u8]) -> Value {
    serde_json::from_slice(data).unwrap_or(Value::Null)
}

/// What a payload asks of a command: what stands under its name in `deeds`, else what the payload itself says.
pub fn asked_of(command: &str, payload: &[u8]) -> Value {
    let payload = asked(payload);
    payload["deeds"].get(command).cloned().unwrap_or(payload)
}

/// What a command answers that succeeded: `raw` as it stands there, else `result` as JSON, else nothing.
pub fn result(asked: &Value) -> Vec<u8> {
    match (asked["raw"].as_str(), &asked["result"]) {
        (Some(raw), _) => raw.into(),
        (None, Value::Null) => Vec::new(),
        (None, result) => result.to_string().into(),
    }
}

/// Does what is asked for.
///
/// | `do` | deed |
/// | --- | --- |
/// | nothing, or `ok` | success |
/// | `retry`, `reject` | that failure, with the text `text` |
/// | `defer` | defer for `ms`, the first `times` times |
/// | `reject-first` | reject the first `times` deliveries, whatever their attempt, then success |
/// | `fail-times` | retry while the attempt is at most `times`, then success |
/// | `reject-before` | reject while the version of this component is before `version`, then success |
/// | `trap`, `trap-times` | trap, always or while the attempt is at most `times` |
/// | `hang` | compute for ever |
/// | `slow`, `slow-times` | wait `ms`, always or while the attempt is at most `times`, then success |
/// | `ack-batch` | commit a value, an event on the topic `probe.acked` and the ack at once, then trap |
/// | `publish`, `enqueue`, `start-saga` | the draft in `draft` |
/// | `ack` | acknowledge the message by name and token |
pub fn act(asked: &Value, called: &Called<'_>) -> Result<(), Failure> {
    let ms = asked["ms"].as_u64().unwrap_or(100);
    let times = asked["times"].as_u64().unwrap_or(1);
    let text = asked["text"].as_str().unwrap_or("asked to").to_owned();
    let version = asked["version"].as_u64().unwrap_or(0);
    let is_early = u64::from(called.attempt) <= times;
    match asked["do"].as_str().unwrap_or("ok") {
        "ok" => Ok(()),
        "retry" => Err(Failure::Retry(text)),
        "reject" => Err(Failure::Reject(text)),
        "defer" if count(&called.name) <= times => Err(Failure::Defer(ms)),
        "reject-first" if count(&called.name) <= times => Err(Failure::Reject(text)),
        "reject-before" if VERSION.parse().is_ok_and(|own: u64| own < version) => Err(Failure::Reject(text)),
        "fail-times" if is_early => Err(Failure::Retry(text)),
        "trap-times" if is_early => panic!("asked to trap"),
        "slow-times" if is_early => wait(ms),
        "defer" | "reject-first" | "reject-before" | "fail-times" | "trap-times" | "slow-times" => Ok(()),
        "trap" => panic!("asked to trap"),
        "hang" => loop {
            std::hint::black_box(0);
        },
        "slow" => wait(ms),
        "ack-batch" => {
            batch::commit(&acknowledged(called)).expect("the batch commits");
            panic!("asked to trap after the commit");
        }
        "publish" => {
            events::publish(&draft::event(&asked["draft"])).map(drop).map_err(|error| Failure::Retry(error.to_string()))
        }
        "enqueue" => queues::enqueue(&draft::message(&asked["draft"]))
            .map(drop)
            .map_err(|error| Failure::Retry(error.to_string())),
        "start-saga" => {
            sagas::start(&draft::saga(&asked["draft"])).map(drop).map_err(|error| Failure::Retry(error.to_string()))
        }
        "ack" => {
            let message = called.message.expect("only messages are acknowledged by token");
            queues::ack(&message.queue, &message.id, &message.token).expect("the lease holds");
            Ok(())
        }
        unknown => Err(Failure::Reject(format!("no such deed: {unknown}"))),
    }
}

fn wait(ms: u64) -> Result<(), Failure> {
    subscribe_duration(ms * 1_000_000).block();
    Ok(())
}

/// How often this was asked, this time included; durable.
pub fn count(name: &str) -> u64 {
    let bucket = store::open("").expect("the service has a bucket");
    let count = atomics::increment(&bucket, &format!("c/{name}"), 1).expect("the store counts");
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn acknowledged(called: &Called<'_>) -> Vec<Operation> {
    let key = Key { bucket: String::new(), name: format!("a/{}", called.name) };
    let draft = draft::event(&json!({"topic": "probe.acked", "data": {"name": called.name}}));
    vec![Operation::Put((key, b"acked".to_vec(), Condition::Any)), Operation::Publish(draft), Operation::Ack]
}
