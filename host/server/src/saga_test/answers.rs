//! How participants answer: at once, or by an event where the command was one. Simulated participants that commands reach
//! as events get them as events too, so that they take the way that real ones do.

use std::sync::Arc;

use serde_json::json;
use switchyard_core::{
    event::Draft,
    handled::Failure,
    saga::{Direction, Outcome},
};
use switchyard_delivery::{Delivery, Publisher, Sent, To};

/// The source of what simulated participants answer.
const SOURCE: &str = "/services/simulated";

/// It is rejected.
pub(super) fn rejected() -> Outcome {
    Outcome::Failed(Failure::Reject("the harness rejects it".to_owned()))
}

/// It failed, and may be tried again.
pub(super) fn failed_for_now() -> Outcome {
    Outcome::Failed(Failure::Retry("the harness lets it fail once".to_owned()))
}

/// No answer, ever.
pub(super) async fn silence(sent: &Sent) -> Option<Outcome> {
    match sent.to {
        To::Event(_) => None,
        _ => std::future::pending().await,
    }
}

/// Gives an answer the way in which this command is answered.
pub(super) async fn answer(delivery: &Arc<Delivery>, sent: &Sent, outcome: Outcome) -> Option<Outcome> {
    let To::Event(_) = sent.to else { return Some(outcome) };
    let (topic, mut data) = match outcome {
        Outcome::Done(result) => ("saga.step.completed", json!({"result": result})),
        Outcome::Failed(Failure::Reject(error)) => ("saga.step.failed", json!({"error": error})),
        Outcome::Failed(Failure::Retry(error)) => ("saga.step.failed", json!({"error": error, "retry": true})),
        // Participants by event have no way to say these.
        other => return Some(other),
    };
    data["sagaId"] = sent.saga_id.as_str().into();
    let step = match sent.command.direction {
        Direction::Forward => "stepIndex",
        Direction::Compensation => "originalStepIndex",
    };
    data[step] = sent.command.step.into();
    let draft = Draft {
        topic: topic.to_owned(),
        causationid: Some(format!("{}/{}", sent.key, sent.command.attempt)),
        data: Some(data.to_string().into()),
        ..Draft::default()
    };
    match delivery.publish(Publisher::operator(SOURCE), vec![draft]).await {
        Ok(_) => None,
        Err(error) => Some(Outcome::Lost(format!("its answer cannot be published: {error}"))),
    }
}
