//! my-service: sends what is enqueued for it, one letter after the other.

use serde::{Deserialize, Serialize};
use switchyard_sdk::batch::Batch;
use switchyard_sdk::{
    Consumer, Error, Failure, Json, Manifest, Message, Path, Result, Route, Router, kv, log, queues,
};

switchyard_sdk::plugin! { manifest: manifest, http: router, queues: send }

/// The queue that it consumes.
const QUEUE: &str = "my-service";

fn manifest() -> Manifest {
    switchyard_sdk::manifest!()
        .route(Route::new("/my-service/*").strip_prefix("/my-service"))
        .queue(Consumer::new(QUEUE).concurrency(4))
}

fn router() -> Router {
    Router::new().post("/", write).get("/{id}", sent)
}

#[derive(Serialize, Deserialize)]
struct Letter {
    to: String,
    text: String,
}

#[derive(Serialize)]
struct Enqueued {
    id: String,
}

/// Answers as soon as the letter is durable in the queue.
fn write(Json(letter): Json<Letter>) -> Result<(u16, Json<Enqueued>)> {
    let id = queues::enqueue(Message::new(QUEUE).json(&letter)?)?;
    Ok((202, Json(Enqueued { id })))
}

/// An error says what becomes of the message: a letter of another shape is a dead letter at once, what may work later is
/// tried again, three times unless the manifest says otherwise.
fn send(message: &Message) -> Result<(), Failure> {
    let letter: Letter = message.json()?;
    if letter.to.is_empty() {
        return Err(Failure::reject("nobody is to get it"));
    }
    log::info!("to {}: {}", letter.to, letter.text);
    // One commit: it is never recorded without being acknowledged, nor the other way round.
    Batch::new()
        .put_json(key(message.id()), &letter)?
        .ack()
        .commit()?;
    Ok(())
}

/// 404 until it was sent.
fn sent(Path(id): Path<String>) -> Result<Json<Letter>> {
    let letter = kv::own()?.get_json(&key(&id))?;
    letter.map(Json).ok_or_else(|| Error::not_found("Not sent"))
}

fn key(id: &str) -> String {
    format!("sent/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use switchyard_sdk::{Request, queues::IntoWorker, testing};

    fn write(body: &str) -> (u16, String) {
        let response = router().serve(Request::new("POST", "/").with_body(body));
        let answer: Value = serde_json::from_slice(response.body()).expect("JSON");
        (
            response.status(),
            answer["id"].as_str().unwrap_or_default().to_owned(),
        )
    }

    #[test]
    fn a_letter_is_enqueued_then_sent() {
        let (status, id) = write(r#"{"to":"ann","text":"hello"}"#);
        let sent = || router().serve(Request::get(&format!("/{id}")));
        assert_eq!((status, sent().status()), (202, 404));
        assert_eq!(testing::work(&send.into_worker(), QUEUE), [Ok(())]);
        assert_eq!(sent().body(), br#"{"to":"ann","text":"hello"}"#);
    }

    #[test]
    fn a_letter_to_nobody_is_a_dead_letter() {
        assert_eq!(write(r#"{"text":"hello"}"#).0, 400);
        assert_eq!(write(r#"{"to":"","text":"hello"}"#).0, 202);
        assert!(matches!(
            testing::work(&send.into_worker(), QUEUE)[..],
            [Err(Failure::Reject(_))]
        ));
        assert_eq!(testing::dead_letters().len(), 1);
    }
}
