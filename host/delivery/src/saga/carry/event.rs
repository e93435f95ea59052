//! A command that is an event, which whoever subscribes carries out and answers by another one.

use serde_json::Value;
use switchyard_core::{
    event::{Attribute, Draft},
    handled::Failure,
    saga::{CommandId, Direction, Outcome, SagaId},
};

use super::Sent;
use crate::{
    delivery::{Delivery, STORE_RETRY},
    error::Error,
    publish::Publisher,
};

/// The extension attribute with the idempotency key.
const KEY: &str = "idempotencykey";

/// The extension attribute with the command's name, which tells a step from its compensation on the same topic.
const COMMAND: &str = "sagacommand";

// === impl Delivery ===

impl Delivery {
    pub(super) async fn carry_as_event(&self, sent: Sent, topic: String) -> Option<Outcome> {
        let id = id(&sent);
        let draft = Draft {
            topic,
            // Sent again after a crash, it is the same event, which is stored once.
            id: Some(id),
            subject: Some(sent.saga_id.to_string()),
            partitionkey: Some(sent.saga_id.to_string()),
            correlationid: Some(sent.correlationid),
            traceparent: sent.traceparent,
            extensions: [(KEY, sent.key), (COMMAND, sent.name)]
                .map(|(name, value)| (name.to_owned(), Attribute::String(value)))
                .into(),
            data: Some(Value::Object(sent.payload).to_string().into()),
            ..Draft::default()
        };
        match self.publish(Publisher::host(), vec![draft]).await {
            Ok(_) => None,
            Err(Error::Busy(_) | Error::Unavailable(_)) => Some(Outcome::Unsent(STORE_RETRY)),
            Err(error) => Some(Outcome::Failed(Failure::Reject(format!("it cannot be published: {error}")))),
        }
    }
}

/// The id of the event of an attempt, which events that it leads to name as their cause.
pub(super) fn id(sent: &Sent) -> String {
    format!("{}/{}", sent.key, sent.command.attempt)
}

/// The attempt of a saga that an event's cause names.
pub(in crate::saga) fn attempt(saga: &SagaId, cause: &str) -> Option<CommandId> {
    let mut parts = cause.strip_prefix(saga.as_str())?.strip_prefix('/')?.split('/');
    let mut next = || parts.next();
    let step = next()?.parse().ok()?;
    let direction = match next()? {
        "forward" => Direction::Forward,
        "compensation" => Direction::Compensation,
        _ => return None,
    };
    let (round, attempt) = (next()?.parse().ok()?, next()?.parse().ok()?);
    next().is_none().then_some(CommandId { step, direction, round, attempt })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_names_one_attempt_of_this_saga() {
        let saga = "s".parse().unwrap();
        let id = CommandId { step: 3, direction: Direction::Compensation, round: 2, attempt: 7 };
        let cause = format!("{}/{}", id.key(&saga), id.attempt);
        assert_eq!(attempt(&saga, &cause), Some(id));
        for other in
            ["", "s", "t/3/forward/1/1", "s/3/forward/1", "s/3/back/1/1", "s/3/forward/1/1/1", "s/x/forward/1/1"]
        {
            assert_eq!(attempt(&saga, other), None, "{other}");
        }
    }
}
