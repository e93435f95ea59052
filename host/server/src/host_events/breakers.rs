//! What is told of breakers: each move, as it happens.

use serde_json::json;
use switchyard_core::breaker::State;
use switchyard_dispatch::BreakerChange;

use super::Told;

/// The event of a move; none of one that has only been measured.
pub(super) fn told(change: &BreakerChange) -> Option<Told> {
    let BreakerChange { id, service, from, to, cause, next_attempt } = change;
    let topic = match to {
        State::Measuring if from == to => return None,
        State::Open | State::ForcedOpen => "breaker.opened",
        State::HalfOpen => "breaker.half-open",
        State::Closed | State::ForcedClosed | State::Measuring => "breaker.closed",
    };
    let data = json!({
        "id": id, "service": service, "instance": id, "state": to, "previousState": from, "reason": cause.to_string(),
        "nextAttempt": next_attempt,
    });
    Some(Told { topic, subject: service.to_string(), data })
}
