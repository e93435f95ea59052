//! A participant of sagas over HTTP: `/step` does and `/undo` undoes, each what stands under its name in `http` of the
//! payload; see `deeds.rs`. Further on there: `status` is answered as it is, with `result` as the body.

use serde_json::{Value, json};

use crate::{
    deeds, record,
    switchyard::plugin::{http_types::Request, types::Failure},
};

/// Carries out a command that came as a POST, and answers its status and body.
pub fn carry_out(request: &Request, what: &str, payload: &Value) -> (u16, Value) {
    let header = |name: &str| {
        let found = request.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let key = header("idempotency-key");
    record::step(
        &key,
        json!({
            "method": request.method, "path": request.path, "idempotencyKey": key, "sagaId": header("x-saga-id"),
            "stepIndex": header("x-saga-step"), "direction": header("x-saga-direction"),
            "contentType": header("content-type"), "payload": payload,
        }),
    );
    let asked = &payload["http"][what];
    let attempt = u32::try_from(deeds::count(&key)).unwrap_or(u32::MAX);
    match deeds::act(asked, &deeds::Called { name: format!("{key}/deed"), attempt, message: None }) {
        Ok(()) => {
            let status = asked["status"].as_u64().and_then(|status| status.try_into().ok());
            (status.unwrap_or(200), asked["result"].clone())
        }
        Err(Failure::Retry(text)) => (429, text.into()),
        Err(Failure::Reject(text)) => (422, text.into()),
        Err(Failure::Defer(_)) => (503, Value::Null),
    }
}
